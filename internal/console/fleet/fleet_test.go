// SPDX-License-Identifier: Apache-2.0

package fleet_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tags"
)

// at finds a device by its address at the simulated gateway.
func at(t *testing.T, c *consoletest.Counter, address string) (d sashlock.Device) {
	t.Helper()
	c.Must(c.Store.View(t.Context(), func(q store.Query) (err error) { d, err = devices.Find(q, "sim/"+address); return err }))
	return d
}

func page(t *testing.T, c *consoletest.Counter, path string) string {
	t.Helper()
	status, text := c.Get(path)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, consoletest.Words(text))
	}
	return text
}

func TestTheListOfDevices(t *testing.T) {
	c := consoletest.New(t)
	text := page(t, c, "/devices?site=lisbon")
	c.Sees(text, "Found, not adopted", "Spare lock", "Lock of case 1", "Watches", "Back room", "Within reach", "It has no contact")
	if strings.Contains(text, "Lock of the case in Porto") {
		t.Error("a device of another site is in the list")
	}
	c.Sees(page(t, c, "/devices?site=lisbon&q=cage"), "Lock of the cage")
	if found := page(t, c, "/devices?site=lisbon&q=cage"); strings.Contains(found, "Lock of case 1") {
		t.Error("the search shows what it does not find")
	}
	c.Sees(page(t, c, "/devices?site=lisbon&q="+url.QueryEscape("<script>"+strings.Repeat("x", 500))), "No device fits")
	c.Sees(page(t, c, "/devices?site=lisbon&show=nonsense"), "Lock of case 1")
}

func TestAdoptTestReplaceTakeAway(t *testing.T) {
	c := consoletest.New(t).As(signin.Engineer)
	spare, worn := at(t, c, "spare"), at(t, c, "case-1")
	path := "/devices/" + string(worn.ID)
	if status, to, text := c.Post(path+"/test", url.Values{}); status != http.StatusSeeOther {
		t.Fatal(status, to, consoletest.Words(text))
	}
	text := page(t, c, path)
	c.Sees(text, "It answered in", "It is locked.", "Its contact says closed.", "Case 1", "Take away from Case 1")
	tested, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.DeviceTested)})
	if err != nil || len(tested) != 1 || tested[0].Device != worn.ID || tested[0].Operator == "" || tested[0].Site != c.Site("lisbon") {
		t.Fatalf("%+v, %v", tested, err)
	}
	if s := c.State(c.Opening("case-1")); s.Lock != sashlock.Locked {
		t.Error("a test moved the lock:", s.Lock)
	}

	if status, to, text := c.Post(path+"/replace", url.Values{"with": {string(spare.ID)}}); status != http.StatusSeeOther || !strings.Contains(to, string(spare.ID)) {
		t.Fatal(status, to, consoletest.Words(text))
	}
	if fitted := c.Hall.Book().Fitted(c.Opening("case-1")); len(fitted) != 1 || fitted[0].ID != spare.ID {
		t.Fatalf("fitted: %+v", fitted)
	}
	if status, _, _ := c.Post(path+"/replace", url.Values{"with": {string(spare.ID)}}); status != http.StatusConflict {
		t.Error("the same again:", status)
	}
	for range 2 {
		if status, _, text := c.Post("/devices/"+string(spare.ID)+"/remove", url.Values{}); status != http.StatusSeeOther {
			t.Fatal(status, consoletest.Words(text))
		}
	}
	for range 2 {
		if status, _, text := c.Post(path+"/adopt", url.Values{"opening": {"case-1"}}); status != http.StatusSeeOther {
			t.Fatal(status, consoletest.Words(text))
		}
	}
	c.Sees(page(t, c, path+"?adopted=yes"), "Adopted for Case 1")
	for form, want := range map[string]int{"": http.StatusBadRequest, "opening=none": http.StatusNotFound, "opening=case-2": http.StatusConflict, "opening=porto-case": http.StatusForbidden} {
		values, err := url.ParseQuery(form)
		c.Must(err)
		if status, _, _ := c.Post(path+"/adopt", values); status != want {
			t.Errorf("adopting with %q: %d, want %d", form, status, want)
		}
	}
}

func TestADeviceThatDoesNotAnswer(t *testing.T) {
	c := consoletest.New(t).As(signin.Engineer)
	d := at(t, c, "case-2")
	c.Must(c.World.Kill("case-2"))
	if status, _, text := c.Post("/devices/"+string(d.ID)+"/test", url.Values{}); status != http.StatusSeeOther {
		t.Fatal(status, consoletest.Words(text))
	}
	c.Sees(page(t, c, "/devices/"+string(d.ID)), "No answer")
}

