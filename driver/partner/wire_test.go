// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
)

var update = flag.Bool("update", false, "write the transcript anew")

// examples returns the JSON of CONTRACT.md, by the heading it stands under.
func examples(t *testing.T) map[string][][]byte {
	t.Helper()
	text, err := os.ReadFile("CONTRACT.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][][]byte{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		heading, _, _ := strings.Cut(section, "\n")
		for _, m := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(section, -1) {
			all[heading] = append(all[heading], []byte(m[1]))
		}
	}
	return all
}

// TestContract: what CONTRACT.md shows is what is read and written here.
func TestContract(t *testing.T) {
	all := examples(t)
	l, err := decodeLocks(all["The locks"][0])
	want := listing{place{1, 42}, []lockEntry{{
		ID: "front", Name: "Front door", Maker: "Acme", Model: "A1", Firmware: "1.2", Slots: 10, Online: true, Abilities: l.Locks[0].Abilities,
		standing: standing{sashlock.LockLocked, sashlock.OpeningClosed, 87},
	}}}
	if diff := cmp.Diff(want, l, cmp.AllowUnexported(listing{}, lockEntry{}, standing{})); diff != "" || err != nil || len(l.Locks[0].Abilities) != len(abilities) {
		t.Errorf("locks: %v\n%s", err, diff)
	}
	now, asked, err := decodeState(all["How a lock stands"][0])
	if now != want.Locks[0].standing || !asked || err != nil {
		t.Errorf("state: %+v, %t, %v", now, asked, err)
	}
	run, events, err := decodeEvents(all["Events"][0])
	if err != nil || run != 1 || len(events) != 3 || events[0].Order == "" || events[1].Slot != 3 || events[1].Method != sashlock.ByKeypad || events[2].Level != 41 {
		t.Errorf("events: %d, %+v, %v", run, events, err)
	}
	slots, err := decodeSlots(all["PIN slots"][0])
	if err != nil || len(slots) != 1 || slots[0] != (slotEntry{3, true}) {
		t.Errorf("slots: %+v, %v", slots, err)
	}
	if bounded, err := decodeBounded(all["PIN slots"][2]); bounded || err != nil {
		t.Errorf("bounded: %t, %v", bounded, err)
	}
	if word := decodeFault(all["What goes wrong"][0]); word != unreached {
		t.Errorf("fault: %q", word)
	}
	for name, into := range map[string]any{"An order": &orderBody{}, "PIN slots": &codeBody{}} {
		example := all[name][0]
		if name == "PIN slots" {
			example = all[name][1]
		}
		d := json.NewDecoder(bytes.NewReader(example))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		again, _ := json.Marshal(into)
		var flat bytes.Buffer
		if err := json.Compact(&flat, example); err != nil || flat.String() != strings.Replace(string(again), "09.5Z", "09.500Z", 1) {
			t.Errorf("%s is written\n%s, not\n%s", name, again, flat.String())
		}
	}
	text, err := os.ReadFile("CONTRACT.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range faults {
		if !strings.Contains(string(text), "| `"+string(word)+"` |") || said[word].why == "" {
			t.Errorf("%s is not explained", word)
		}
	}
	for what := range whats {
		if !strings.Contains(string(text), "`"+what+"`") {
			t.Errorf("the event %s is not in the contract", what)
		}
	}
}

// TestDecodeRefuses: an answer that is not as the contract says ends the link; a
// lock or an event that is not costs itself.
func TestDecodeRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `{"locks": 7}`, `{"locks": [` + strings.Repeat(`{},`, maxLocks) + `{}]}`} {
		if _, err := decodeLocks([]byte(text)); err == nil {
			t.Errorf("taken as locks: %.60s", text)
		}
	}
	l, err := decodeLocks([]byte(`{"locks": [7, {"id": "../etc"}, {"id": "a", "name": "A\u0000 \u202e` + strings.Repeat("x", 100) + `", "slots": -5, "battery": 300, "bolt": "ajar", "code": "` + testPIN + `"}, {"id": "a"}]}`))
	if err != nil || len(l.Locks) != 1 || len(l.Locks[0].Name) > maxWord || l.Locks[0].Slots != 0 || l.Locks[0].Level != -1 || l.Locks[0].Bolt != "" || strings.Contains(fmt.Sprintf("%+v", l), testPIN) {
		t.Errorf("%+v, %v", l, err)
	}
	for _, text := range []string{`{"run": 1}`, `{"events": []}`, `{"run": 1, "events": [{"number": 2}, {"number": 2}]}`, `{"run": 1, "events": [{}]}`, `{"run": 1, "events": [7]}`} {
		if _, _, err := decodeEvents([]byte(text)); err == nil {
			t.Errorf("taken as events: %s", text)
		}
	}
	_, events, err := decodeEvents([]byte(`{"run": 1, "events": [{"number": 1, "lock": "a", "what": "sung"}, {"number": 2, "lock": "a", "what": "battery"}, {"number": 3, "lock": "a", "what": "locked", "order": "a b", "how": "magic", "at": "2026-11-22T10:00:00Z"}]}`))
	if err != nil || len(events) != 3 || events[0].Kind != "" || events[1].Kind != "" || events[2].Kind != sashlock.LockLocked || events[2].Order != "" || events[2].Method != "" {
		t.Errorf("%+v, %v", events, err)
	}
	if decodeFault([]byte(`{"error": "the PIN 739184 is taken"}`)) != "" {
		t.Error("an adapter's own words were taken over")
	}
}

