// SPDX-License-Identifier: Apache-2.0

package lang_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/lang"
)

func TestSaysInTheLanguageOfTheContext(t *testing.T) {
	es := lang.With(t.Context(), lang.Spanish)
	for _, c := range []struct{ got, want string }{
		{lang.T(t.Context(), "Now"), "Now"},
		{lang.T(es, "Now"), "Ahora"},
		{lang.T(es, "nobody translated this: %d", 3), "nobody translated this: 3"},
		{lang.N(es, 1, "%d alarm", "%d alarms"), "1 alarma"},
		{lang.N(es, 7, "%d alarm", "%d alarms"), "7 alarmas"},
		{lang.N(t.Context(), 0, "%d alarm", "%d alarms"), "0 alarms"},
		{lang.Say("%s!", lang.Say("Now")).In(lang.Spanish), "Ahora!"},
	} {
		if c.got != c.want {
			t.Errorf("said %q, not %q", c.got, c.want)
		}
	}
}

func TestMatchesWhatTheBrowserWants(t *testing.T) {
	for wanted, want := range map[string]lang.Language{
		"": lang.English, "es-MX,en;q=0.8": lang.Spanish, "de": lang.English, "fr,es;q=0.5": lang.Spanish, ";;;": lang.English,
	} {
		if got := lang.Match(wanted); got != want {
			t.Errorf("%q gives %s, not %s", wanted, got, want)
		}
	}
}

var verbs = regexp.MustCompile(`%[-+# 0-9.\[\]]*[a-zA-Z]`)

// TestTranslationsTakeTheSameValues compares the verbs of each text with those
// of its translations. Their order may differ only where they are numbered.
func TestTranslationsTakeTheSameValues(t *testing.T) {
	for _, l := range lang.All()[1:] {
		catalogue := lang.Catalogue(l)
		if len(catalogue) == 0 {
			t.Fatalf("%s has no catalogue", l)
		}
		for id, translation := range catalogue {
			want := verbs.FindAllString(strings.ReplaceAll(id, "%%", ""), -1)
			for form, text := range translation.Trs {
				if got := verbs.FindAllString(strings.ReplaceAll(text, "%%", ""), -1); text != "" && !slices.Equal(got, want) {
					t.Errorf("%s: %q has %v, form %d of its translation %q has %v", l, id, want, form, text, got)
				}
			}
		}
	}
}
