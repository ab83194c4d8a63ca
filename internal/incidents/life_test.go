// SPDX-License-Identifier: Apache-2.0

package incidents_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/store"
)

// do is one act of an operator, as a table names it: "a takes", "b resolves".
func (h *house) do(act, id string) (incidents.Incident, error) {
	h.t.Helper()
	who, what, _ := strings.Cut(act, " ")
	by := sashlock.OperatorID("opr_" + who)
	rev := int64(0)
	h.must(h.store.View(h.t.Context(), func(q store.Query) error {
		i, err := incidents.Find(q, id)
		rev = i.Rev
		return err
	}))
	switch what {
	case "takes":
		return incidents.Take(h.t.Context(), h.hall, by, id, "")
	case "takes from a":
		return incidents.Take(h.t.Context(), h.hall, by, id, "opr_a")
	case "notes":
		return incidents.Write(h.t.Context(), h.hall, by, id, "note of "+who)
	case "resolves":
		return incidents.Resolve(h.t.Context(), h.hall, by, id, rev, incidents.Restock, "")
	case "resolves otherwise":
		return incidents.Resolve(h.t.Context(), h.hall, by, id, rev, incidents.Theft, "")
	case "resolves stale":
		return incidents.Resolve(h.t.Context(), h.hall, by, id, rev-1, incidents.Restock, "")
	case "reopens":
		return incidents.Reopen(h.t.Context(), h.hall, by, id, rev)
	case "reopens stale":
		return incidents.Reopen(h.t.Context(), h.hall, by, id, rev-1)
	}
	h.t.Fatalf("what is %q?", act)
	return incidents.Incident{}, nil
}

func TestLife(t *testing.T) {
	for name, c := range map[string]struct {
		acts  []string // the last one is the one that is tried
		want  error    // nil: it is done
		state incidents.State
		owner sashlock.OperatorID
		told  int // entries that the last act left
	}{
		"taken":                           {[]string{"a takes"}, nil, incidents.Taken, "opr_a", 1},
		"taken twice by the same":         {[]string{"a takes", "a takes"}, nil, incidents.Taken, "opr_a", 0},
		"taken by two":                    {[]string{"a takes", "b takes"}, incidents.ErrTaken, incidents.Taken, "opr_a", 0},
		"taken over":                      {[]string{"a takes", "b takes from a"}, nil, incidents.Taken, "opr_b", 1},
		"taken over from the wrong one":   {[]string{"a takes", "b takes from a", "c takes from a"}, incidents.ErrTaken, incidents.Taken, "opr_b", 0},
		"resolved without taking":         {[]string{"a resolves"}, nil, incidents.Resolved, "opr_a", 1},
		"resolved twice by the same":      {[]string{"a resolves", "a resolves"}, nil, incidents.Resolved, "opr_a", 0},
		"resolved twice, otherwise":       {[]string{"a resolves", "a resolves otherwise"}, incidents.ErrResolved, incidents.Resolved, "opr_a", 0},
		"resolved by two":                 {[]string{"a resolves", "b resolves"}, incidents.ErrResolved, incidents.Resolved, "opr_a", 0},
		"resolved by one without it":      {[]string{"a takes", "b resolves"}, incidents.ErrTaken, incidents.Taken, "opr_a", 0},
		"resolved after a note of others": {[]string{"a takes", "b notes", "a resolves stale"}, store.ErrChanged, incidents.Taken, "opr_a", 0},
		"taken when resolved":             {[]string{"a resolves", "b takes"}, incidents.ErrResolved, incidents.Resolved, "opr_a", 0},
		"reopened":                        {[]string{"a resolves", "b reopens"}, nil, incidents.Taken, "opr_b", 1},
		"reopened while open":             {[]string{"a takes", "a reopens"}, incidents.ErrResolved, incidents.Taken, "opr_a", 0},
		"reopened by two":                 {[]string{"a resolves", "b reopens", "c reopens"}, incidents.ErrResolved, incidents.Taken, "opr_b", 0},
		"reopened after a note":           {[]string{"a resolves", "c notes", "b reopens stale"}, store.ErrChanged, incidents.Resolved, "opr_a", 0},
		"note when resolved":              {[]string{"a resolves", "b notes"}, nil, incidents.Resolved, "opr_a", 1},
		"note sent twice":                 {[]string{"b notes", "b notes"}, nil, incidents.New, "", 0},
		"resolved again":                  {[]string{"a resolves", "b reopens", "b resolves"}, nil, incidents.Resolved, "opr_b", 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.raise("case-1", "forced", sashlock.Act)
			h.gather()
			id := h.list(incidents.Filter{})[0].ID
			for _, act := range c.acts[:len(c.acts)-1] {
				_, err := h.do(act, id)
				h.must(err)
			}
			before := h.store.Size()
			_, err := h.do(c.acts[len(c.acts)-1], id)
			if !errors.Is(err, c.want) || c.want != nil && !sashlock.IsKind(err, sashlock.Conflict) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			i := append(h.list(incidents.Filter{}), h.list(incidents.Filter{Resolved: true})...)[0]
			if i.State() != c.state || i.Owner != c.owner {
				t.Errorf("it is %s and of %q, want %s of %q", i.State(), i.Owner, c.state, c.owner)
			}
			if told := h.store.Size() - before; told != int64(c.told) {
				t.Errorf("the ledger has %d entries more, want %d", told, c.told)
			}
		})
	}
}

