// SPDX-License-Identifier: Apache-2.0

package cutover_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/cutover"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// steps are the steps of a plan, in short.
func steps(p cutover.Plan) (all []string) {
	for _, s := range p.Steps {
		all = append(all, strings.TrimSpace(fmt.Sprint(s.Row, " ", s.What, " ", s.Slug, " ", s.Opening)))
	}
	return all
}

func encoded(t *testing.T, facility, number uint64) wiegand.Bits {
	t.Helper()
	card, err := wiegand.Formats()[0].Encode(facility, number)
	if err != nil {
		t.Fatal(err)
	}
	return card
}

// A list brings people and their cards; each opens what its owner may; and the
// same list again changes nothing.
func TestCardsAreBroughtOver(t *testing.T) {
	c := consoletest.New(t)
	list := []byte("Name;Slug;Facility Code;Card Number;Format;Valid until\nAna Costa;;12;100;26;\nBob Dias;bob;12;101;26;31.12.2030\nRui Alves;;12;102;26;\nRui Alves;;;0x80;26;\n")
	list = []byte(strings.Replace(string(list), "0x80", fmt.Sprintf("0x%x", value(encoded(t, 12, 103))), 1))
	plan, err := c.Cards.Preview(t.Context(), list, cutover.CardOptions{})
	c.Must(err)
	if plan.Wrong > 0 {
		t.Fatal(plan.Problems)
	}
	if diff := cmp.Diff([]string{"2 card ana", "3 card bob", "4 person rui-alves", "4 card rui-alves", "5 card rui-alves"}, steps(plan)); diff != "" {
		t.Error(diff)
	}
	before := c.Store.Size()
	if _, err := c.Cards.Bring(t.Context(), "opr_1", list, cutover.CardOptions{}, "another"); !errors.Is(err, store.ErrChanged) || c.Store.Size() != before {
		t.Fatalf("with another plan: %v, %d entries", err, c.Store.Size()-before)
	}
	_, err = c.Cards.Bring(t.Context(), "opr_1", list, cutover.CardOptions{}, plan.Hash)
	c.Must(err)
	out, err := c.Credentials.Present(t.Context(), credentials.Presented{Opening: c.Opening("case-1"), Shown: []credentials.Shown{{Kind: sashlock.Card, Card: encoded(t, 12, 100)}}})
	c.Must(err)
	if out.Refused != "" || !out.Decision.Granted || out.Decision.Person != c.Person("ana") {
		t.Errorf("ana's card: %+v", out)
	}
	id, known, err := c.Credentials.Owner(t.Context(), encoded(t, 12, 103))
	c.Must(err)
	if !known || id != c.Person("rui-alves") {
		t.Errorf("the second card of somebody new is %q's", id)
	}
	again, err := c.Cards.Preview(t.Context(), list, cutover.CardOptions{})
	c.Must(err)
	if len(again.Steps) > 0 || again.Same != 4 {
		t.Errorf("the same list again: %v, %d as they are", steps(again), again.Same)
	}
}

func value(b wiegand.Bits) (n uint64) {
	for i := 1; i <= b.Len(); i++ {
		n <<= 1
		if b.At(i) {
			n |= 1
		}
	}
	return n
}

// The list of a UHPPOTE controller has no names: its cards are known already. Its
// doors become grants with the dates of the card.
func TestAControllersDoorsBecomeGrants(t *testing.T) {
	c := consoletest.New(t)
	opts := cutover.CardOptions{Format: "26", As: wiegand.SideBySide, Doors: map[string]string{"Front Door": "case-1", "Cage": "cage-1"}}
	named := []byte("Name,Card Number\nAna Costa,1200100\nBob Dias,1200101\n")
	plan, err := c.Cards.Preview(t.Context(), named, cutover.CardOptions{Format: "26", As: wiegand.SideBySide})
	c.Must(err)
	_, err = c.Cards.Bring(t.Context(), "opr_1", named, cutover.CardOptions{Format: "26", As: wiegand.SideBySide}, plan.Hash)
	c.Must(err)

	list := "Card Number\tFrom\tTo\tFront Door\tCage\n1200100\t2026-01-01\t2030-12-31\tY\tN\n1200101\t2026-01-01\t2030-12-31\tN\tY\n"
	if plan, err = c.Cards.Preview(t.Context(), []byte(list), opts); err != nil || plan.Wrong > 0 {
		t.Fatal(err, plan.Problems)
	}
	if diff := cmp.Diff([]string{"2 grant ana case-1", "3 grant bob cage-1"}, steps(plan)); diff != "" {
		t.Fatal(diff)
	}
	if want := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC); !plan.Steps[0].Until.Equal(want) {
		t.Errorf("until %s, want all of the last day", plan.Steps[0].Until)
	}
	_, err = c.Cards.Bring(t.Context(), "opr_1", []byte(list), opts, plan.Hash)
	c.Must(err)
	if plan, err = c.Cards.Preview(t.Context(), []byte(list), opts); err != nil || len(plan.Steps) > 0 {
		t.Errorf("the same list again: %v, %v", steps(plan), err)
	}
	other := strings.Replace(list, "2030-12-31\tY", "2029-12-31\tY", 1)
	plan, err = c.Cards.Preview(t.Context(), []byte(other), opts)
	c.Must(err)
	if diff := cmp.Diff([]string{"2 dates ana case-1"}, steps(plan)); diff != "" {
		t.Error(diff)
	}
	_, err = c.Cards.Bring(t.Context(), "opr_1", []byte(other), opts, plan.Hash)
	c.Must(err)
}

