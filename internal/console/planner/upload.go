// SPDX-License-Identifier: Apache-2.0

package planner

import (
	"errors"
	"io"
	"net/http"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/plans"
)

// received reads the uploaded picture of a form and makes it safe. The file is
// never written to disk.
func (p pages) received(w http.ResponseWriter, r *http.Request, clean func([]byte) (plans.Picture, error)) (plans.Picture, error) {
	missing := &sashlock.Error{Kind: sashlock.Invalid, Op: "reading picture", Subject: "picture", Hint: lang.T(r.Context(), "choose a file first")}
	r.Body = http.MaxBytesReader(w, r.Body, plans.MaxUpload+console.MaxForm)
	parts, err := r.MultipartReader()
	if err != nil {
		return plans.Picture{}, missing
	}
	for range 16 { // a form of ours has fewer fields
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return plans.Picture{}, p.unread(r, err)
		}
		if part.FormName() != "picture" {
			continue
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return plans.Picture{}, p.unread(r, err)
		}
		if len(content) == 0 {
			return plans.Picture{}, missing
		}
		return p.cleaned(r, content, clean)
	}
	return plans.Picture{}, missing
}

func (p pages) unread(r *http.Request, err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &sashlock.Error{Kind: sashlock.Limit, Op: "reading picture", Subject: "picture", Hint: lang.T(r.Context(), "the file is too large: 12 MB at most"), Err: err}
	}
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading picture", Subject: "picture", Hint: lang.T(r.Context(), "the file did not arrive whole: send it again"), Err: err}
}

// cleaned waits for its turn.
func (p pages) cleaned(r *http.Request, content []byte, clean func([]byte) (plans.Picture, error)) (plans.Picture, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
		return clean(content)
	case <-r.Context().Done():
		return plans.Picture{}, r.Context().Err()
	}
}