func TestNothingIsLostOverAReopening(t *testing.T) {
	h := newHouse(t)
	h.raise("case-1", "forced", sashlock.Act)
	h.gather()
	id := h.list(incidents.Filter{})[0].ID
	for _, act := range []string{"a takes", "b notes", "a resolves", "c notes", "b reopens", "b resolves otherwise"} {
		_, err := h.do(act, id)
		h.must(err)
	}
	i := h.list(incidents.Filter{Resolved: true})[0]
	if len(i.Notes) != 2 || len(i.Past) != 1 || i.Past[0].Cause != incidents.Restock || i.Past[0].By != "opr_a" || i.Outcome.Cause != incidents.Theft {
		t.Errorf("kept %+v", i)
	}
	ended := h.kinds(sashlock.IncidentResolved)
	if len(ended) != 2 || ended[0].Why != "restock" || ended[0].Operator != "opr_a" || ended[1].Why != "theft" || ended[1].Subject != id {
		t.Errorf("the ledger says %+v", ended)
	}
}

// Whoever resolves has seen every alarm of it.
func TestAlarmThatJoinsStopsAResolution(t *testing.T) {
	h := newHouse(t)
	h.raise("case-1", "heldopen", sashlock.Look)
	h.gather()
	seen := h.list(incidents.Filter{})[0]
	h.now = h.now.Add(10 * time.Second)
	h.raise("case-2", "forced", sashlock.Act)
	h.gather()
	if _, err := incidents.Resolve(t.Context(), h.hall, "opr_a", seen.ID, seen.Rev, incidents.Forgot, ""); !errors.Is(err, store.ErrChanged) {
		t.Errorf("error %v", err)
	}
}

