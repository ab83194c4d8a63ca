// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/estate"
)

var linked = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

// walk follows the Link headers from page to page and returns the keys met, each
// of which must be new.
func walk[T any](h *house, path string, key func(T) string, between ...func(pages int)) []string {
	h.t.Helper()
	var keys []string
	seen := map[string]bool{}
	for pages := 1; ; pages++ {
		a := h.want(h.call("GET", path, nil), 200)
		p := read[api.Page[T]](h, a)
		for _, v := range p.Data {
			if k := key(v); seen[k] {
				h.t.Fatalf("%s came twice", k)
			} else {
				seen[k], keys = true, append(keys, k)
			}
		}
		if !p.HasMore {
			if p.Next != "" || a.header.Get("Link") != "" {
				h.t.Errorf("the last page names another: %s %v", a.body, a.header)
			}
			return keys
		}
		m := linked.FindStringSubmatch(a.header.Get("Link"))
		if m == nil || !strings.Contains(m[1], url.QueryEscape(p.Next)) {
			h.t.Fatalf("Link is %q, next %q", a.header.Get("Link"), p.Next)
		}
		path = m[1]
		for _, f := range between {
			f(pages)
		}
	}
}

func TestPagesNeitherSkipNorRepeat(t *testing.T) { onEachEngine(t, pagesNeitherSkipNorRepeat) }

func pagesNeitherSkipNorRepeat(t *testing.T, h *house) {
	save := func(slug string) {
		h.want(h.call("PUT", "/v1/roles/"+slug, map[string]string{"slug": slug, "name": slug}), 200)
	}
	for i := range 10 {
		save(fmt.Sprintf("r-%02d", 2*i))
	}
	got := walk(h, "/v1/roles?limit=3", estate.Role.Ref, func(pages int) {
		save(fmt.Sprintf("r-%02d", 2*pages-1)) // before and behind the cursor
		save(fmt.Sprintf("z-%d", pages))
		if pages == 1 {
			h.want(h.call("DELETE", "/v1/roles/r-04", nil), 204) // the one the cursor stands on
		}
	})
	for i := range 10 {
		if slug := fmt.Sprintf("r-%02d", 2*i); !strings.Contains(strings.Join(got, " "), slug) {
			t.Errorf("%s was skipped: %v", slug, got)
		}
	}
}

func TestEventPagesStandStillWhileEventsCome(t *testing.T) {
	onEachEngine(t, eventPagesStandStillWhileEventsCome)
}

func eventPagesStandStillWhileEventsCome(t *testing.T, h *house) {
	h.furnish()
	for range 5 {
		h.wantProblem(h.release("case-1", "bob"), 403, "unauthorized")
		h.wantProblem(h.release("case-2", "bob"), 403, "unauthorized")
	}
	all := walk(h, "/v1/events?limit=7", func(e api.Event) string { return fmt.Sprint(e.Seq) }, func(int) {
		h.wantProblem(h.release("case-1", "bob"), 403, "unauthorized")
	})
	for i, seq := range all {
		if want := fmt.Sprint(len(all) - 1 - i); seq != want {
			t.Fatalf("place %d holds %s, want %s", i, seq, want)
		}
	}
	// The link keeps the conditions.
	n := 0
	walk(h, "/v1/events?limit=2&opening=case-2&kind=access.", func(e api.Event) string {
		if e.OpeningSlug != "case-2" || e.Kind != sashlock.AccessDenied || e.PersonSlug != "bob" || e.Words == "" {
			t.Errorf("came along: %+v", e)
		}
		n++
		return fmt.Sprint(e.Seq)
	})
	if n != 5 {
		t.Errorf("%d events, want 5", n)
	}
	if got := page[api.Event](h, "/v1/events?since=2200-01-01T00:00:00Z"); len(got.Data) != 0 || got.HasMore {
		t.Errorf("events of the future: %+v", got)
	}
	h.wantProblem(h.call("GET", "/v1/events?person=nobody", nil), 404, "not_found")
}

