// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/signin"
	ledger "github.com/sashlock/sashlock/internal/store"
)

// neighbours is a second store with something of everything.
type neighbours struct {
	*consoletest.Counter
	ask, proposal, review, shift, loan, credential string
	device, decision, code, entry                  string
	alarm, incident, call                          string
}

// furnished gives Porto access that is asked for, a change that waits, a review,
// a rota, a scenario, a guard rail, keys and cards.
func furnished(t *testing.T, c *consoletest.Counter) *neighbours {
	t.Helper()
	n := &neighbours{Counter: c}
	porto, eva, site := c.Opening("porto-case"), c.Person("eva"), c.Site("porto")
	owner, err := c.Signin.SaveOperator(t.Context(), "", signin.Operator{Name: "Somebody in the head office", Role: signin.Owner})
	c.Must(err)
	by := approvals.By{ID: owner.ID, May: func(string) bool { return true }, Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true }}
	answer, err := c.Hall.Request(t.Context(), sashlock.Request{Person: eva, Opening: porto})
	c.Must(err)
	n.decision = string(answer.Decision.ID)
	seen, err := c.Store.Events(t.Context(), ledger.EventQuery{Kind: string(sashlock.AccessGranted), Opening: porto, Newest: true, Limit: 1})
	c.Must(err)
	n.code, n.entry = console.DecisionCode(seen[0].Seq), strconv.FormatInt(seen[0].Seq, 10)
	for id, d := range c.Hall.Book().Devices {
		if d.Opening == porto {
			n.device = string(id)
		}
	}
	n.troubled(porto)
	ask, err := c.Approvals.File(t.Context(), by, approvals.Filing{Person: eva, Opening: porto, Words: "The key broke off."})
	c.Must(err)
	form, err := json.Marshal(estate.Grant{Slug: "eva-again", Person: "eva", Opening: "porto-case"})
	c.Must(err)
	proposal, err := c.Approvals.Propose(t.Context(), by, approvals.GrantKind, form, 0, "Eva stands in for the manager.")
	c.Must(err)
	review, err := c.Approvals.Begin(t.Context(), by, approvals.Review{Name: "All of Porto", Scope: approvals.Scope{Site: site}, Reviewer: owner.ID, Due: time.Now().AddDate(0, 0, 3)})
	c.Must(err)
	scene, err := scenario.Parse([]byte("slug: porto-lockdown\nname: Lockdown in Porto\nsite: porto\nkind: lockdown\ntrigger: {button: true}\nactions: {lock_down: [{all: true}]}\n"))
	c.Must(err)
	_, err = c.Scenarios.Save(t.Context(), owner.ID, scene, "", 0)
	c.Must(err)
	card, err := c.Credentials.Make(t.Context(), owner.ID, credentials.Making{Person: eva, Kind: sashlock.Card, Label: "Card of the shop in Porto", Format: "H10301", Code: 9, Number: 77})
	c.Must(err)
	_, err = c.Hall.Change(t.Context(), flow.Change{Operator: owner.ID, Make: func(tx *ledger.Tx) (whole flow.Edit, err error) {
		return n.fill(tx, porto, eva, site)
	}})
	c.Must(err)
	n.ask, n.proposal, n.review, n.credential = ask.ID, proposal.ID, review.ID, string(card.ID)
	return n
}

// troubled has a case opened while it was locked, and a customer wait at it.
func (n *neighbours) troubled(at sashlock.OpeningID) {
	o := n.Hall.Book().Openings[at]
	_, err := n.Hall.Report(n.Ctx(), sashlock.Report{Kind: sashlock.DeviceTampered, Device: sashlock.DeviceID(n.device), Opening: at})
	n.Must(err)
	call, _, err := n.Assistance.Raise(n.Ctx(), o)
	n.Must(err)
	n.call = call.ID
	n.Until("the incident is there", func() bool {
		n.Must(n.Store.View(n.Ctx(), func(q ledger.Query) error {
			all, err := incidents.List(q, incidents.Filter{}, 5)
			for _, one := range all {
				if one.Site == o.Site {
					n.incident = one.ID
				}
			}
			return err
		}))
		return n.incident != ""
	})
	for _, id := range n.State(at).Alarms {
		n.alarm = string(id)
	}
}

