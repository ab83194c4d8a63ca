// SPDX-License-Identifier: Apache-2.0

package policies_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/policies"
)

var update = flag.Bool("update", false, "write the expected answers anew")

func shipped(t *testing.T) *guard.Set {
	t.Helper()
	var rails []guard.Rail
	for _, p := range policies.Default() {
		rails = append(rails, guard.Rail{Name: p.Name, Text: p.Text, Shadow: p.Shadow})
	}
	set, err := guard.Compile(rails)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestStories tells every story of testdata with all shipped rails. A story is
// a paragraph: what is the case, a fact a line, and the answer. What it does not
// mention is as on an ordinary Monday morning: Anna, with a card, at the door
// of the stock room.
func TestStories(t *testing.T) {
	set := shipped(t)
	for _, p := range policies.Default() {
		t.Run(p.Name, func(t *testing.T) {
			file := filepath.Join("testdata", p.Name+".txt")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			var forbids, passes bool
			for _, story := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
				fresh, hits := tell(t, set, story)
				told = append(told, fresh)
				by := slices.ContainsFunc(hits, func(h guard.Hit) bool { return h.Rail == p.Name })
				forbids, passes = forbids || by, passes || !by
			}
			if !forbids || !passes {
				t.Errorf("a story forbids: %v, a story passes: %v; there has to be one of each", forbids, passes)
			}
			got := strings.Join(told, "\n\n") + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(text), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// tell returns a story with the answer that the rails give.
func tell(t *testing.T, set *guard.Set, story string) (string, []guard.Hit) {
	t.Helper()
	f := guard.Facts{
		Person: "prs_anna", PersonSlug: "anna", Roles: []string{"associate"}, OnShift: true,
		Opening: "opn_stock", OpeningSlug: "stock-room", Kind: "door", Class: "standard",
		Area: "area_back", AreaSlug: "back", Site: "site_lisbon", SiteSlug: "lisbon", Jurisdiction: "PT",
		Action: guard.Open, Level: 2, Method: "card", At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
	}
	var lines []string
	for line := range strings.SplitSeq(story, "\n") {
		if strings.HasPrefix(line, "=>") {
			break
		}
		lines = append(lines, line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		key, value, found := strings.Cut(line, ": ")
		if !found || !setFact(&f, key, value) {
			t.Fatalf("%q is no fact", line)
		}
	}
	hits := set.Look(&f)
	answer := "=> passes"
	for _, h := range hits {
		verb := "forbidden"
		if h.Shadow {
			verb = "noted, not forbidden"
		}
		said := fmt.Sprintf("=> %s by %s: %s %s", verb, h.Rail, h.Why, h.Fix)
		if answer == "=> passes" {
			answer = said
		} else {
			answer += "\n" + said
		}
	}
	return strings.Join(lines, "\n") + "\n" + answer, hits
}

// setFact sets one fact of a story.
func setFact(f *guard.Facts, key, value string) bool {
	yes := value == "yes"
	switch key {
	case "who":
		if value == "a scenario" {
			f.Person, f.PersonSlug, f.Roles, f.Automatic, f.Level, f.Method, f.OnShift = "", "", nil, true, 0, "", false
		} else {
			f.Person, f.PersonSlug = sashlock.PersonID("prs_"+value), value
		}
	case "role":
		f.Roles = append(f.Roles, value)
	case "trained":
		f.Trained = append(f.Trained, value)
	case "with":
		f.Second = sashlock.PersonID("prs_" + value)
	case "wants":
		f.Action = map[string]guard.Action{"to open": guard.Open, "to leave unlocked": guard.HoldUnlocked, "to lock down": guard.LockDown, "to release everything": guard.ReleaseAll}[value]
		return f.Action != ""
	case "opening":
		f.Opening, f.OpeningSlug = sashlock.OpeningID("opn_"+value), value
	case "kind":
		f.Kind = value
	case "value":
		f.Class = value
	case "law of":
		f.Jurisdiction = value
	case "by":
		f.Method = value
	case "level":
		n, err := strconv.Atoi(value)
		f.Level = n
		return err == nil
	case "site is in":
		f.Threat = value
	case "drill":
		f.Drill = yes
	case "at":
		at, err := time.Parse("2006-01-02 15:04", value)
		f.At = at
		return err == nil
	default:
		return false
	}
	return true
}

// TestEveryRailExplainsItself holds what people are told by each rule.
func TestEveryRailExplainsItself(t *testing.T) {
	all := policies.Default()
	if len(all) < 5 {
		t.Fatalf("there are %d rails", len(all))
	}
	for _, p := range all {
		rules := strings.Count(p.Text, "\nforbid ")
		if rules == 0 || strings.Count(p.Text, "@reason(\"") != rules || strings.Count(p.Text, "@fix(\"") != rules {
			t.Errorf("%s: a rule gives no reason or no remedy", p.Name)
		}
		if !strings.Contains(p.Text, "@id(\""+p.Name+"\")") {
			t.Errorf("%s: its @id is not the name of its file", p.Name)
		}
	}
}

// TestOrdinaryDay holds that the rails leave an ordinary store alone: a person
// with a card is never kept from anything that a grant allows them, at any hour
// and whatever the threat.
func TestOrdinaryDay(t *testing.T) {
	set := shipped(t)
	for _, class := range []string{"standard", "valuable", "high"} {
		for _, kind := range []string{"door", "case", "cage", "locker", "hatch", "vending", "kiosk"} {
			for hour := range 24 {
				for _, threat := range []string{"", "peak", "event", "heightened", "lockdown"} {
					f := guard.Facts{Person: "prs_anna", Kind: kind, Class: class, Jurisdiction: "US-IL", Method: "card", Level: 1, Threat: threat, At: time.Date(2026, 11, 23, hour, 0, 0, 0, time.UTC)}
					for _, h := range set.Look(&f) {
						if !h.Shadow {
							t.Errorf("%s forbids %+v", h.Rail, f)
						}
					}
				}
			}
		}
	}
}
