// SPDX-License-Identifier: Apache-2.0

// Package tags keeps the tags of openings: the few letters on a label that lead
// a phone to the page of the case it sticks on.
//
// # What
//
// A tag is four to six letters and digits, "7Q4F", that people can read aloud
// and type. Its alphabet has no vowels, so that no tag is a word, and none of
// the signs that are mistaken for each other. A tag is issued when the first
// label is made and stays with its opening.
//
// # How it fits
//
// The label carries the address /c/TAG as a QR code; the page behind it finds
// the opening with [Find]. The page that prints labels calls [Issue] within a
// flow.Change.
//
// # Promises
//
// A tag names an opening and is no secret: whoever knows it may open nothing
// that they might not open anyway. No two openings have the same tag.
package tags

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// alphabet is what tags are made of.
const alphabet = "2346789CDFGHJKMPQRTVWXY"

const (
	shortest = 4
	longest  = 6
	tries    = 16 // with each length
)

// Path is the address of the page that a tag leads to, on our own origin.
func Path(tag string) string { return "/c/" + tag }

// Normal is a tag as it is kept, from what somebody typed or scanned: upper
// case, without spaces and hyphens. What cannot be a tag becomes "".
func Normal(typed string) string {
	if len(typed) > 4*longest {
		return ""
	}
	tag := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, strings.ToUpper(typed))
	if len(tag) < shortest || len(tag) > longest || strings.Trim(tag, alphabet) != "" {
		return ""
	}
	return tag
}

// Find returns the opening that a tag is on. A tag that was never issued, or
// whose opening was removed, is not found.
func Find(q store.Query, tag string) (sashlock.OpeningID, error) {
	read := func(scan store.Scan) (id sashlock.OpeningID, err error) { return id, scan(&id) }
	tag = Normal(tag)
	return store.One(q, read, "tag", tag, `SELECT opening FROM tags WHERE tag = ?`, tag)
}

// Of returns the tag of an opening; empty: none was issued yet.
func Of(q store.Query, opening sashlock.OpeningID) (string, error) {
	var tag string
	err := q.QueryRow(`SELECT tag FROM tags WHERE opening = ? ORDER BY created DESC, tag LIMIT 1`, opening).Scan(&tag)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return tag, err
}

// List returns the tag of each opening that has one.
func List(q store.Query) (map[sashlock.OpeningID]string, error) {
	type row struct {
		tag     string
		opening sashlock.OpeningID
	}
	read := func(scan store.Scan) (r row, err error) { return r, scan(&r.tag, &r.opening) }
	rows, err := store.Rows(q, read, `SELECT tag, opening FROM tags ORDER BY created, tag DESC`)
	all := make(map[sashlock.OpeningID]string, len(rows))
	for _, r := range rows {
		all[r.opening] = r.tag
	}
	return all, err
}

// Issue returns the tag of an opening and, when it had none, gives it one. The
// edit records that; it is empty when nothing was issued.
func Issue(tx *store.Tx, o sashlock.Opening) (string, flow.Edit, error) {
	tag, err := Of(tx, o.ID)
	if err != nil || tag != "" {
		return tag, flow.Edit{}, err
	}
	for i := range (longest - shortest + 1) * tries {
		tag = random(shortest + i/tries)
		_, err := Find(tx, tag)
		if err == nil {
			continue // taken
		}
		if !sashlock.IsKind(err, sashlock.NotFound) {
			return "", flow.Edit{}, err
		}
		err = tx.Put("tags", "tag", store.Fields{"tag": tag, "opening": o.ID, "created": store.Micros(tx.Now())})
		issued := sashlock.Event{Kind: sashlock.TagIssued, Site: o.Site, Opening: o.ID, Subject: tag}
		return tag, flow.Edit{Events: []sashlock.Event{issued}}, err
	}
	return "", flow.Edit{}, &sashlock.Error{Kind: sashlock.Limit, Op: "issuing tag", Subject: o.Slug, Hint: lang.Mark("there are more labels than tags: remove openings that are no longer there")}
}

// random is a tag of n signs, each as likely as any other.
func random(n int) string {
	const fair = 256 / len(alphabet) * len(alphabet) // beyond it, the first signs would be likelier
	tag, b := make([]byte, 0, n), make([]byte, 1)
	for len(tag) < n {
		_, _ = rand.Read(b) // never fails
		if int(b[0]) < fair {
			tag = append(tag, alphabet[int(b[0])%len(alphabet)])
		}
	}
	return string(tag)
}
