// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The most that is read of anything somebody else can make longer.
const (
	maxDevices  = 2000
	maxDepth    = 4 // of features in features
	maxText     = 200
	maxStateLen = 256 << 10
)

// deviceEntry is a device in the list that Zigbee2MQTT publishes.
type deviceEntry struct {
	Address  string
	Name     string // the friendly name: a part of its topics
	Maker    string
	Model    string
	Firmware string
	Battery  bool // it runs on one, so it may sleep
	Ready    bool // known, interviewed and not disabled
	Features []feature
}

// feature is one thing a device exposes.
type feature struct {
	Lock     bool   // it belongs to a lock
	Name     string // what it means: "contact"
	Property string // where it stands in the payload: "contact_l1"
	Endpoint string
}

type wireDevice struct {
	Address    string `json:"ieee_address"`
	Type       string `json:"type"`
	Supported  bool   `json:"supported"`
	Disabled   bool   `json:"disabled"`
	Name       string `json:"friendly_name"`
	Done       *bool  `json:"interview_completed"`
	State      string `json:"interview_state"`
	Build      string `json:"software_build_id"`
	Power      string `json:"power_source"`
	Definition *struct {
		Model   string          `json:"model"`
		Vendor  string          `json:"vendor"`
		Exposes json.RawMessage `json:"exposes"`
	} `json:"definition"`
}

type wireExpose struct {
	Type     string       `json:"type"`
	Name     string       `json:"name"`
	Property string       `json:"property"`
	Endpoint string       `json:"endpoint"`
	Features []wireExpose `json:"features"`
}

// decodeDevices reads bridge/devices. A device that cannot be read is left out.
func decodeDevices(payload []byte) ([]deviceEntry, error) {
	var all []json.RawMessage
	if err := json.Unmarshal(payload, &all); err != nil {
		return nil, garbled("bridge/devices")
	}
	if len(all) > maxDevices {
		return nil, fmt.Errorf("reading bridge/devices: more than %d devices", maxDevices)
	}
	var list []deviceEntry
	seen := make(map[string]bool)
	for _, one := range all {
		var w wireDevice
		if json.Unmarshal(one, &w) != nil || !isAddress(w.Address) || !isName(w.Name) || seen[w.Address] || seen[" "+w.Name] {
			continue
		}
		seen[w.Address], seen[" "+w.Name] = true, true
		if w.Type == "Coordinator" {
			continue
		}
		d := deviceEntry{
			Address: w.Address, Name: w.Name, Firmware: short(w.Build), Battery: w.Power == "Battery",
			Ready: !w.Disabled && w.Definition != nil && (w.State == "" || w.State == "SUCCESSFUL") && (w.Done == nil || *w.Done),
		}
		if w.Definition != nil {
			d.Maker, d.Model = short(w.Definition.Vendor), short(w.Definition.Model)
			var exposes []wireExpose
			if json.Unmarshal(w.Definition.Exposes, &exposes) == nil {
				d.Features = features(nil, exposes, false, 0)
			}
		}
		list = append(list, d)
	}
	return list, nil
}

// garbled is the error for a payload of an unknown shape. It holds nothing of
// the payload, which may hold a PIN.
func garbled(what string) error { return errors.New("reading " + what + ": it has an unknown shape") }

func features(into []feature, exposes []wireExpose, lock bool, depth int) []feature {
	if depth > maxDepth {
		return into
	}
	for _, e := range exposes {
		isLock := lock || e.Type == "lock"
		if e.Property != "" && len(into) < maxDevices {
			into = append(into, feature{Lock: isLock, Name: e.Name, Property: e.Property, Endpoint: e.Endpoint})
		}
		into = features(into, e.Features, isLock, depth+1)
	}
	return into
}

// isAddress reports whether a text is an IEEE address: 0x and 16 digits.
func isAddress(s string) bool {
	if len(s) != 18 || !strings.HasPrefix(s, "0x") {
		return false
	}
	_, err := strconv.ParseUint(s[2:], 16, 64)
	return err == nil
}

// isName reports whether a friendly name can be part of a topic.
func isName(s string) bool {
	return s != "" && len(s) <= maxText && !strings.ContainsAny(s, "+#\x00") && s != "bridge" && !strings.HasPrefix(s, "bridge/")
}

func short(s string) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// state is what is taken from a device's payload. There is no place for a PIN.
type state struct {
	Seen   time.Time // last_seen: when the radio last heard the device; zero: not said
	fields map[string]json.RawMessage
}

