// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
)

// The most that is read of anything somebody else can make longer.
const (
	maxAnswer  = 8 << 20 // bytes of an answer
	maxWebhook = 64 << 10
	maxDevices = 2000
	maxEvents  = 5000
	maxCodes   = 5000
	maxText    = 200
)

// errShape is the error for an answer that was cut off or of an unknown shape.
// It holds nothing of the answer, which may hold a PIN.
var errShape = errors.New("the answer was cut off, or has an unknown shape")

// deviceEntry is a device as the cloud describes it.
type deviceEntry struct {
	ID        string
	Name      string
	Maker     string
	Model     string // Seam's own name for the sort of lock: "august_lock"
	CanUnlock bool
	CanLock   bool
	HasCodes  bool
	Locked    known // whether the bolt is thrown
	Open      known // whether the door is open
	Level     int   // of the battery, in percent; -1: not said
	Online    bool
	Trouble   string // why it cannot be reached, in Seam's word; empty: not said
}

// known is something that is true, false, or not said at all.
type known int

const (
	notSaid known = iota
	isTrue
	isFalse
)

func knownOf(b *bool) known {
	switch {
	case b == nil:
		return notSaid
	case *b:
		return isTrue
	}
	return isFalse
}

// ofUse reports whether such a device is told of at all.
func (e deviceEntry) ofUse() bool {
	return e.CanUnlock || e.CanLock || e.Locked != notSaid || strings.HasSuffix(e.Model, "_lock")
}

type wireDevice struct {
	ID         string `json:"device_id"`
	Type       string `json:"device_type"`
	Nickname   string `json:"nickname"`
	Display    string `json:"display_name"`
	Managed    *bool  `json:"is_managed"`
	CanUnlock  bool   `json:"can_remotely_unlock"`
	CanLock    bool   `json:"can_remotely_lock"`
	HasCodes   bool   `json:"can_program_online_access_codes"`
	Properties struct {
		Name         string   `json:"name"`
		Manufacturer string   `json:"manufacturer"`
		Online       bool     `json:"online"`
		Locked       *bool    `json:"locked"`
		Open         *bool    `json:"door_open"`
		Level        *float64 `json:"battery_level"`
		Battery      *struct {
			Level *float64 `json:"level"`
		} `json:"battery"`
		Model struct {
			Name  string `json:"display_name"`
			Maker string `json:"manufacturer_display_name"`
		} `json:"model"`
	} `json:"properties"`
	Errors []struct {
		Code string `json:"error_code"`
	} `json:"errors"`
}

// decodeDevices reads a page of /devices/list. A device that cannot be read is
// left out. next asks for the following page; empty: there is none.
func decodeDevices(body []byte) (list []deviceEntry, next string, err error) {
	var w struct {
		Devices    []json.RawMessage `json:"devices"`
		Pagination struct {
			More bool   `json:"has_next_page"`
			Next string `json:"next_page_cursor"`
		} `json:"pagination"`
	}
	if json.Unmarshal(body, &w) != nil || w.Devices == nil || len(w.Devices) > maxDevices {
		return nil, "", errShape
	}
	seen := make(map[string]bool)
	for _, raw := range w.Devices {
		if e, ok := readDevice(raw); ok && !seen[e.ID] {
			seen[e.ID] = true
			list = append(list, e)
		}
	}
	if w.Pagination.More {
		next = w.Pagination.Next
	}
	return list, next, nil
}

// decodeDevice reads the answer of /devices/get.
func decodeDevice(body []byte) (deviceEntry, error) {
	var w struct {
		Device json.RawMessage `json:"device"`
	}
	if json.Unmarshal(body, &w) == nil {
		if e, ok := readDevice(w.Device); ok {
			return e, nil
		}
	}
	return deviceEntry{}, errShape
}

func readDevice(raw json.RawMessage) (deviceEntry, bool) {
	var w wireDevice
	if json.Unmarshal(raw, &w) != nil || !isID(w.ID) || w.Managed != nil && !*w.Managed {
		return deviceEntry{}, false
	}
	p := w.Properties
	e := deviceEntry{
		ID: w.ID, Name: first(w.Nickname, p.Name, w.Display),
		Maker: first(p.Model.Maker, p.Manufacturer), Model: first(w.Type, p.Model.Name),
		CanUnlock: w.CanUnlock, CanLock: w.CanLock, HasCodes: w.HasCodes,
		Locked: knownOf(p.Locked), Open: knownOf(p.Open), Level: -1, Online: p.Online,
	}
	if p.Battery != nil && p.Battery.Level != nil {
		e.Level = percent(*p.Battery.Level)
	} else if p.Level != nil {
		e.Level = percent(*p.Level)
	}
	for _, trouble := range w.Errors {
		if unreachable(trouble.Code) {
			e.Online, e.Trouble = false, trouble.Code
		}
	}
	return e, true
}

// unreachable reports whether an error that Seam keeps at a device means that
// the device cannot be spoken to, whatever else is said of it.
func unreachable(code string) bool {
	switch code {
	case "account_disconnected", "hub_disconnected", "device_disconnected", "device_offline", "device_removed",
		"august_lock_missing_bridge", "august_lock_not_authorized", "lockly_missing_wifi_bridge",
		"missing_device_credentials", "subscription_required", "ttlock_lock_not_paired_to_gateway":
		return true
	}
	return false
}

