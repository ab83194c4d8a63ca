// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeDevices(t *testing.T) {
	list, err := decodeDevices([]byte(`[7, {"ieee_address":"x","friendly_name":"y"}, {"ieee_address":"0x0000000000000001","friendly_name":"a/#"},
		{"ieee_address":"0x0000000000000002","friendly_name":"two","interview_state":"PENDING","definition":{"exposes":[{"type":"binary","name":"contact","property":"contact_l1","endpoint":"l1"}]}}]`))
	want := []deviceEntry{{Address: "0x0000000000000002", Name: "two", Features: []feature{{Name: "contact", Property: "contact_l1", Endpoint: "l1"}}}}
	if diff := cmp.Diff(want, list); diff != "" || err != nil {
		t.Errorf("devices (-want +got):\n%s%v", diff, err)
	}
}

func TestSlots(t *testing.T) {
	s, err := decodeState([]byte(`{"pin_code":{"user":3,"pin_code":"739184"},"users":{"3":{"status":"enabled","pin_code":"739184"},"x":{},"-1":{"status":"enabled"},"03":{}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]slotStatus{3: slotEnabled}, s.slots()); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
	if _, kept := s.fields["pin_code"]; kept {
		t.Error("the PIN was kept")
	}
}

func FuzzDecodeDevices(f *testing.F) {
	f.Add([]byte(listOf("a")))
	f.Add([]byte(`[{"ieee_address":"0x0000000000000001"}]`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		list, err := decodeDevices(payload)
		if err != nil && list != nil {
			t.Error("an error and devices")
		}
		for _, d := range list {
			if !isAddress(d.Address) || strings.ContainsAny(d.Name, "+#") || d.Name == "" {
				t.Errorf("a device that must not be: %+v", d)
			}
			partsOf(d.Features)
		}
	})
}

func FuzzDecodeState(f *testing.F) {
	f.Add([]byte(`{"lock_state":"locked","last_seen":"2026-11-22T00:03:51.548Z","users":{"3":{"status":"enabled"}}}`))
	f.Add([]byte(`{"last_seen":1700000000000,"battery":null}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		s, err := decodeState(payload)
		if err != nil {
			if len(payload) > 8 && strings.Contains(err.Error(), string(payload)) {
				t.Error("the error repeats the payload")
			}
			return
		}
		d := newDevice()
		d.parts = parts{lock: true, state: "state", lockState: "lock_state", contact: "contact", action: "action", source: "action_source_name", user: "action_user", battery: "battery", relock: "auto_relock_time"}
		d.fresh = true
		told, _ := d.hear(s, func() {})
		for _, n := range append(told, d.keptState(s)...) {
			if r := n.Report; r != nil && (r.Level < 0 || r.Level > 100 || r.Slot < 0 || r.Slot > maxSlot || r.Kind == "") {
				t.Errorf("a report that must not be: %+v", r)
			}
		}
	})
}

func FuzzDecodeComplaint(f *testing.F) {
	f.Add([]byte(`{"level":"error","message":"z2m: Publish 'set' 'state' to 'a' failed: 'no ACK'"}`))
	f.Add([]byte(`{"level":"info"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if c, ok := decodeComplaint(payload); ok != (c.Name != "") {
			t.Errorf("%+v, %t", c, ok)
		}
		if online, ok := decodeOnline(payload); online && !ok {
			t.Errorf("online without a word: %q", payload)
		}
	})
}