func TestWrongInput(t *testing.T) {
	h := newHouse(t)
	h.raise("case-1", "forced", sashlock.Act)
	h.gather()
	id := h.list(incidents.Filter{})[0].ID
	size := h.store.Size()
	ctx := t.Context()
	for name, try := range map[string]func() error{
		"no cause":         func() error { _, err := incidents.Resolve(ctx, h.hall, "opr_a", id, 1, "", ""); return err },
		"an unknown cause": func() error { _, err := incidents.Resolve(ctx, h.hall, "opr_a", id, 1, "magic", ""); return err },
		"other, no note": func() error {
			_, err := incidents.Resolve(ctx, h.hall, "opr_a", id, 1, incidents.Other, " \n")
			return err
		},
		"no revision": func() error {
			_, err := incidents.Resolve(ctx, h.hall, "opr_a", id, 0, incidents.Forgot, "")
			return err
		},
		"no revision again": func() error { _, err := incidents.Reopen(ctx, h.hall, "opr_a", id, -1); return err },
		"an empty note":     func() error { _, err := incidents.Write(ctx, h.hall, "opr_a", id, "\r\n "); return err },
		"a long note": func() error {
			_, err := incidents.Write(ctx, h.hall, "opr_a", id, strings.Repeat("x", 10_000))
			return err
		},
		"a reversed note": func() error { _, err := incidents.Write(ctx, h.hall, "opr_a", id, "a\u202Eb"); return err },
		"a broken note":   func() error { _, err := incidents.Write(ctx, h.hall, "opr_a", id, "\xff"); return err },
		"a bell":          func() error { _, err := incidents.Write(ctx, h.hall, "opr_a", id, "a\ab"); return err },
		"no opinion":      func() error { _, err := incidents.Judge(ctx, h.hall, "opr_a", id, "great"); return err },
	} {
		if err := try(); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, forged := range []string{"", "inc_none", "inc_\x00", "' OR 1=1 --", strings.Repeat("x", 10_000)} {
		if _, err := incidents.Take(ctx, h.hall, "opr_a", forged, ""); !sashlock.IsKind(err, sashlock.NotFound) {
			t.Errorf("%.20q: %v", forged, err)
		}
	}
	if h.store.Size() != size {
		t.Error("something was recorded")
	}
}

func TestOpinions(t *testing.T) {
	h := newHouse(t)
	h.raise("case-1", "forced", sashlock.Act)
	h.gather()
	id := h.list(incidents.Filter{})[0].ID
	for _, o := range []struct {
		by sashlock.OperatorID
		is incidents.Opinion
	}{{"opr_a", incidents.Noise}, {"opr_b", incidents.Noise}, {"opr_a", incidents.Useful}, {"opr_a", incidents.Useful}} {
		_, err := incidents.Judge(t.Context(), h.hall, o.by, id, o.is)
		h.must(err)
	}
	if i := h.list(incidents.Filter{})[0]; i.Opinions["opr_a"] != incidents.Useful || i.Opinions["opr_b"] != incidents.Noise {
		t.Errorf("%v", i.Opinions)
	}
	if n := len(h.kinds(sashlock.IncidentNoted)); n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
}

// Each operator has their own list of what is new to them; a new alarm makes an
// incident new to all again.
func TestSeenIsEachOperatorsOwn(t *testing.T) {
	h := newHouse(t)
	h.raise("case-1", "forced", sashlock.Act)
	h.raise("porto-case", "heldopen", sashlock.Look)
	h.gather()
	id := h.list(incidents.Filter{Site: "lisbon"})[0].ID
	unreviewed := func(who sashlock.OperatorID, scope incidents.Scope) (all, fresh int) {
		h.must(h.store.View(t.Context(), func(q store.Query) error {
			counts, err := incidents.Counts(q, incidents.Filter{Scope: scope}, who)
			for _, c := range counts {
				all, fresh = all+c.All, fresh+c.Unreviewed
			}
			return err
		}))
		return all, fresh
	}
	lisbon := incidents.Scope{Sites: []sashlock.SiteID{"lisbon"}}
	h.must(incidents.See(t.Context(), h.store, "opr_a", id))
	for _, c := range []struct {
		who        sashlock.OperatorID
		scope      incidents.Scope
		all, fresh int
	}{{"opr_a", incidents.Scope{}, 2, 1}, {"opr_b", incidents.Scope{}, 2, 2}, {"opr_a", lisbon, 1, 0}, {"opr_b", incidents.Scope{Areas: []sashlock.AreaID{"back"}}, 0, 0}} {
		if all, fresh := unreviewed(c.who, c.scope); all != c.all || fresh != c.fresh {
			t.Errorf("%s has %d of %d, want %d of %d", c.who, fresh, all, c.fresh, c.all)
		}
	}
	h.now = h.now.Add(time.Second)
	h.raise("case-2", "heldopen", sashlock.Look)
	h.gather()
	if _, fresh := unreviewed("opr_a", lisbon); fresh != 1 {
		t.Errorf("after another alarm %d are new, want 1", fresh)
	}
	h.must(h.store.View(t.Context(), func(q store.Query) error {
		sights, err := incidents.Sights(q, id)
		if len(sights) != 1 || sights[0].Operator != "opr_a" || !sights[0].First.Equal(day) {
			t.Errorf("seen by %+v", sights)
		}
		return err
	}))
}

func TestScopeAndFilters(t *testing.T) {
	h := newHouse(t)
	for _, o := range []string{"case-1", "cage-1", "gate", "porto-case"} {
		h.raise(o, "forced", sashlock.Act)
	}
	h.gather()
	for name, c := range map[string]struct {
		f    incidents.Filter
		want int
	}{
		"all":               {incidents.Filter{}, 4},
		"a site":            {incidents.Filter{Scope: incidents.Scope{Sites: []sashlock.SiteID{"porto"}}}, 1},
		"two sites":         {incidents.Filter{Scope: incidents.Scope{Sites: []sashlock.SiteID{"porto", "lisbon"}}}, 4},
		"an area":           {incidents.Filter{Scope: incidents.Scope{Areas: []sashlock.AreaID{"watches"}}}, 1},
		"asked for another": {incidents.Filter{Scope: incidents.Scope{Sites: []sashlock.SiteID{"lisbon"}}, Site: "porto"}, 0},
		"level":             {incidents.Filter{Level: sashlock.Look}, 0},
		"nobody's":          {incidents.Filter{State: incidents.New}, 4},
		"taken":             {incidents.Filter{State: incidents.Taken}, 0},
		"mine":              {incidents.Filter{Owner: "opr_a"}, 0},
		"resolved":          {incidents.Filter{Resolved: true}, 0},
		"injected":          {incidents.Filter{Site: "' OR '1'='1"}, 0},
	} {
		if got := len(h.list(c.f)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