// fill makes what is made in a transaction.
func (n *neighbours) fill(tx *ledger.Tx, porto sashlock.OpeningID, eva sashlock.PersonID, site sashlock.SiteID) (whole flow.Edit, err error) {
	shift, whole, err := shifts.Save(tx, shifts.Shift{Shift: sashlock.Shift{Person: eva, Site: site, From: tx.Now().Add(time.Hour), Until: tx.Now().Add(9 * time.Hour)}}, 0)
	if err != nil {
		return whole, err
	}
	n.shift = string(shift.ID)
	rail := "@id(\"porto-at-night\")\n@reason(\"Not at night.\")\nforbid (principal, action, resource) when { context.hour < 3 };\n"
	edit, err := rails.Save(tx, rails.Rail{Slug: "porto-at-night", Text: rail, Site: site}, 0)
	if err != nil {
		return whole, err
	}
	whole.Rails, whole.Events = edit.Rails, append(whole.Events, edit.Events...)
	_, edit, err = credentials.SaveKey(tx, credentials.Key{Slug: "p-01", Name: "Key of the case in Porto", Copies: 2, Openings: []sashlock.OpeningID{porto}}, 0)
	if err != nil {
		return whole, err
	}
	whole.Events = append(whole.Events, edit.Events...)
	loan, edit, err := credentials.HandOut(tx, "p-01", eva, tx.Now().Add(time.Hour))
	n.loan = loan.ID
	whole.Events = append(whole.Events, edit.Events...)
	tx.SavePersonState(sashlock.PersonState{Person: eva, Site: site, Since: tx.Now(), Last: tx.Now(), ClockIn: true})
	return whole, err
}

// kept is all that is kept of Porto, as text that can be compared.
func (n *neighbours) kept(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	put := func(what string, of any, err error) {
		t.Helper()
		n.Must(err)
		all[what] = fmt.Sprintf("%+v", of)
	}
	n.Must(n.Store.View(t.Context(), func(q ledger.Query) error {
		ask, err := approvals.FindAsk(q, n.ask)
		put("request", ask, err)
		proposal, err := approvals.FindProposal(q, n.proposal)
		put("change", proposal, err)
		review, err := approvals.FindReview(q, n.review)
		put("review", review, err)
		lines, err := approvals.Lines(q, n.review)
		put("lines of the review", lines, err)
		shift, err := shifts.Find(q, sashlock.ShiftID(n.shift))
		put("shift", shift, err)
		rail, err := rails.Find(q, "porto-at-night")
		put("guard rail", rail, err)
		key, err := credentials.FindKey(q, "p-01")
		put("key", key, err)
		loan, err := credentials.FindLoan(q, n.loan)
		put("loan", loan, err)
		held, err := credentials.List(q, n.Person("eva"))
		put("credentials", held, err)
		scene, err := scenarios.List(q)
		scene = slices.DeleteFunc(scene, func(k scenarios.Kept) bool { return k.Scenario.Site != "porto" })
		put("scenarios", scene, err)
		incident, err := incidents.Find(q, n.incident)
		put("incident", incident, err)
		calls, err := assistance.Find(q, n.call)
		put("call", calls, err)
		given, err := grants.List(q)
		put("grants", given, err)
		tokens, err := n.Signin.List(q)
		put("tokens", len(tokens), err)
		return nil
	}))
	book := n.Hall.Book()
	put("person", book.People[n.Person("eva")], nil)
	put("site", book.Sites[n.Site("porto")], nil)
	put("opening", book.Openings[n.Opening("porto-case")], nil)
	for _, a := range book.Areas {
		if a.Slug == "floor" {
			put("area", a, nil)
		}
	}
	alarm, err := n.Store.Alarms(n.Ctx(), false, 50)
	put("alarm", alarm, err)
	put("mode", n.State(n.Opening("porto-case")).Mode, nil)
	where := n.Store.PersonState(n.Person("eva"))
	put("whereabouts", []any{where.Site, where.ClockIn}, nil)
	return all
}