// decodeState opens a device's payload.
func decodeState(payload []byte) (state, error) {
	var s state
	if len(payload) > maxStateLen || json.Unmarshal(payload, &s.fields) != nil || s.fields == nil {
		return state{}, garbled("the state of a device")
	}
	for key := range s.fields {
		if strings.HasPrefix(key, "pin_code") {
			delete(s.fields, key)
		}
	}
	raw := s.fields["last_seen"]
	var text string
	var number float64
	switch {
	case json.Unmarshal(raw, &text) == nil && text != "":
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			s.Seen = at
		}
	case json.Unmarshal(raw, &number) == nil && number > 0 && number < 1e14:
		s.Seen = time.UnixMilli(int64(number))
	}
	s.Seen = s.Seen.UTC()
	return s, nil
}

// word returns a property that is text.
func (s state) word(property string) (string, bool) {
	var v *string
	if json.Unmarshal(s.fields[property], &v) != nil || v == nil {
		return "", false
	}
	return *v, *v != ""
}

// flag returns a property that is true or false.
func (s state) flag(property string) (value, ok bool) {
	var v *bool
	if json.Unmarshal(s.fields[property], &v) != nil || v == nil {
		return false, false
	}
	return *v, true
}

// number returns a property that is a number, without what follows the point.
func (s state) number(property string) (int, bool) {
	var v *float64
	if json.Unmarshal(s.fields[property], &v) != nil || v == nil || *v < -1e9 || *v > 1e9 {
		return 0, false
	}
	return int(*v), true
}

// slotStatus is how a PIN slot stands.
type slotStatus string

// The states of a slot that Zigbee2MQTT names; others begin with
// "not_supported".
const (
	slotFree     slotStatus = "available"
	slotEnabled  slotStatus = "enabled"
	slotDisabled slotStatus = "disabled"
)

// slots returns the PIN slots that the payload speaks of.
func (s state) slots() map[int]slotStatus {
	var users map[string]struct {
		Status slotStatus `json:"status"`
	}
	if json.Unmarshal(s.fields["users"], &users) != nil {
		return nil
	}
	known := make(map[int]slotStatus)
	for key, user := range users {
		if n, err := strconv.Atoi(key); err == nil && n >= 0 && n <= maxSlot && strconv.Itoa(n) == key {
			known[n] = user.Status
		}
	}
	return known
}

// decodeOnline reads bridge/state or a device's availability: an object, or in
// older versions the word alone.
func decodeOnline(payload []byte) (online, ok bool) {
	if len(payload) > maxText {
		return false, false
	}
	word := string(payload)
	var w struct {
		State string `json:"state"`
	}
	if json.Unmarshal(payload, &w) == nil {
		word = w.State
	}
	return word == "online", word == "online" || word == "offline"
}

// complaint is an error that Zigbee2MQTT wrote about something it was asked for.
type complaint struct {
	Name   string // the device's friendly name
	Set    bool   // it was an order; otherwise a question
	Key    string // "state"
	Silent bool   // the device did not answer; otherwise it would not
}

// decodeComplaint reads bridge/logging. Only what can be acted on is taken; the
// text itself goes no further, for it repeats what it was asked for.
func decodeComplaint(payload []byte) (c complaint, ok bool) {
	var w struct {
		Level   string `json:"level"`
		Message string `json:"message"`
	}
	if len(payload) > maxStateLen || json.Unmarshal(payload, &w) != nil || w.Level != "error" {
		return complaint{}, false
	}
	// "z2m: Publish 'set' 'state' to 'case 3' failed: '…'"
	_, rest, ok := strings.Cut(w.Message, "Publish '")
	if !ok {
		return complaint{}, false
	}
	what, rest, ok1 := strings.Cut(rest, "' '")
	key, rest, ok2 := strings.Cut(rest, "' to '")
	name, why, ok3 := strings.Cut(rest, "' failed: ")
	if !ok1 || !ok2 || !ok3 || what != "set" && what != "get" || !isName(name) {
		return complaint{}, false
	}
	c = complaint{Name: name, Set: what == "set", Key: short(key)}
	lower := strings.ToLower(why)
	for _, sign := range []string{"no ack", "delivery failed", "timeout", "timed out", "no route", "no_network_route", "no network route", "data request failed", "not connected"} {
		c.Silent = c.Silent || strings.Contains(lower, sign)
	}
	return c, true
}
