// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/signin"
)

func TestEstateIsAppliedWholeOrNotAtAll(t *testing.T) {
	onEachEngine(t, estateIsAppliedWholeOrNotAtAll)
}

func estateIsAppliedWholeOrNotAtAll(t *testing.T, h *house) {
	h.furnish()
	before, size := get[estate.File](h, "/v1/estate"), h.acts()
	good := func() estate.File {
		return estate.File{
			Roles:     []estate.Role{{Slug: "guard", Name: "Guard"}},
			People:    []estate.Person{{Slug: "eve", Name: "Eve", Roles: []string{"guard"}}},
			Schedules: []estate.Schedule{{Slug: "nights", Name: "Nights", Weekly: []estate.Period{{Days: []string{"mon"}, From: "22:00", Until: "06:00"}}}},
			Grants:    []estate.Grant{{Slug: "guard-1", Role: "guard", Site: "lisbon", Schedule: "nights"}},
		}
	}
	for field, spoil := range map[string]func(*estate.File){
		"grants[0].until": func(f *estate.File) {
			f.Grants[0].From, f.Grants[0].Until = "2027-01-02T00:00:00Z", "2027-01-01T00:00:00Z"
		},
		"grants[0].opening":  func(f *estate.File) { f.Grants[0].Site, f.Grants[0].Opening = "", "nowhere" },
		"people[0].roles[0]": func(f *estate.File) { f.People[0].Roles = []string{"nobody"} },
		"sites[0].zone":      func(f *estate.File) { f.Sites = []estate.Site{{Slug: "porto", Name: "Porto", Zone: "Europe/Porto"}} },
		"schedule nights: special[1].first": func(f *estate.File) {
			f.Schedules[0].Special = []estate.SpecialDay{{Name: "A", First: "2026-12-01", Last: "2026-12-05"}, {Name: "B", First: "2026-12-05"}}
		},
	} {
		f := good()
		spoil(&f)
		p := h.wantProblem(h.call("PUT", "/v1/estate", f), 422, "invalid")
		if !slices.ContainsFunc(p.Errors, func(e api.FieldProblem) bool { return e.Pointer == field && e.Suggestion != "" }) {
			t.Errorf("nothing points at %s: %+v", field, p)
		}
	}
	if steps := estate.Diff(before, get[estate.File](h, "/v1/estate"), true); len(steps) > 0 || h.acts() != size {
		t.Errorf("bad files left %v and %d entries", steps, h.acts()-size)
	}
	dry := read[api.Applied](h, h.want(h.call("PUT", "/v1/estate?dry_run=true", good()), 200))
	if len(dry.Steps) != 4 || dry.Receipt != nil || h.acts() != size {
		t.Errorf("a dry run did something: %+v", dry)
	}
	done := read[api.Applied](h, h.want(h.call("PUT", "/v1/estate", good()), 200))
	if len(done.Steps) != 4 || done.Receipt == nil || done.Steps[0].Line == "" {
		t.Errorf("applied %+v", done)
	}
	again := read[api.Applied](h, h.want(h.call("PUT", "/v1/estate", good()), 200))
	if len(again.Steps) != 0 || again.Receipt != nil {
		t.Errorf("applied again: %+v", again)
	}
}

// The last step fails in the database: a fitted opening cannot be removed.
func TestFailedRemovalTakesEverythingBack(t *testing.T) {
	onEachEngine(t, failedRemovalTakesEverythingBack)
}

func failedRemovalTakesEverythingBack(t *testing.T, h *house) {
	h.furnish()
	f := get[estate.File](h, "/v1/estate")
	size := h.acts()
	f.Roles = append(f.Roles, estate.Role{Slug: "guard", Name: "Guard"})
	f.Openings = slices.DeleteFunc(f.Openings, func(o estate.Opening) bool { return o.Slug == "case-1" })
	h.wantProblem(h.call("PUT", "/v1/estate?prune=true", f), 409, "conflict")
	h.wantProblem(h.call("GET", "/v1/roles/guard", nil), 404, "not_found")
	if h.acts() != size {
		t.Error("the ledger grew")
	}
	if _, known := h.Hall.Book().Roles[""]; known || len(h.Hall.Book().Roles) != 1 {
		t.Errorf("the book has %v", h.Hall.Book().Roles)
	}
	h.want(h.release("case-1", "ana"), 202)
}