// TestTranscript holds what goes over the line to testdata/contract.txt: one line
// asked, one answered, with times and moments made the same.
func TestTranscript(t *testing.T) {
	f := newFake(t)
	var lines []string
	f.heard = func(method, path, question string, status int, answer string) {
		lines = append(lines, strings.TrimSpace("> "+method+" "+path+" "+question), fmt.Sprintf("< %d %s", status, answer))
	}
	s := &session{config: Config{URL: f.server.URL, KeyFile: f.keyFile}, pace: usualPace()}
	s.client = newClient(s.config, s.pace)
	defer s.client.close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s.pace.poll = time.Second
	ask := func(method, path string, body any) { _, _ = s.client.ask(ctx, method, "/v1/locks/"+path, body) }
	order := func(id sashlock.CommandID, do sashlock.Verb, ends time.Duration) orderBody {
		return orderBody{Order: id, Do: do, Expires: time.Now().Add(ends).UTC(), Within: 9000}
	}
	if _, err := s.list(ctx); err != nil {
		t.Fatal(err)
	}
	ask("POST", "front/orders", order("act_1", sashlock.DoUnlock, time.Minute))
	ask("POST", "front/orders", order("act_1", sashlock.DoUnlock, time.Minute))
	ask("POST", "front/orders", order("act_2", sashlock.DoUnlock, -time.Second))
	_, _, err := s.events(ctx, place{Run: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, _, _ = s.events(ctx, place{Run: 9})
	ask("GET", "front/state", nil)
	ask("PUT", "front/codes/5", codeBody{PIN: "0000", Enabled: true, Fresh: true})
	ask("PUT", "front/codes/5", codeBody{PIN: "0000", Enabled: true, Fresh: true})
	ask("GET", "front/codes", nil)
	ask("DELETE", "front/codes/5", nil)
	ask("DELETE", "front/codes/77", nil)
	ask("GET", "cellar/state", nil)
	_ = f.do(func() { f.locks["front"].offline, f.locks["back"].jammed, f.locks["back"].fussy = true, true, true })
	ask("GET", "front/state", nil)
	ask("POST", "back/orders", order("act_3", sashlock.DoUnlock, time.Minute))
	ask("PUT", "back/codes/5", codeBody{PIN: "0000", Enabled: true})
	got := regexp.MustCompile(`20\d\d-[0-9T:.-]+Z`).ReplaceAllString(strings.Join(lines, "\n"), "2026-11-22T10:00:00Z") + "\n"
	if strings.Contains(got, testKey) || strings.Contains(got, testPIN) {
		t.Error("the transcript holds the key or a PIN")
	}
	if *update {
		if err := os.WriteFile("testdata/contract.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/contract.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzDecode: no answer breaks a decoder, and nothing that is handed on is longer
// than it may be.
func FuzzDecode(f *testing.F) {
	if text, err := os.ReadFile("testdata/contract.txt"); err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			if answer, ok := strings.CutPrefix(line, "< "); ok {
				f.Add([]byte(answer[4:]))
			}
		}
	}
	f.Add([]byte(`{"run":1,"events":[{"number":1,"lock":"a","what":"battery","level":-1}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		l, _ := decodeLocks(body)
		for _, e := range l.Locks {
			if !idPattern.MatchString(e.ID) || len([]rune(e.Name)) > maxWord || e.Level > 100 || e.Slots > maxSlots {
				t.Errorf("%+v", e)
			}
		}
		_, events, _ := decodeEvents(body)
		for _, e := range events {
			if e.Kind != "" && !idPattern.MatchString(e.Lock) || e.Kind == sashlock.BatteryReported && (e.Level < 0 || e.Level > 100) {
				t.Errorf("%+v", e)
			}
		}
		_, _, _ = decodeState(body)
		_, _ = decodeSlots(body)
		_, _ = decodeBounded(body)
		decodeFault(body)
	})
}