func TestAlarmPagesKeepWhatWasAsked(t *testing.T) {
	h := newHouse(t).furnish()
	for _, n := range []string{"1", "2", "3"} {
		if err := h.world.Open(n); err != nil { // forced: it is locked
			t.Fatal(err)
		}
	}
	h.eventually("three alarms stand", func() bool { return len(page[api.Alarm](h, "/v1/alarms").Data) == 3 })
	got := walk(h, "/v1/alarms?limit=1&all=true", func(a api.Alarm) string {
		if a.Rule != "forced" || !a.Standing || a.Why == "" || a.Site != "lisbon" {
			t.Errorf("alarm %+v", a)
		}
		return a.ID
	})
	if len(got) != 3 {
		t.Fatalf("walked over %v", got)
	}
	for range 2 {
		a := read[api.Alarm](h, h.want(h.call("PUT", "/v1/alarms/"+got[0]+"/acknowledgement", nil), 200))
		if a.Acknowledged.IsZero() || a.By == "" {
			t.Errorf("acknowledged: %+v", a)
		}
	}
	if n := h.count(sashlock.AlarmAcknowledged); n != 1 {
		t.Errorf("%d acknowledgements", n)
	}
	h.wantProblem(h.call("PUT", "/v1/alarms/alm_none/acknowledgement", nil), 404, "not_found")
}

func TestTwoWritersOneLoses(t *testing.T) { onEachEngine(t, twoWritersOneLoses) }

func twoWritersOneLoses(t *testing.T, h *house) {
	a := h.want(h.call("POST", "/v1/roles", map[string]string{"slug": "guard", "name": "Guard"}), 201)
	first := a.header.Get("ETag")
	if first != `"1"` || a.header.Get("Location") != "/v1/roles/guard" {
		t.Errorf("answered %v", a.header)
	}
	second := h.want(h.call("PUT", "/v1/roles/guard", map[string]string{"slug": "guard", "name": "Guards"}, "If-Match", first), 200).header.Get("ETag")
	h.wantProblem(h.call("PUT", "/v1/roles/guard", map[string]string{"slug": "guard", "name": "Guardians"}, "If-Match", first), 412, "conflict")
	h.wantProblem(h.call("DELETE", "/v1/roles/guard", nil, "If-Match", first), 412, "conflict")
	if r := get[estate.Role](h, "/v1/roles/guard"); r.Name != "Guards" || r.Rev != 2 {
		t.Errorf("kept %+v", r)
	}
	for _, bad := range []string{"2", `"two"`, `W/"2"`, `"0"`, `"-1"`, `""`} {
		h.wantProblem(h.call("DELETE", "/v1/roles/guard", nil, "If-Match", bad), 422, "invalid")
	}
	h.wantProblem(h.call("PUT", "/v1/roles/none", map[string]string{"slug": "none", "name": "None"}, "If-Match", `"1"`), 412, "conflict")
	h.wantProblem(h.call("PUT", "/v1/roles/none", map[string]string{"slug": "none", "name": "None"}, "If-Match", "*"), 412, "conflict")
	h.wantProblem(h.call("POST", "/v1/roles", map[string]string{"slug": "guard", "name": "Guard"}), 409, "conflict")
	h.want(h.call("PUT", "/v1/roles/guard", map[string]string{"slug": "guard", "name": "G"}, "If-Match", "*"), 200)
	h.want(h.call("DELETE", "/v1/roles/guard", nil, "If-Match", `"3"`), 204)
	if second != `"2"` {
		t.Errorf("second ETag %s", second)
	}
	h.wantProblem(h.call("GET", "/v1/roles/guard", nil), 404, "not_found")
}

