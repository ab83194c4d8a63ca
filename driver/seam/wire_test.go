// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const oneDevice = `{"device_id":"d1","device_type":"august_lock","display_name":"Smart Device","is_managed":true,"can_remotely_unlock":true,
 "properties":{"name":"Front","online":true,"locked":false,"door_open":true,"battery":{"level":0.874},"model":{"manufacturer_display_name":"August"}},"errors":[]}`

func TestDecodeDevice(t *testing.T) {
	e, err := decodeDevice([]byte(`{"device":` + oneDevice + `}`))
	want := deviceEntry{
		ID: "d1", Name: "Front", Maker: "August", Model: "august_lock", CanUnlock: true, Locked: isFalse, Open: isTrue, Level: 87, Online: true,
	}
	if diff := cmp.Diff(want, e); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for name, test := range map[string]struct{ from, to string }{
		"a bolt nothing is said of": {`"locked":false`, `"locked":null`},
		"an account that is gone":   {`"errors":[]`, `"errors":[{"error_code":"account_disconnected","message":"jane@example.com"}]`},
		"a level that is none":      {`0.874`, `87`},
		"an error of no weight":     {`"errors":[]`, `"errors":[{"error_code":"empty_backup_access_code_pool"}]`},
	} {
		e, err := decodeDevice([]byte(`{"device":` + strings.Replace(oneDevice, test.from, test.to, 1) + `}`))
		again := want
		switch name {
		case "a bolt nothing is said of":
			again.Locked = notSaid
		case "an account that is gone":
			again.Online, again.Trouble = false, "account_disconnected"
		case "a level that is none":
			again.Level = -1
		}
		if diff := cmp.Diff(again, e); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestDecodeDevicesLeavesOut(t *testing.T) {
	list, next, err := decodeDevices([]byte(`{"devices":[7,{"device_id":"../etc"},{"device_id":"u1","is_managed":false},` + oneDevice + `,` + oneDevice + `],
	 "pagination":{"has_next_page":true,"next_page_cursor":"abc"}}`))
	if err != nil || len(list) != 1 || list[0].ID != "d1" || next != "abc" {
		t.Errorf("%+v, %q, %v", list, next, err)
	}
}

// No decoder has a place for a PIN or a name in what it returns.
func TestCodesHaveNoPIN(t *testing.T) {
	list, _, err := decodeCodes([]byte(`{"access_codes":[{"access_code_id":"c1","device_id":"d1","status":"set","code":"` + testPIN + `","name":"Jane Doe"}]}`))
	if text := fmt.Sprintf("%+v", list); err != nil || len(list) != 1 || strings.Contains(text, testPIN) || strings.Contains(text, "Jane") {
		t.Errorf("%s, %v", text, err)
	}
}

func seeds(f *testing.F, texts ...string) {
	for _, s := range append(texts, ``, `null`, `[]`, `{}`, `{"devices":null}`, `{"events":{}}`, `{"action_attempt":[]}`) {
		f.Add([]byte(s))
	}
}

func FuzzDevices(f *testing.F) {
	seeds(f, `{"devices":[`+oneDevice+`],"pagination":{"has_next_page":true,"next_page_cursor":"x"}}`, `{"device":`+oneDevice+`}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		list, _, err := decodeDevices(body)
		if err != nil && list != nil {
			t.Error("a list and an error")
		}
		if one, err := decodeDevice(body); err == nil {
			list = append(list, one)
		}
		for _, e := range list {
			if !isID(e.ID) || e.Level < -1 || e.Level > 100 || len(e.Name) > maxText || len(e.Maker) > maxText || len(e.Model) > maxText {
				t.Errorf("read %+v", e)
			}
		}
	})
}