func TestDevicesOfOthersAreRefused(t *testing.T) {
	c := consoletest.New(t)
	porto, mine := at(t, c, "porto-case"), at(t, c, "case-1")
	before, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.OperatorRefused)})
	c.Must(err)
	c.As(signin.Engineer)
	if status, text := c.Get("/devices/" + string(porto.ID)); status != http.StatusForbidden || strings.Contains(text, "Porto") {
		t.Error("a device of Porto:", status)
	}
	for _, what := range []string{"adopt", "test", "remove", "replace"} {
		if status, _, _ := c.Post("/devices/"+string(porto.ID)+"/"+what, url.Values{"opening": {"case-1"}, "with": {string(mine.ID)}}); status != http.StatusForbidden {
			t.Errorf("%s a device of Porto: %d", what, status)
		}
	}
	if status, _, _ := c.Post("/devices/"+string(mine.ID)+"/replace", url.Values{"with": {string(porto.ID)}}); status != http.StatusForbidden {
		t.Error("replacing by a device of Porto:", status)
	}
	for _, path := range []string{"/devices?site=porto", "/devices/labels?site=porto"} {
		if status, _ := c.Get(path); status != http.StatusForbidden {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _, _ := c.Post("/devices/labels?site=porto", url.Values{}); status != http.StatusForbidden {
		t.Error("issuing tags in Porto:", status)
	}
	after, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.OperatorRefused)})
	c.Must(err)
	if n := len(after) - len(before); n != 9 {
		t.Errorf("%d attempts were recorded, want 9", n)
	}
	for _, role := range []signin.Role{signin.Manager, signin.Protection, signin.Auditor} {
		c.As(role)
		text := page(t, c, "/devices/"+string(mine.ID))
		if strings.Contains(text, "<button class=\"danger\"") || strings.Contains(text, "/test\"") {
			t.Errorf("%s sees buttons that are not theirs", role)
		}
		for _, what := range []string{"adopt", "test", "remove", "replace"} {
			if status, _, _ := c.Post("/devices/"+string(mine.ID)+"/"+what, url.Values{}); status != http.StatusForbidden {
				t.Errorf("%s may %s: %d", role, what, status)
			}
		}
	}
}

func TestLabels(t *testing.T) {
	c := consoletest.New(t).As(signin.Engineer)
	c.Sees(page(t, c, "/devices/labels?site=lisbon"), "3 openings have no tag yet.", "Issue tags")
	for range 2 { // the second time there is nothing to issue
		if status, _, text := c.Post("/devices/labels?site=lisbon", url.Values{}); status != http.StatusSeeOther {
			t.Fatal(status, consoletest.Words(text))
		}
	}
	issued, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.TagIssued)})
	if err != nil || len(issued) != 3 {
		t.Fatalf("%d tags were issued, %v", len(issued), err)
	}
	text := page(t, c, "/devices/labels?site=lisbon")
	codes := regexp.MustCompile(`aria-label="(http://[^"]*/c/([0-9A-Z]{4,6}))"`).FindAllStringSubmatch(text, -1)
	if len(codes) != 3 || !strings.HasPrefix(codes[0][1], c.Server.URL) {
		t.Fatalf("%v", codes)
	}
	seen := map[sashlock.OpeningID]bool{}
	for _, code := range codes {
		c.Must(c.Store.View(t.Context(), func(q store.Query) error {
			id, err := tags.Find(q, " "+strings.ToLower(code[2][:2]+"-"+code[2][2:])+" ")
			seen[id] = true
			return err
		}))
	}
	if len(seen) != 3 || !seen[c.Opening("case-1")] {
		t.Errorf("the tags are those of %v", seen)
	}
	c.Must(c.Store.View(t.Context(), func(q store.Query) error {
		for _, tag := range []string{"", "O0O0", "2222", "'; DROP TABLE tags; --", strings.Repeat("2", 10_000), "\x00\xff"} {
			if id, err := tags.Find(q, tag); !sashlock.IsKind(err, sashlock.NotFound) {
				return fmt.Errorf("%q is the tag of %q: %v", tag, id, err)
			}
		}
		return nil
	}))
}

func TestWhichLocksWork(t *testing.T) {
	c := consoletest.New(t).As(signin.Engineer)
	for search, want := range map[string][]string{
		"":           {"Latch", "There is no open way into a Latch lock", "Kwikset", "Once its maker agrees"},
		"kwikset":    {"SmartCode 888", "on the real stack", "Z-Wave"},
		"YRD256":     {"Yale", "Can be used today"},
		"nobody <b>": {"No lock here is called that."},
	} {
		text := page(t, c, "/devices/models?q="+url.QueryEscape(search))
		c.Sees(text, want...)
		if search != "" && strings.Contains(text, "Latch lock") {
			t.Errorf("%q: brands that nobody asked for are there", search)
		}
	}
}

// TestBatteriesToChange looks at the list twice, so that the second time only
// what is new is read.
func TestBatteriesToChange(t *testing.T) {
	c := consoletest.New(t)
	const due, all = "/devices/batteries?site=lisbon&days=0", "/devices/batteries?site=lisbon&days=-1"
	c.Sees(page(t, c, due), "No battery is due")
	text := page(t, c, all)
	c.Sees(text, "Case 1", "too few reports")
	if strings.Contains(text, "Porto") && strings.Contains(text, "case in Porto") {
		t.Error("a device of another site is in the list")
	}
	for _, level := range []int{19, 17} {
		c.Must(c.World.Battery("case-1", level))
		said := fmt.Sprintf("%d\u00a0%%", level)
		c.Until("the battery has told "+said, func() bool { return strings.Contains(page(t, c, due), said) })
	}
	text = page(t, c, due)
	c.Sees(text, "Case 1", "now", "low")
	if strings.Contains(text, "Case 2") {
		t.Error("a good battery is to be changed")
	}
	c.Sees(page(t, c, "/devices/batteries?site=lisbon&days=nonsense"), "Case 1")
	if status, _ := c.As(signin.Associate).Get(due); status != http.StatusForbidden {
		t.Errorf("an associate: %d", status)
	}
}

func TestHowQuickLocksAre(t *testing.T) {
	c := consoletest.New(t)
	c.Sees(page(t, c, "/devices/latency"), "No order yet")
	if status, _, text := c.Post("/openings/case-1/release", url.Values{"person": {"ana"}}); status != http.StatusSeeOther {
		t.Fatal(status, consoletest.Words(text))
	}
	c.Until("the order stands in the book", func() bool {
		return strings.Contains(consoletest.Words(page(t, c, "/devices/latency")), "99 of 100 within")
	})
	c.Sees(page(t, c, "/devices/latency"), "Sashlock simulated lock with contact", "Gateway took it", "Bolt moved", "Confirmed")
}
