// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// MaxForm is how long a form without files may be, in bytes. The longest that
// is ever sent is a floor plan with every outline that a site may have.
const MaxForm = 1 << 20

// MaxSearch is how long a text to look for may be, in bytes.
const MaxSearch = 200

// Form reads the fields of a request, which are then in its Form and PostForm.
// One that is longer than [MaxForm] is refused before it is read whole. Files
// are no part of it: a form that has some is read as having no fields.
//
// The error says what to do and is of kind limit or invalid.
func (f *Frame) Form(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, MaxForm)
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &sashlock.Error{Kind: sashlock.Limit, Op: "reading form", Subject: "form", Hint: lang.T(r.Context(), "this is too long to be read"), Err: err}
	case err != nil:
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading form", Subject: "form", Hint: lang.T(r.Context(), "it did not arrive whole: send it again from its page"), Err: err}
	}
	return nil
}

// Clip cuts a text to so many bytes, without the blanks around it and without
// half a letter at its end.
func Clip(s string, most int) string {
	if s = strings.ToValidUTF8(strings.TrimSpace(s), ""); len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
