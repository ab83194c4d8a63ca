// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
)

// Page is a stretch of a list.
type Page[T any] struct {
	Data    []T    `json:"data"`
	Next    string `json:"next,omitempty" doc:"Cursor of the next page: hand it in as after"`
	HasMore bool   `json:"has_more"`
}

// Paging are the parameters of every list. It is exported because the library
// that reads requests looks into embedded structs only if they are.
type Paging struct {
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at the most"`
	After string `query:"after" maxLength:"200" doc:"Cursor from the page before"`

	asked url.URL // what was asked: the next page is asked for in the same way
}

// Resolve keeps the address of the call.
func (p *Paging) Resolve(c huma.Context) []error {
	p.asked = c.URL()
	return nil
}

// Order of a list, by key.
const (
	ascending  = 1
	descending = -1
)

type pageAnswer[T any] struct {
	Link string `header:"Link" doc:"The next page (RFC 8288)"`
	Body Page[T]
}

// paged cuts a page out of a whole list. Lists of declared objects are short
// enough to be read whole.
//
// A page goes on behind the key of the one before, so it neither skips nor
// repeats anything when objects come and go in between.
func paged[T any](p Paging, order int, all []T, key func(T) string) (*pageAnswer[T], error) {
	after, err := p.position()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(x, y T) int { return order * cmp.Compare(key(x), key(y)) })
	start := 0
	for after != "" && start < len(all) && order*cmp.Compare(key(all[start]), after) <= 0 {
		start++
	}
	end := min(start+p.Limit, len(all))
	out := &pageAnswer[T]{Body: Page[T]{Data: all[start:end], HasMore: end < len(all)}}
	if out.Body.Data == nil {
		out.Body.Data = []T{}
	}
	if out.Body.HasMore {
		out.next(p, key(all[end-1]))
	}
	return out, nil
}

// next sets the cursor to behind the object with this key.
func (a *pageAnswer[T]) next(p Paging, key string) {
	a.Body.Next = base64.RawURLEncoding.EncodeToString([]byte(key))
	query := p.asked.Query()
	query.Set("limit", strconv.Itoa(p.Limit))
	query.Set("after", a.Body.Next)
	a.Link = fmt.Sprintf("<%s?%s>; rel=\"next\"", p.asked.EscapedPath(), query.Encode())
}

// position reads the cursor.
func (p Paging) position() (string, error) {
	key, err := base64.RawURLEncoding.Strict().DecodeString(p.After)
	if err != nil || !isText(string(key)) {
		return "", &sashlock.Error{Kind: sashlock.Invalid, Op: "reading cursor", Subject: "after", Hint: "hand in the cursor exactly as the page before gave it, or none"}
	}
	return string(key), nil
}

// etag writes a revision as an entity tag.
func etag(rev int64) string { return `"` + strconv.FormatInt(rev, 10) + `"` }

// anyRev stands for If-Match: *, which means that there has to be one.
const anyRev = -1

// ifMatch reads the revision of an If-Match header; 0 when there is none.
func ifMatch(header string) (int64, error) {
	switch header {
	case "":
		return 0, nil
	case "*":
		return anyRev, nil
	}
	rev, err := strconv.ParseInt(strings.Trim(header, `"`), 10, 64)
	if err != nil || rev < 1 || etag(rev) != header {
		return 0, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading If-Match", Subject: "If-Match", Hint: `hand in the ETag exactly as it was given, like "3" with its quotes`}
	}
	return rev, nil
}
