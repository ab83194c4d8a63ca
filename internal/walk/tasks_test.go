// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/demo"
)

// mostScreens is how many pages any of the commonest tasks may lead through,
// beginning with the one on which its outcome is seen as the last.
const mostScreens = 3

// task is something that is done in the console, with a look through the API at
// what came of it.
type task struct {
	*browsertest.Browser
	t     *testing.T
	token string
	began int // pages shown before it
}

// from opens the page on which somebody would begin.
func (k *task) from(path string) {
	k.t.Helper()
	k.Go(path)
	k.Until(`document.readyState === "complete"`)
	k.began = k.Pages()
}

// to presses a link or button that leads to another page, and waits for it.
func (k *task) to(selector string) {
	k.t.Helper()
	k.Until(fmt.Sprintf("document.querySelector(%q)", selector))
	browsertest.Eval[bool](k.Browser, fmt.Sprintf("(window.gone = true, document.querySelector(%q).click(), true)", selector))
	k.Until(`!window.gone && document.readyState === "complete"`)
}

// set fills in a field.
func (k *task) set(selector, value string) {
	k.t.Helper()
	k.Until(fmt.Sprintf("document.querySelector(%q)", selector))
	if got := browsertest.Eval[string](k.Browser, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.value = %q;
		e.dispatchEvent(new Event("input", {bubbles: true}));
		e.dispatchEvent(new Event("change", {bubbles: true}));
		return e.value;
	})()`, selector, value)); got != value {
		k.t.Fatalf("%s takes no %q", selector, value)
	}
}

// tick ticks a box.
func (k *task) tick(selector string) {
	k.t.Helper()
	k.Until(fmt.Sprintf("document.querySelector(%q)", selector))
	browsertest.Eval[bool](k.Browser, fmt.Sprintf("((box) => { if (!box.checked) box.click(); return true })(document.querySelector(%q))", selector))
}

// done ends a task: it took no more pages than it may.
func (k *task) done() {
	k.t.Helper()
	if n := k.Pages() - k.began; n < 1 || n > mostScreens {
		k.t.Errorf("it took %d pages", n)
	}
}

// ask reads something from the API; false: it is not there.
func (k *task) ask(path string, into any) bool {
	k.t.Helper()
	r, err := http.NewRequestWithContext(k.t.Context(), http.MethodGet, k.Base+path, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+k.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		k.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return false
	}
	if answer.StatusCode != http.StatusOK {
		k.t.Fatalf("%s: %s", path, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		k.t.Fatal(err)
	}
	return true
}

// opens reports whether somebody could open something at an instant, and why
// not.
func (k *task) opens(person, opening string, at time.Time) (bool, string) {
	k.t.Helper()
	var d struct {
		Granted bool
		Reason  string
	}
	if !k.ask("/v1/explain?"+url.Values{"person": {person}, "opening": {opening}, "at": {at.UTC().Format(time.RFC3339)}}.Encode(), &d) {
		return false, "not found"
	}
	return d.Granted, d.Reason
}

// mode waits until an opening stands in a mode.
func (k *task) mode(opening, want string) {
	k.t.Helper()
	var got string
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for over := time.After(20 * time.Second); ; {
		var o struct{ State struct{ Mode string } }
		k.ask("/v1/openings/"+opening, &o)
		if got = o.State.Mode; got == want {
			return
		}
		select {
		case <-again.C:
		case <-over:
			k.t.Fatalf("%s stands in the mode %q, not %q", opening, got, want)
		}
	}
}

// in is an hour of a day at the flagship, so many days from today.
func in(days, hour int) time.Time {
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		panic(err)
	}
	y, m, d := time.Now().In(zone).Date()
	return time.Date(y, m, d+days, hour, 0, 0, 0, zone)
}

// clock is a time as the fields of forms take it.
func clock(at time.Time) string { return at.Format("2006-01-02T15:04") }

// TestTheTenCommonestTasks does what the manager of a store does most, each from
// the page on which one would begin.
func TestTheTenCommonestTasks(t *testing.T) {
	s := open(t, 1)
	c, err := app.ReadConnection(filepath.Join(s.data, demo.ConnectionFile))
	if err != nil {
		t.Fatal(err)
	}
	b := browsertest.Open(t, s.url)
	become(b, "manager", "Openings")
	for _, one := range []struct {
		name string
		do   func(*task)
	}{
		{"grant for today", grantForToday},
		{"swap a shift", swapAShift},
		{"lost phone", lostPhone},
		{"new starter", newStarter},
		{"leaver", leaver},
		{"contractor for a week", contractor},
		{"stock-take night", stockTake},
		{"access review", accessReview},
		{"peak hour", peakHour},
		{"lockdown", lockdown},
	} {
		t.Run(one.name, func(t *testing.T) {
			b.For(t)
			k := &task{Browser: b, t: t, token: c.Token}
			one.do(k)
			k.done()
		})
	}
}

// grantForToday lets somebody open a case that is not theirs, from the page of
// the case.
func grantForToday(k *task) {
	if may, why := k.opens("ana", "watches-6", time.Now()); may {
		k.t.Fatal("Ana may open it already: " + why)
	}
	k.from("/openings/watches-6")
	k.to(`a[href^="/access/quick?opening=watches-6"]`)
	k.set("select#person", "ana")
	k.to(`button[name="minutes"][value="60"]`)
	k.See("Ana Costa")
	if may, why := k.opens("ana", "watches-6", time.Now()); !may {
		k.t.Error("Ana may not open it: " + why)
	}
	if may, _ := k.opens("ana", "watches-6", time.Now().Add(61*time.Minute)); may {
		k.t.Error("Ana may open it for longer than an hour")
	}
}

// swapAShift gives a shift of next week to somebody else.
func swapAShift(k *task) {
	k.from("/rota")
	k.to(`a[aria-label="The week after"]`)
	k.to(`main a[href^="/rota/shifts/"]`)
	path := k.Path()
	var before, after struct{ Person string }
	id := strings.TrimPrefix(path, "/rota/shifts/")
	if !k.ask("/v1/shifts/"+id, &before) {
		k.t.Fatal("there is no shift " + id)
	}
	k.to(`button[aria-label^="Give it to"]`)
	if !k.ask("/v1/shifts/"+id, &after) || after.Person == before.Person || after.Person == "" {
		k.t.Errorf("the shift is still of %s", after.Person)
	}
}

// lostPhone ends everything that somebody carries, who is signed in on it.
func lostPhone(k *task) {
	k.from("/people")
	name := browsertest.Eval[string](k.Browser, `document.querySelector('form[action="/demo/persona"] [value="associate"] span').textContent`)
	jar, err := cookiejar.New(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	phone := &http.Client{Jar: jar}
	r, err := phone.PostForm(k.Base+"/demo/persona", url.Values{"who": {"associate"}})
	if err != nil || r.Request.URL.Path != "/serve" {
		k.t.Fatalf("the associate's phone: %v", err)
	}
	r.Body.Close()
	if who := signedIn(k, phone); who != name {
		k.t.Fatalf("on the phone is %s, not %s", who, name)
	}
	path := browsertest.Eval[string](k.Browser, fmt.Sprintf(`[...document.querySelectorAll('main a[href^="/people/"]')].find((a) => a.textContent.trim() === %q).getAttribute("href")`, name))
	k.to(fmt.Sprintf(`main a[href=%q]`, path))
	k.to(fmt.Sprintf(`main a[href^=%q]`, path+"/credentials"))
	k.tick(`[name="all"]`)
	k.tick(`[name="phone"]`)
	k.to(`form[action$="/credentials/lost"] button.danger`)
	k.See(name)
	if who := signedIn(k, phone); who == name {
		k.t.Error("the phone is still signed in")
	}
}

// signedIn is who a browser is signed in as.
func signedIn(k *task, browser *http.Client) string {
	k.t.Helper()
	r, err := browser.Get(k.Base + "/docs")
	if err != nil {
		k.t.Fatal(err)
	}
	defer r.Body.Close()
	page, err := io.ReadAll(r.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), `class="who"`)
	_, rest, _ = strings.Cut(rest, ">")
	who, _, _ := strings.Cut(rest, "<")
	return html.UnescapeString(strings.TrimSpace(who))
}

// newStarter enters somebody who begins tomorrow, with the role of a team.
func newStarter(k *task) {
	k.from("/people")
	k.to(`main a[href="/people/new"]`)
	k.set("#name", "Clara Vidal")
	k.set("#slug", "clara-vidal")
	k.set("#from", clock(in(1, 0)))
	k.tick(`[name="role"][value="early-team"]`)
	k.to(`main form.card button.main`)
	k.See("Clara Vidal", "Early team")
	if may, why := k.opens("clara-vidal", "fragrance-1", in(1, 10)); !may {
		k.t.Error("Clara may not serve on her first day: " + why)
	}
	if may, _ := k.opens("clara-vidal", "fragrance-1", in(0, 10)); may {
		k.t.Error("Clara may serve before she begins")
	}
}

// leaver is somebody who does not come back.
func leaver(k *task) {
	if may, why := k.opens("catarina", "fragrance-1", in(1, 10)); !may {
		k.t.Fatal("Catarina may not serve: " + why)
	}
	k.from("/people")
	k.to(`main a[href="/people/catarina"]`)
	k.to(`form[action="/people/catarina/suspend"] button`)
	k.See("Catarina Lopes", "Suspended")
	if may, _ := k.opens("catarina", "fragrance-1", in(1, 10)); may {
		k.t.Error("Catarina may still serve")
	}
}

// contractor is somebody who comes for a week, with what technicians may.
func contractor(k *task) {
	k.from("/people")
	k.to(`main a[href="/people/new"]`)
	k.set("#name", "Bento Faro")
	k.set("#slug", "bento-faro")
	k.set("#from", clock(in(0, 0)))
	k.set("#until", clock(in(8, 0)))
	k.tick(`[name="role"][value="technician"]`)
	k.to(`main form.card button.main`)
	k.See("Bento Faro", "Technician")
	within, after := 0, 0
	for day := 1; day < 15; day++ {
		if may, _ := k.opens("bento-faro", "vending-1", in(day, 10)); may && day < 8 {
			within++
		} else if may {
			after++
		}
	}
	if within != 2 || after != 0 { // technicians come on Tuesdays and Thursdays
		k.t.Errorf("Bento may come on %d days of the week and on %d after it", within, after)
	}
}

// stockTake lets a team into the stock room for one night.
func stockTake(k *task) {
	if may, why := k.opens("paulo", "cage-1", in(1, 23)); may {
		k.t.Fatal("Paulo may open the cage already: " + why)
	}
	k.from("/access")
	k.to(`main a[href^="/access/new"]`)
	k.set("#who", "role:night-team")
	k.set("#what", "area:lisbon/stock")
	k.set("#from", clock(in(1, 22)))
	k.set("#until", clock(in(2, 6)))
	k.to(`main form#editor button.main`)
	if may, why := k.opens("paulo", "cage-1", in(1, 23)); !may {
		k.t.Error("Paulo may not open the cage in that night: " + why)
	}
	if may, _ := k.opens("paulo", "cage-1", in(2, 23)); may {
		k.t.Error("Paulo may open the cage in the night after")
	}
}