// With If-Match, what is in the way of removing is still a conflict and not a
// failed precondition.
func TestReferredToIsAConflictWithAHint(t *testing.T) {
	onEachEngine(t, referredToIsAConflictWithAHint)
}

func referredToIsAConflictWithAHint(t *testing.T, h *house) {
	h.furnish()
	for _, path := range []string{"/v1/roles/associate", "/v1/sites/lisbon", "/v1/areas/lisbon%2Fwatches", "/v1/openings/case-1", "/v1/schedules/always"} {
		for _, headers := range [][]string{nil, {"If-Match", h.call("GET", path, nil).header.Get("ETag")}} {
			p := h.wantProblem(h.call("DELETE", path, nil, headers...), 409, "conflict")
			if !strings.Contains(p.Detail, "still refers to it") {
				t.Errorf("%s: %q", path, p.Detail)
			}
		}
	}
}

// What GET answers can be handed to PUT.
func TestReadAndWrittenBackChangesNothing(t *testing.T) {
	onEachEngine(t, readAndWrittenBackChangesNothing)
}

func readAndWrittenBackChangesNothing(t *testing.T, h *house) {
	h.furnish()
	before := get[estate.File](h, "/v1/estate")
	for _, path := range []string{"/v1/sites/lisbon", "/v1/areas/lisbon%2Fwatches", "/v1/openings/case-1", "/v1/roles/associate", "/v1/people/ana", "/v1/schedules/always", "/v1/grants/all-cases"} {
		a := h.want(h.call("GET", path, nil), 200)
		h.want(h.call("PUT", path, a.body, "If-Match", a.header.Get("ETag")), 200)
	}
	if steps := estate.Diff(before, get[estate.File](h, "/v1/estate"), true); len(steps) > 0 {
		t.Errorf("changed: %v", steps)
	}
}

// Everything may be named by identifier instead of by slug.
func TestIdentifiersServeAsWellAsSlugs(t *testing.T) { onEachEngine(t, identifiersServeAsWellAsSlugs) }

func identifiersServeAsWellAsSlugs(t *testing.T, h *house) {
	h.furnish()
	site, person, area := get[estate.Site](h, "/v1/sites/lisbon"), get[estate.Person](h, "/v1/people/bob"), get[estate.Area](h, "/v1/areas/lisbon%2Fwatches")
	opening := get[api.Opening](h, "/v1/openings/case-1")
	a := h.want(h.call("POST", "/v1/areas", map[string]string{"slug": "stock", "site": site.ID, "name": "Stock"}), 201)
	if got := a.header.Get("Location"); got != "/v1/areas/lisbon%2Fstock" {
		t.Errorf("Location is %q", got)
	}
	h.want(h.call("GET", a.header.Get("Location"), nil), 200)
	h.wantProblem(h.call("POST", "/v1/areas", map[string]string{"slug": "stock", "site": site.ID, "name": "Stock"}), 409, "conflict")
	a = h.want(h.call("POST", "/v1/grants", map[string]string{"slug": "by-id", "person": person.ID, "area": area.ID}), 201)
	if g := read[estate.Grant](h, a); g.Person != "bob" || g.Area != "lisbon/watches" {
		t.Errorf("saved %+v", g)
	}
	h.want(h.call("POST", "/v1/openings", map[string]string{"slug": "case-9", "name": "Case 9", "kind": "case", "site": site.ID, "area": "stock"}), 201)
	h.want(h.release(opening.ID, person.ID), 202)
	f := get[estate.File](h, "/v1/estate")
	for i := range f.Grants {
		if f.Grants[i].Slug == "by-id" {
			f.Grants[i].Person, f.Grants[i].Area = person.ID, area.ID
		}
	}
	done := read[api.Applied](h, h.want(h.call("PUT", "/v1/estate", f), 200))
	if diff := cmp.Diff([]api.AppliedStep{}, done.Steps); diff != "" {
		t.Errorf("identifiers for slugs make a difference: %s", diff)
	}
}