func TestPruneRemovesWhatIsNotNamed(t *testing.T) { onEachEngine(t, pruneRemovesWhatIsNotNamed) }

func pruneRemovesWhatIsNotNamed(t *testing.T, h *house) {
	h.furnish()
	f := get[estate.File](h, "/v1/estate")
	f.Grants = nil
	f.People = slices.DeleteFunc(f.People, func(p estate.Person) bool { return p.Slug == "bob" })
	done := read[api.Applied](h, h.want(h.call("PUT", "/v1/estate?prune=true", f), 200))
	if len(done.Steps) != 2 || done.Steps[0].Ref != "all-cases" || done.Steps[1].Ref != "bob" {
		t.Errorf("steps %+v", done.Steps)
	}
	h.wantProblem(h.release("case-1", "ana"), 403, "unauthorized")
	h.wantProblem(h.release("case-1", "bob"), 403, "unknown_person")
	// What stays may not refer to what goes.
	f.Roles = nil
	p := h.wantProblem(h.call("PUT", "/v1/estate?prune=true", f), 422, "invalid")
	if len(p.Errors) != 1 || p.Errors[0].Pointer != "people[0].roles[0]" {
		t.Errorf("problem %+v", p)
	}
}

// What a file gives of what is worth most is set aside, all of it as one
// proposal; the rest of the file is done.
func TestAFileSetsAsideWhatWaits(t *testing.T) {
	h := newHouse(t).furnish()
	h.Approvals.Others = nil // somebody always could confirm
	h.want(h.call("PUT", "/v1/openings/case-1", estate.Opening{Slug: "case-1", Name: "Case 1", Kind: "case", Class: "high", Site: "lisbon", Area: "watches"}), 200)
	by := approvals.By{ID: "opr_1", May: func(string) bool { return true }, Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true }}
	if _, err := h.Approvals.SaveSettings(t.Context(), by, approvals.Settings{Kinds: []string{approvals.GrantKind}}, ""); err != nil {
		t.Fatal(err)
	}
	file := estate.File{People: []estate.Person{
		{Slug: "bob", Name: "Bob Dias", Roles: []string{"associate"}}, {Slug: "carl", Name: "Carl", Roles: []string{"associate"}}, {Slug: "dora", Name: "Dora"},
	}}
	done := read[api.Applied](h, h.want(h.call("PUT", "/v1/estate", file), 200))
	proposals := map[string]string{}
	for _, s := range done.Steps {
		proposals[s.Ref] = s.Proposal
	}
	if len(proposals) != 3 || proposals["bob"] == "" || proposals["bob"] != proposals["carl"] || proposals["dora"] != "" {
		t.Errorf("set aside: %v", proposals)
	}
	if there := page[estate.Person](h, "/v1/people").Data; !slices.ContainsFunc(there, func(p estate.Person) bool { return p.Slug == "dora" }) || slices.ContainsFunc(there, func(p estate.Person) bool { return p.Slug == "carl" }) {
		t.Errorf("people: %v", there)
	}
	a := h.want(h.call("PUT", "/v1/people/bob", file.People[0]), 202)
	if a.header.Get("Sashlock-Proposal") == "" {
		t.Error("the answer does not name the proposal")
	}
	h.want(h.call("PUT", "/v1/openings/case-1", estate.Opening{Slug: "case-1", Name: "Case 1", Kind: "case", Class: "standard", Site: "lisbon", Area: "watches"}), 202)
}