func FuzzEvents(f *testing.F) {
	const one = `{"event_id":"e1","event_type":"lock.unlocked","device_id":"d1","created_at":"2026-11-22T12:00:00Z","occurred_at":"2026-11-22T11:59:59Z","method":"keycode","access_code_id":"c1","battery_level":0.5}`
	seeds(f, one, `{"events":[`+one+`,{"event_id":1}]}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		list, count, err := decodeEvents(body)
		if len(list) > count || err != nil && list != nil {
			t.Errorf("%d of %d, %v", len(list), count, err)
		}
		if e, err := decodeEvent(body); err == nil {
			list = append(list, e)
		}
		for _, e := range list {
			if !isID(e.ID) || e.Created.IsZero() || e.Occurred.IsZero() || e.Level < -1 || e.Level > 100 || e.Code != "" && !isID(e.Code) {
				t.Errorf("read %+v", e)
			}
		}
	})
}

func FuzzAnswers(f *testing.F) {
	seeds(f, `{"action_attempt":{"action_attempt_id":"a1","status":"error","error":{"type":"device_offline","message":"x"}}}`,
		`{"access_codes":[{"access_code_id":"c1","device_id":"d1","status":"set","code":"1234"}]}`, `{"error":{"type":"unauthorized"}}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := decodeAttempt(body); err == nil && (!isID(a.ID) || a.Status == "" || a.Why != "" && !isID(a.Why)) {
			t.Errorf("read %+v", a)
		}
		codes, _, _ := decodeCodes(body)
		for _, c := range codes {
			if slot := slotOf(c.ID); !isID(c.ID) || slot < 1 || slot > 65535 {
				t.Errorf("read %+v", c)
			}
		}
		if code := decodeFault(body); code != "" && !isID(code) {
			t.Errorf("read %q", code)
		}
	})
}

func FuzzProgress(f *testing.F) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	seeds(f, `{"begun":"2026-11-22T11:00:00Z","newest":"2026-11-22T11:30:00Z","told":{"e1":"2026-11-22T11:30:00Z"}}`)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, ok := decodeProgress(text, now)
		if ok && (r.told == nil || r.begun.Before(now.Add(-maxAway)) || r.since().After(now.Add(3*time.Minute))) {
			t.Errorf("read %+v", r)
		}
	})
}

// TestEachEventOnce: events that the cloud shows up to a minute late, asked for
// at any time and brought by webhooks in any order and any number, are each
// told once.
func TestEachEventOnce(t *testing.T) {
	base := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		r := &record{begun: base, told: make(map[string]time.Time)}
		type shown struct {
			event
			at time.Time // when the cloud shows it
		}
		var cloud []shown
		told := make(map[string]int)
		now := base
		tell := func(e event) {
			if r.isNew(e) {
				told[e.ID]++
			}
		}
		ask := func() {
			since := r.since()
			var list []event
			for _, e := range cloud {
				if !e.at.After(now) && e.Created.After(since) {
					list = append(list, e.event)
				}
			}
			for _, e := range list {
				tell(e)
			}
			r.asked(list, now)
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 120).Draw(t, "seconds")) * time.Second)
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				e := event{ID: fmt.Sprint("e", len(cloud)), Created: now}
				cloud = append(cloud, shown{e, now.Add(time.Duration(rapid.IntRange(0, 59).Draw(t, "hidden")) * time.Second)})
			case 1:
				ask()
			case 2:
				if len(cloud) > 0 {
					tell(cloud[rapid.IntRange(0, len(cloud)-1).Draw(t, "which")].event)
				}
			}
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				text, err := (&record{begun: r.begun, newest: r.newest, told: r.told}).encode()
				if err != nil {
					t.Fatal(err)
				}
				again, ok := decodeProgress(text, now)
				if !ok {
					t.Fatalf("what was kept cannot be read: %s", text)
				}
				r = again
			}
		}
		now = now.Add(time.Minute)
		ask()
		for _, e := range cloud {
			if told[e.ID] != 1 {
				t.Errorf("%s was told %d times", e.ID, told[e.ID])
			}
		}
	})
}
