// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
)

func TestFormsAreReadUpToTheirLimit(t *testing.T) {
	for name, test := range map[string]struct {
		kind, body string
		want       sashlock.Kind
		value      string
	}{
		"a field":        {"application/x-www-form-urlencoded", "a=b", "", "b"},
		"as much as may": {"application/x-www-form-urlencoded", "a=" + strings.Repeat("x", MaxForm-2), "", strings.Repeat("x", MaxForm-2)},
		"one more":       {"application/x-www-form-urlencoded", "a=" + strings.Repeat("x", MaxForm-1), sashlock.Limit, ""},
		"damaged":        {"application/x-www-form-urlencoded", "a=%zz", sashlock.Invalid, ""},
		"files":          {`multipart/form-data; boundary=b`, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--b--\r\n", "", ""},
		"another kind":   {"application/json", `{"a":"b"}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.kind)
			err := (&Frame{}).Form(httptest.NewRecorder(), r)
			if sashlock.KindOf(err) != test.want {
				t.Fatalf("the error is %v", err)
			}
			if err == nil && r.FormValue("a") != test.value {
				t.Errorf("the field has %d bytes", len(r.FormValue("a")))
			}
			if err != nil && strings.Contains(Sentence(err), "http:") {
				t.Errorf("people are told %q", Sentence(err))
			}
		})
	}
}

func TestClippedTextIsShortAndWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, most := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s"), rapid.IntRange(0, 40).Draw(t, "most")
		got := Clip(s, most)
		if len(got) > most || !utf8.ValidString(got) {
			t.Fatalf("%q is cut to %q", s, got)
		}
		if trimmed := strings.TrimSpace(s); utf8.ValidString(s) && len(trimmed) <= most && got != trimmed {
			t.Fatalf("%q was short enough and became %q", s, got)
		}
	})
}