// Nothing that guards what is worth most goes by the API alone, nor by a file.
func TestWhatGuardsWaits(t *testing.T) {
	h := newHouse(t).furnish()
	h.Approvals.Others = nil // somebody always could confirm
	high := estate.Opening{Slug: "case-1", Name: "Case 1", Kind: "case", Class: "high", Site: "lisbon", Area: "watches", ReleaseTime: "10s"}
	spare := estate.Opening{Slug: "case-9", Name: "Case 9", Kind: "case", Class: "high", Site: "lisbon"}
	h.want(h.call("PUT", "/v1/openings/case-1", high), 200)
	h.want(h.call("PUT", "/v1/openings/case-9", spare), 200)
	by := approvals.By{ID: "opr_1", May: func(string) bool { return true }, Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true }}
	if _, err := h.Approvals.SaveSettings(t.Context(), by, approvals.Settings{Kinds: []string{approvals.GrantKind}}, ""); err != nil {
		t.Fatal(err)
	}
	faulty := high
	faulty.OnFault = "release"
	for _, a := range []answer{
		h.call("PUT", "/v1/openings/case-1", faulty),
		h.call("DELETE", "/v1/openings/case-9", nil),
		h.call("DELETE", "/v1/devices/sim-1%2F1/adoption", nil),
		h.call("PUT", "/v1/devices/sim-1%2F9/adoption", map[string]string{"opening": "case-1"}),
	} {
		if h.want(a, 202).header.Get("Sashlock-Proposal") == "" {
			t.Error("the answer does not name the proposal")
		}
	}
	if d := get[api.Device](h, "/v1/devices/sim-1%2F1"); d.Opening != "case-1" {
		t.Errorf("the lock is at %q", d.Opening)
	}
	// A file that leaves the case out lets its removal wait, and does the rest.
	f := read[estate.File](h, h.want(h.call("GET", "/v1/estate", nil), 200))
	f.Openings = slices.DeleteFunc(f.Openings, func(o estate.Opening) bool { return o.Slug == "case-9" })
	f.Areas = append(f.Areas, estate.Area{Slug: "stock", Site: "lisbon", Name: "Stock"})
	done := read[api.Applied](h, h.want(h.call("PUT", "/v1/estate?prune=true", f), 200))
	waits := map[string]bool{}
	for _, s := range done.Steps {
		waits[s.Ref] = s.Proposal != ""
	}
	if len(waits) != 2 || !waits["case-9"] || waits["lisbon/stock"] {
		t.Errorf("set aside: %v", waits)
	}
	h.want(h.call("GET", "/v1/openings/case-9", nil), 200)
}

func TestAccessNeedsItsOwnScope(t *testing.T) {
	h := newHouse(t).furnish()
	setup := h.tokenFor(signin.Setup, signin.Read)
	put := func(f estate.File, query string) answer {
		return h.send("PUT", "/v1/estate"+query, f, "Authorization", "Bearer "+setup)
	}
	for _, f := range []estate.File{
		{Roles: []estate.Role{{Slug: "x", Name: "X"}}},
		{People: []estate.Person{{Slug: "x", Name: "X"}}},
		{Grants: []estate.Grant{{Slug: "x", Person: "bob", Site: "lisbon"}}},
		{Schedules: []estate.Schedule{{Slug: "x", Name: "X"}}},
	} {
		h.wantProblem(put(f, ""), 403, "denied")
		h.wantProblem(put(f, "?dry_run=true"), 403, "denied")
	}
	h.wantProblem(put(estate.File{}, "?prune=true"), 403, "denied")
	h.want(put(estate.File{Areas: []estate.Area{{Slug: "stock", Site: "lisbon", Name: "Stock"}}}, ""), 200)
	access := h.tokenFor(signin.Access)
	h.wantProblem(h.send("PUT", "/v1/estate", estate.File{}, "Authorization", "Bearer "+access), 403, "denied")
}