// accessReview takes a grant away that nobody used.
func accessReview(k *task) {
	k.from("/access/reviews")
	k.to(`main a[href^="/access/reviews/rvw_"]`)
	k.to(`button[name="remove"][aria-label*="Joana Pires may open Vending 1"]`)
	if k.ask("/v1/grants/joana-vending", &struct{}{}) {
		k.t.Error("the grant is still there")
	}
}

// peakHour holds the cases of a busy hour unlocked, and ends that again.
func peakHour(k *task) {
	k.from("/scenarios")
	if browsertest.Eval[bool](k.Browser, `!!document.querySelector('form[action="/scenarios/peak-hour/start"]')`) { // or the tills have begun it
		k.to(`form[action="/scenarios/peak-hour/start"] button`)
	}
	k.mode("spirits-1", "held_unlocked")
	k.to(`form[action="/scenarios/peak-hour/stop"] button`)
	k.mode("spirits-1", "normal")
}

// lockdown locks the store down, from the page that one has before oneself.
func lockdown(k *task) {
	k.from("/")
	k.to(`a[href="/scenarios"]`)
	k.to(`form[action="/scenarios/lockdown/start"] button`)
	k.mode("watches-6", "locked_down")
	if may, _ := k.opens("helena", "watches-6", time.Now()); may {
		k.t.Error("the manager may open a case in a lockdown")
	}
	k.to(`form[action="/scenarios/lockdown/stop"] button`)
	k.mode("watches-6", "normal")
}
