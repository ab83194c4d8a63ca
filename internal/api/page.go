// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
)

// Page is a stretch of a list.
type Page[T any] struct {
	Data    []T    `json:"data"`
	Next    string `json:"next,omitempty" doc:"Cursor of the next page: hand it in as after"`
	HasMore bool   `json:"has_more"`
}

// paging are the parameters of every list.
type paging struct {
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at the most"`
	After string `query:"after" maxLength:"200" doc:"Cursor from the page before"`
}

type pageAnswer[T any] struct {
	Link string `header:"Link" doc:"The next page (RFC 8288)"`
	Body Page[T]
}

// paged cuts a page out of a whole list that is in order of key. Lists of
// declared objects are short enough to be read whole.
func paged[T any](path string, p paging, all []T, key func(T) string) (*pageAnswer[T], error) {
	after, err := p.position()
	if err != nil {
		return nil, err
	}
	start := 0
	for after != "" && start < len(all) && key(all[start]) <= after {
		start++
	}
	end := min(start+p.Limit, len(all))
	out := &pageAnswer[T]{Body: Page[T]{Data: all[start:end], HasMore: end < len(all)}}
	if out.Body.Data == nil {
		out.Body.Data = []T{}
	}
	if out.Body.HasMore {
		out.next(path, p.Limit, key(all[end-1]))
	}
	return out, nil
}

// next sets the cursor to behind the object with this key.
func (a *pageAnswer[T]) next(path string, limit int, key string) {
	a.Body.Next = base64.RawURLEncoding.EncodeToString([]byte(key))
	a.Link = fmt.Sprintf("<%s?limit=%d&after=%s>; rel=\"next\"", path, limit, a.Body.Next)
}

// position reads the cursor.
func (p paging) position() (string, error) {
	key, err := base64.RawURLEncoding.Strict().DecodeString(p.After)
	if err != nil {
		return "", &sashlock.Error{Kind: sashlock.Invalid, Op: "reading cursor", Subject: "after", Hint: "hand in the cursor exactly as the page before gave it, or none"}
	}
	return string(key), nil
}

// etag writes a revision as an entity tag.
func etag(rev int64) string { return `"` + strconv.FormatInt(rev, 10) + `"` }

// ifMatch reads the revision of an If-Match header; 0 when there is none.
func ifMatch(header string) (int64, error) {
	if header == "" || header == "*" {
		return 0, nil
	}
	rev, err := strconv.ParseInt(strings.Trim(header, `"`), 10, 64)
	if err != nil || rev < 1 || etag(rev) != header {
		return 0, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading If-Match", Subject: "If-Match", Hint: `hand in the ETag exactly as it was given, like "3" with its quotes`}
	}
	return rev, nil
}