// What is wrong names row and column, no card, and nothing is done.
func TestListsOfCardsThatAreWrong(t *testing.T) {
	c := consoletest.New(t)
	first := []byte("name,card,format\nAna Costa,12:100,26\nBob Dias,12:101,26\n")
	plan, err := c.Cards.Preview(t.Context(), first, cutover.CardOptions{})
	c.Must(err)
	_, err = c.Cards.Bring(t.Context(), "opr_1", first, cutover.CardOptions{}, plan.Hash)
	c.Must(err)
	before := c.Store.Size()
	for name, bad := range map[string]struct {
		list        string
		doors       map[string]string
		where, what string
	}{
		"nothing":            {"", nil, "the file", "empty"},
		"no cards":           {"name\nAna\n", nil, "row 1", "numbers of cards"},
		"PINs":               {"name,card,PIN\nAna,12:1,1234\n", nil, "row 1, column PIN", "PINs is not read"},
		"no card":            {"name,card,format\nRui,ana,26\n", nil, "row 2, column card", "no card of that format"},
		"too large":          {"name,card,format\nRui,300:70000,26\n", nil, "row 2, column card", "no card of that format"},
		"several ways":       {"name,card\nRui,1200109\n", nil, "row 2, column card", "several ways"},
		"no format":          {"name,card,format\nRui,12:1,99\n", nil, "row 2, column format", "no card format"},
		"twice":              {"name,card,format\nRui,12:1,26\nRui,12:1,26\n", nil, "row 3, column card", "row 2"},
		"somebody else's":    {"name,card,format\nRui,12:100,26\n", nil, "row 2, column card", "somebody else's"},
		"nobody's":           {"card,format\n12:7,26\n", nil, "row 2, column card", "names nobody"},
		"a bad date":         {"name,card,format,until\nRui,12:7,26,never\n", nil, "row 2, column until", "not a date"},
		"backwards":          {"name,card,format,from,until\nRui,12:7,26,2027-01-01,2026-01-01\n", nil, "row 2, column until", "before it starts"},
		"a slug that is no":  {"slug,name,card,format\nR U I,Rui,12:7,26\n", nil, "row 2, column slug", "short name"},
		"no opening":         {"name,card,format,Gate\nRui,12:7,26,Y\n", map[string]string{"Gate": "nowhere"}, "column Gate", "no opening"},
		"no such column":     {"name,card,format\nRui,12:7,26\n", map[string]string{"Gate": "case-1"}, "column Gate", "no such column"},
		"a time profile":     {"name,card,format,Gate\nRui,12:7,26,29\n", map[string]string{"Gate": "case-1"}, "row 2, column Gate", "neither yes nor no"},
		"a million":          {"name,card\n" + strings.Repeat("Rui,12:1\n", 1_000_000), nil, "the file", "MB"},
		"a hundred thousand": {"name,card\n" + strings.Repeat("Rui,12:1\n", 100_000), nil, "the file", "more than 5000 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := c.Cards.Preview(t.Context(), []byte(bad.list), cutover.CardOptions{Doors: bad.doors})
			c.Must(err)
			if plan.Wrong == 0 || len(plan.Steps) > 0 {
				t.Fatalf("it would do %v", steps(plan))
			}
			said := plan.Problems[0].String()
			if !strings.Contains(said, bad.where) || !strings.Contains(said, bad.what) || strings.Contains(said, "12:1") || strings.Contains(said, "12:7") || strings.Contains(said, "70000") || strings.Contains(said, "1200109") {
				t.Errorf("it says %q", said)
			}
			if _, err := c.Cards.Bring(t.Context(), "opr_1", []byte(bad.list), cutover.CardOptions{Doors: bad.doors}, plan.Hash); !sashlock.IsKind(err, sashlock.Invalid) {
				t.Errorf("applied all the same: %v", err)
			}
		})
	}
	if c.Store.Size() != before {
		t.Error("something was recorded")
	}
}

// A card that was lost is not brought back by a list.
func TestALostCardStaysLost(t *testing.T) {
	c := consoletest.New(t)
	list := []byte("name,card,format\nAna Costa,12:100,26\n")
	plan, err := c.Cards.Preview(t.Context(), list, cutover.CardOptions{})
	c.Must(err)
	_, err = c.Cards.Bring(t.Context(), "opr_1", list, cutover.CardOptions{}, plan.Hash)
	c.Must(err)
	if _, err := c.Credentials.Lose(t.Context(), "opr_1", credentials.Loss{Person: c.Person("ana"), Cause: credentials.WasLost}); err != nil {
		t.Fatal(err)
	}
	plan, err = c.Cards.Preview(t.Context(), list, cutover.CardOptions{})
	c.Must(err)
	if plan.Wrong != 1 || !strings.Contains(plan.Problems[0].String(), "reported lost") {
		t.Errorf("it would do %v: %v", steps(plan), plan.Problems)
	}
}