// lists are the pages on which something of Porto could stand among others'.
var lists = []string{
	"/", "/?view=list", "/?view=wall", "/people", "/people?q=eva", "/access", "/access/new", "/access/quick", "/access/ask", "/access/requests", "/access/changes", "/access/reviews", "/access/stale",
	"/access/roles", "/access/roles/sales", "/access/schedules", "/access/rails", "/decisions", "/credentials", "/keys", "/inside", "/rota", "/rota/mine", "/rota/import", "/scenarios",
	"/scenarios/new", "/what-if", "/what-if/draft", "/activity", "/alarms", "/devices", "/settings", "/operators", "/elevations", "/reports", "/reports/review", "/serve", "/plan", "/developers/tokens",
}

// pages are addresses of what is in Porto.
func (n *neighbours) pages() []string {
	return []string{
		"/?site=porto", "/live?site=porto", "/openings/porto-case", "/openings/porto-case/live", "/openings/porto-case/panel", "/openings/porto-case/photo",
		"/decisions/" + n.decision, "/what-if?site=porto", "/what-if?person=eva&opening=porto-case", "/devices/" + n.device, "/devices/labels?site=porto", "/plan?site=porto",
		"/reports?site=porto", "/reports/review?site=porto", "/reports/days.csv?site=porto", "/settings/sites/porto", "/settings/openings/porto-case", "/settings/areas/porto/floor",
		"/access/grants/eva-porto", "/access/grants/eva-porto/revoke", "/access/reviews/" + n.review, "/access/rails/porto-at-night", "/access/quick?opening=porto-case", "/access/ask?opening=porto-case",
		"/decisions?code=" + n.code, "/people/eva", "/people/eva/edit", "/people/eva/revoke", "/people/eva/credentials", "/rota?site=porto", "/rota/shifts/" + n.shift, "/inside?site=porto",
		"/scenarios?site=porto", "/scenarios/porto-lockdown", "/scenarios/new?copy=porto-lockdown", "/activity?site=porto", "/activity.csv?site=porto", "/proof?site=porto", "/c/porto-case", "/keys?site=porto",
		"/alarms/" + n.alarm, "/incidents/" + n.incident, "/incidents/" + n.incident + "/live", "/proof/entries/" + n.entry, "/devices/" + n.device + "/codes", "/gateways/sim",
		"/c/porto-case/photo", "/c/porto-case/live", "/pictures/" + string(n.Opening("porto-case")), "/pictures/" + string(n.Site("porto")),
		"/v1/openings/porto-case", "/v1/people/eva", "/scim/v2/Users",
	}
}