// Two files that each leave the estate as they say cannot mix: whichever came
// last is what is declared.
func TestConcurrentFilesDoNotMix(t *testing.T) { onEachEngine(t, concurrentFilesDoNotMix) }

func concurrentFilesDoNotMix(t *testing.T, h *house) {
	file := func(name string) estate.File {
		var f estate.File
		for i := range 8 {
			f.Roles = append(f.Roles, estate.Role{Slug: fmt.Sprintf("r-%d", i), Name: name})
		}
		f.Roles = append(f.Roles, estate.Role{Slug: "only-" + name, Name: name})
		return f
	}
	var group sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		group.Go(func() {
			for range 15 {
				if a, err := h.try("PUT", "/v1/estate?prune=true", mustJSON(file(name)), "Authorization", "Bearer "+h.token); err != nil || a.status != 200 {
					t.Errorf("%s: %d %s %v", name, a.status, a.body, err)
				}
				f, err := h.API.Estate(t.Context())
				if err != nil || len(f.Roles) != 9 {
					t.Errorf("%d roles, %v", len(f.Roles), err)
					return
				}
				for _, r := range f.Roles {
					if r.Name != f.Roles[0].Name {
						t.Errorf("mixed: %v", f.Roles)
						return
					}
				}
			}
		})
	}
	group.Wait()
}

func TestLedgerNamesNobody(t *testing.T) {
	h := newHouse(t).furnish()
	h.want(h.call("PUT", "/v1/people/zoe-quill", map[string]any{"slug": "zoe-quill", "name": "Zoë Quillfeather", "roles": []string{"associate"}, "id": "prs_forged", "rev": 99}), 200)
	h.want(h.call("PUT", "/v1/grants/zoe-quill-case", map[string]string{"slug": "zoe-quill-case", "person": "zoe-quill", "opening": "case-2"}), 200)
	h.want(h.release("case-2", "zoe-quill", "Prefer", "wait=10"), 200)
	h.want(h.call("PUT", "/v1/people/zoe-quill", map[string]any{"slug": "zoe-quill", "name": "Zoë Quillfeather", "suspended": true}), 200)
	h.wantProblem(h.release("case-2", "zoe-quill"), 403, string(sashlock.PersonSuspended))
	h.want(h.call("DELETE", "/v1/grants/zoe-quill-case", nil), 204)
	h.want(h.call("DELETE", "/v1/people/zoe-quill", nil), 204)
	for seq := range h.Store.Size() {
		e, err := h.Store.Entry(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Zo", "Quill", "quill", "prs_forged"} {
			if strings.Contains(string(e.Body), name) {
				t.Errorf("entry %d holds %q: %s", seq, name, e.Body)
			}
		}
	}
}

// An opening that goes takes its alarms with it: nobody will look at it again.
func TestAlarmsOfARemovedOpeningAreOver(t *testing.T) {
	h := newHouse(t).furnish()
	if err := h.world.Open("3"); err != nil {
		t.Fatal(err)
	}
	h.eventually("an alarm stands", func() bool { return len(page[api.Alarm](h, "/v1/alarms").Data) == 1 })
	h.wantProblem(h.call("DELETE", "/v1/openings/case-3", nil), 409, "conflict")
	h.want(h.call("DELETE", "/v1/devices/sim-1%2F3/adoption", nil), 200)
	h.want(h.call("DELETE", "/v1/openings/case-3", nil), 204)
	alarm := page[api.Alarm](h, "/v1/alarms").Data[0]
	if alarm.Cleared.IsZero() {
		t.Errorf("alarm %+v", alarm)
	}
	h.want(h.call("PUT", "/v1/alarms/"+alarm.ID+"/acknowledgement", nil), 200)
	if left := page[api.Alarm](h, "/v1/alarms").Data; len(left) != 0 {
		t.Errorf("left over: %+v", left)
	}
	if n := h.count(sashlock.AlarmCleared); n != 1 {
		t.Errorf("%d alarms were cleared", n)
	}
}