// percent makes percent of a part of one; -1 of what is none.
func percent(part float64) int {
	if !(part >= 0 && part <= 1) {
		return -1
	}
	return int(math.Round(100 * part))
}

// event is one entry of the cloud's own record.
type event struct {
	ID       string
	Type     string // "lock.unlocked"
	Device   string
	Created  time.Time
	Occurred time.Time
	Method   string
	Code     string // the access code's identifier
	Attempt  string // the action attempt's
	Level    int    // of the battery, in percent; -1: not said
}

type wireEvent struct {
	ID       string    `json:"event_id"`
	Type     string    `json:"event_type"`
	Device   string    `json:"device_id"`
	Created  time.Time `json:"created_at"`
	Occurred time.Time `json:"occurred_at"`
	Method   string    `json:"method"`
	Code     string    `json:"access_code_id"`
	Attempt  string    `json:"action_attempt_id"`
	Level    *float64  `json:"battery_level"`
}

// decodeEvents reads the answer of /events/list. An event that cannot be read
// is left out; count is how many there were.
func decodeEvents(body []byte) (list []event, count int, err error) {
	var w struct {
		Events []json.RawMessage `json:"events"`
	}
	if json.Unmarshal(body, &w) != nil || w.Events == nil || len(w.Events) > maxEvents {
		return nil, 0, errShape
	}
	for _, raw := range w.Events {
		if e, err := decodeEvent(raw); err == nil {
			list = append(list, e)
		}
	}
	return list, len(w.Events), nil
}

// decodeEvent reads one event, as a webhook brings it.
func decodeEvent(raw []byte) (event, error) {
	var w wireEvent
	if json.Unmarshal(raw, &w) != nil || !isID(w.ID) || w.Type == "" || w.Created.IsZero() || w.Device != "" && !isID(w.Device) {
		return event{}, errShape
	}
	e := event{
		ID: w.ID, Type: short(w.Type), Device: w.Device, Created: w.Created.UTC(), Occurred: w.Occurred.UTC(),
		Method: short(w.Method), Level: -1,
	}
	if w.Occurred.IsZero() {
		e.Occurred = e.Created
	}
	if isID(w.Code) {
		e.Code = w.Code
	}
	if isID(w.Attempt) {
		e.Attempt = w.Attempt
	}
	if w.Level != nil {
		e.Level = percent(*w.Level)
	}
	return e, nil
}

// attemptStatus is how an action attempt stands.
type attemptStatus string

// The states that Seam names.
const (
	attemptPending attemptStatus = "pending"
	attemptSuccess attemptStatus = "success"
	attemptError   attemptStatus = "error"
)

// attempt is an order as the cloud keeps it.
type attempt struct {
	ID     string
	Status attemptStatus
	Why    string // the kind of error, in Seam's word
}

// decodeAttempt reads an action attempt.
func decodeAttempt(body []byte) (attempt, error) {
	var w struct {
		Attempt struct {
			ID     string        `json:"action_attempt_id"`
			Status attemptStatus `json:"status"`
			Error  *struct {
				Type string `json:"type"`
			} `json:"error"`
		} `json:"action_attempt"`
	}
	a := &w.Attempt
	if json.Unmarshal(body, &w) != nil || !isID(a.ID) || a.Status != attemptPending && a.Status != attemptSuccess && a.Status != attemptError {
		return attempt{}, errShape
	}
	out := attempt{ID: a.ID, Status: a.Status}
	if a.Error != nil && isID(a.Error.Type) {
		out.Why = a.Error.Type
	}
	return out, nil
}

// accessCode is a PIN as the cloud keeps it. There is no place for the PIN, nor
// for whose it is.
type accessCode struct {
	ID     string
	Device string
	Set    bool // it opens the lock now
}

// decodeCodes reads a page of /access_codes/list or of its unmanaged twin.
func decodeCodes(body []byte) (list []accessCode, next string, err error) {
	var w struct {
		Codes []struct {
			ID     string `json:"access_code_id"`
			Device string `json:"device_id"`
			Status string `json:"status"`
		} `json:"access_codes"`
		Pagination struct {
			More bool   `json:"has_next_page"`
			Next string `json:"next_page_cursor"`
		} `json:"pagination"`
	}
	if json.Unmarshal(body, &w) != nil || w.Codes == nil || len(w.Codes) > maxCodes {
		return nil, "", errShape
	}
	for _, c := range w.Codes {
		if isID(c.ID) {
			list = append(list, accessCode{ID: c.ID, Device: c.Device, Set: c.Status == "set"})
		}
	}
	if w.Pagination.More {
		next = w.Pagination.Next
	}
	return list, next, nil
}

// decodeFault reads the kind of error in a refusal: "device_not_found".
func decodeFault(body []byte) string {
	var w struct {
		Error struct {
			Type string `json:"type"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &w) != nil || !isID(w.Error.Type) {
		return ""
	}
	return w.Error.Type
}

// isID reports whether a text is an identifier: short, of letters, digits, dots,
// hyphens and underscores.
func isID(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

func first(texts ...string) string {
	for _, s := range texts {
		if s = short(s); s != "" {
			return s
		}
	}
	return ""
}

func short(s string) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}