// acts are what somebody could try to do there, with what they would send.
func (n *neighbours) acts() map[string]url.Values {
	form := func(pairs ...string) url.Values {
		v := url.Values{"person": {"eva"}, "rev": {"1"}, "name": {"Mine now"}, "zone": {"Europe/Lisbon"}, "reason": {"left"}, "why": {"Because"}, "words": {"Because"}}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	shift, review, person := "/rota/shifts/"+n.shift, "/access/reviews/"+n.review, "/people/eva"
	all := map[string]url.Values{
		"/access/grants":  form("as", "yaml", "text", "slug: mine\nperson: ana\nopening: porto-case\n", "rev", "0", "slug", "mine", "who", "person:ana", "what", "opening:porto-case"),
		"/access/quick":   form("opening", "porto-case", "minutes", "30", "key", "abcdefgh", "person", "ana"),
		"/access/ask":     form("place", "opening:porto-case", "opening", "porto-case", "length", "4"),
		review + "/lines": form("remove", "1"), "/access/reviews": form("name", "Mine", "site", "porto", "due", "2030-01-01"),
		"/access/requests/rule": form("site", "porto", "auto", "yes"), "/access/rails": form("site", "porto", "slug", "porto-at-night", "was", "porto-at-night", "text", "permit (principal, action, resource);"),
		"/rota/shifts": form("site", "porto", "from", "2030-01-01T09:00", "until", "2030-01-01T17:00"), "/rota/allow": form("site", "porto"), "/rota/mine/clock-in": form("site", "porto"),
		shift + "/swap": form("to", string(n.Person("ana"))), shift + "/times": form("from", "2030-01-01T09:00", "until", "2030-01-01T17:00"),
		"/scenarios": form("as", "text", "was", "porto-lockdown", "text", "slug: porto-lockdown\nname: Mine\nsite: porto\nkind: lockdown\ntrigger: {button: true}\nactions: {lock_down: [{all: true}]}\n"),
		"/keys":      form("slug", "p-01", "copies", "9", "opening", "porto-case"), "/keys/p-01/out": form("person", "ana", "due", "2030-01-01T09:00"),
		person + "/credentials": form("kind", "qr", "label", "Mine"), person + "/credentials/lost": form("all", "1", "cause", "lost"),
		"/developers/tokens": form("name", "mine", "scope", "read", "days", "30"),
	}
	for _, path := range []string{
		"/openings/porto-case/release", "/openings/porto-case/photo/remove", "/c/porto-case/release", "/settings/sites/porto", "/settings/openings/porto-case", "/settings/areas/porto/floor",
		"/access/grants/eva-porto", "/access/grants/eva-porto/revoke", "/access/grants/eva-porto/end", "/access/grants/eva-porto/extend", "/access/stale/eva-porto", "/access/requests/" + n.ask + "/approve",
		"/access/requests/" + n.ask + "/deny", "/access/changes/" + n.proposal + "/confirm", "/access/changes/" + n.proposal + "/decline", "/access/changes/settings", review + "/end",
		"/access/rails/porto-at-night/remove", "/devices/" + n.device + "/test", "/devices/" + n.device + "/remove", "/devices/" + n.device + "/replace", "/plan?site=porto",
		shift + "/cancel", shift + "/clock-in", shift + "/clock-out", "/scenarios/porto-lockdown/start", "/scenarios/porto-lockdown/drill", "/scenarios/porto-lockdown/stop", "/scenarios/porto-lockdown/remove",
		"/scenarios/porto-lockdown/back", "/keys/p-01/retire", "/keys/loans/" + n.loan + "/back", "/keys/loans/" + n.loan + "/lost", "/inside/forgive", person + "/suspend", person + "/lift", person + "/revoke",
		person + "/credentials/" + n.credential + "/remove", person + "/credentials/" + n.credential + "/ask-lock", person + "/credentials/" + n.credential + "/forgotten",
		"/serve/calls/" + n.call + "/take", "/serve/calls/" + n.call + "/gone", "/serve/calls/" + n.call + "/served", "/alarms/" + n.alarm + "/acknowledge", "/alarms/" + n.alarm + "/shelve",
		"/incidents/" + n.incident + "/acknowledge", "/incidents/" + n.incident + "/take", "/incidents/" + n.incident + "/note", "/incidents/" + n.incident + "/opinion", "/incidents/" + n.incident + "/shelve",
		"/incidents/" + n.incident + "/resolve", "/incidents/" + n.incident + "/reopen", "/incidents/" + n.incident + "/evidence", "/proof/entries/" + n.entry + "/evidence",
		"/devices/" + n.device + "/codes/look", "/devices/" + n.device + "/codes/gone", "/devices/" + n.device + "/codes/adopt", "/devices/" + n.device + "/codes/1/remove", "/devices/" + n.device + "/adopt",
		"/openings/porto-case/photo", "/settings/self-service/openings/porto-case", "/gateways/sim/remove",
		"/devices/cutover/porto-case/trial", "/devices/cutover/porto-case/force",
	} {
		all[path] = form()
	}
	return all
}

// TestAnotherStoreIsOutOfReach tries, as the operators of one store, the pages
// and acts of another. None shows or changes anything, and what names the other
// store is recorded.
func TestAnotherStoreIsOutOfReach(t *testing.T) {
	c := consoletest.New(t)
	n := furnished(t, c)
	mine := []string{"Eva Pinto", "Case in Porto", "Lockdown in Porto", "All of Porto", "The key broke off", "Eva stands in", "Key of the case", "Card of the shop", "Not at night."}
	before, was := len(refusals(c)), n.kept(t)
	for _, role := range []signin.Role{signin.Manager, signin.Protection, signin.Engineer, signin.Auditor, signin.Associate} {
		c.As(role)
		if status, _ := c.Get("/decisions?code=" + n.code); status == http.StatusSeeOther {
			t.Errorf("%s is led to the decision of a code", role)
		}
		for _, page := range append(n.pages(), lists...) {
			status, text := c.Get(page)
			for _, secret := range mine {
				if strings.Contains(text, secret) {
					t.Errorf("%s reads %q at %s (%d)", role, secret, page, status)
				}
			}
			if status >= http.StatusInternalServerError {
				t.Errorf("%s: %s is answered with %d", role, page, status)
			}
		}
		for act, form := range n.acts() {
			status, to, _ := c.Post(act, form)
			if status >= http.StatusInternalServerError {
				t.Errorf("%s: %s is answered with %d", role, act, status)
			}
			if diff := cmp.Diff(was, n.kept(t)); diff != "" {
				t.Errorf("%s does %s: %d to %s\n%s", role, act, status, to, diff)
				was = n.kept(t)
			}
		}
	}
	if attempts := len(refusals(c)) - before; attempts < 5*30 {
		t.Errorf("only %d attempts were recorded", attempts)
	}
}

// served are pages of no store's own: what is in them is asked for by other
// means, or belongs to whoever signed in.
var served = []string{
	" /static/", " /docs/", " /invite/", " /claim", " /me/", " /operators/", " /elevations/", " /signin/", // whoever signs in, or is let in
	" /help/",                                // for customers, who do not sign in
	" /access/roles/", " /access/schedules/", // of all stores
	" /activity/views/", " /developers/tokens/", // of whoever made them
}

// TestEveryAddressOfAThingIsTried holds the fences to the routes: an address
// that names something has to be tried on something of another store.
func TestEveryAddressOfAThingIsTried(t *testing.T) {
	c := consoletest.New(t)
	n := furnished(t, c)
	mux := http.NewServeMux()
	tried := map[string]bool{}
	for _, pattern := range c.Patterns() {
		if strings.Contains(pattern, "{") {
			mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) { tried[pattern] = true })
			tried[pattern] = false
		}
	}
	send := func(method, path string) {
		r, err := http.NewRequestWithContext(t.Context(), method, path, nil)
		c.Must(err)
		mux.ServeHTTP(httptest.NewRecorder(), r)
	}
	for _, page := range n.pages() {
		send(http.MethodGet, page)
	}
	for act := range n.acts() {
		send(http.MethodPost, act)
	}
	for pattern, is := range tried {
		if !is && !slices.ContainsFunc(served, func(part string) bool { return strings.Contains(pattern, part) }) {
			t.Errorf("%s is tried on nothing of another store: put it into pages or acts", pattern)
		}
	}
}

// refusals lists what the ledger says of operators who were turned away.
func refusals(c *consoletest.Counter) []sashlock.Event {
	all, err := c.Store.Events(c.Ctx(), ledger.EventQuery{Kind: string(sashlock.OperatorRefused), Limit: 5000})
	c.Must(err)
	return all
}
