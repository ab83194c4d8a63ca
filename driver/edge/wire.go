// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// The scheme is:
//
//	sashlock/1/<site>/<address>/meta    device  what it is, after each connect       Meta
//	                           /state   device  how it stands, after that and on ask State
//	                           /event   device  what happened                        Event
//	                           /ack     device  what it makes of a command           Ack
//	                           /lwt     device  its last will; what it says is not looked at
//	                           /csr     device  a certificate request, in PEM
//	                           /cmd     house   a signed command, as driver.SignCommand writes it
//	                           /ask     house   a question                           Ask
//	                           /cert    house   the answer to a request              Enrolled
//
// All but commands and certificate requests are JSON objects; fields that are
// not known are passed over. Times are those of RFC 3339.

// maxMessage is the longest message that is looked at.
const maxMessage = 8 << 10

// Topic returns the topic of a device's message of a sort: "event".
func Topic(site, address, sort string) string {
	return "sashlock/1/" + site + "/" + address + "/" + sort
}

// Meta is what a device is.
type Meta struct {
	Name         string                `json:"name,omitempty"`
	Maker        string                `json:"maker"`
	Model        string                `json:"model"`
	Firmware     string                `json:"firmware,omitempty"`
	Capabilities []sashlock.Capability `json:"capabilities"`
	Asleep       bool                  `json:"asleep,omitempty"`
}

// State is how a device stands. What it cannot tell is left out.
type State struct {
	Time     time.Time `json:"ts,omitzero"`
	Lock     string    `json:"lock,omitempty"`     // locked, unlocked, unlatched, jammed, not_fully_locked
	Position string    `json:"position,omitempty"` // open, closed
	Tamper   *bool     `json:"tamper,omitempty"`
	Presence *bool     `json:"presence,omitempty"`
	Battery  *int      `json:"battery,omitempty"` // percent
}

// Event is something that happened. Boot and Seq say which of the device's
// messages it is: Boot grows with each restart, Seq with each event within it.
type Event struct {
	Boot    uint64             `json:"boot,omitempty"`
	Seq     uint64             `json:"seq,omitempty"`
	Time    time.Time          `json:"ts,omitzero"`
	Kind    sashlock.EventKind `json:"kind"`
	Method  sashlock.Method    `json:"method,omitempty"`
	Slot    int                `json:"slot,omitempty"`
	Level   *int               `json:"level,omitempty"`   // of a battery, percent
	Command sashlock.CommandID `json:"command,omitempty"` // the command it answers
}

// Ack is what a device makes of a command.
type Ack struct {
	Command sashlock.CommandID `json:"command"`
	Result  string             `json:"result"`           // accepted, done, refused, expired
	Reason  sashlock.Reason    `json:"reason,omitempty"` // why not
}

// The results of an Ack.
const (
	Accepted = "accepted"
	Done     = "done"
	Refused  = "refused"
	Expired  = "expired"
)

// Ask is a question to a device. The answer to "state" is its State.
type Ask struct {
	Ask string `json:"ask"`
}

// Enrolled is what a device gets that has enrolled, or why it has not.
type Enrolled struct {
	Certificate string `json:"certificate,omitempty"` // PEM
	Authority   string `json:"authority,omitempty"`   // PEM
	CommandKey  []byte `json:"command_key,omitempty"` // Ed25519, 32 bytes
	Error       string `json:"error,omitempty"`
}

// decode reads a message of a device.
func decode(payload []byte, into any) error {
	switch {
	case len(payload) > maxMessage:
		return fmt.Errorf("it is longer than %d bytes", maxMessage)
	case !utf8.Valid(payload):
		return errors.New("it is not well-formed UTF-8")
	}
	return json.Unmarshal(payload, into)
}

// discovery is a device as it announces itself.
func (m Meta) discovery(address string, clear bool) (driver.Discovery, error) {
	d := driver.Discovery{
		Address: address, Name: m.Name, Maker: m.Maker, Model: m.Model, Firmware: m.Firmware, Asleep: m.Asleep,
		Security: "TLS 1.3 with a certificate of the house", Capabilities: []sashlock.Capability{sashlock.Supervised},
	}
	if clear {
		d.Security, d.Weak = "none", "Anybody on this machine can read what it says and speak in its name: this is for trying out only."
	} else {
		d.Capabilities = append(d.Capabilities, sashlock.SecureLink)
	}
	for _, s := range []string{m.Name, m.Maker, m.Model, m.Firmware} {
		if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
			return d, errors.New("a name is longer than 64 bytes or has control characters")
		}
	}
	for _, c := range m.Capabilities {
		switch c {
		case sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam,
			sashlock.TellsPosition, sashlock.TellsWho, sashlock.TellsTamper, sashlock.TellsPresence, sashlock.TellsBattery:
			if !(sashlock.Device{Capabilities: d.Capabilities}).Has(c) {
				d.Capabilities = append(d.Capabilities, c)
			}
		}
	}
	return d, nil
}

// reports are what a state says, as reports. They carry no number: they are no
// news.
func (s State) reports(address string) ([]driver.Report, error) {
	var all []driver.Report
	add := func(kind sashlock.EventKind, level int) {
		all = append(all, driver.Report{Address: address, Kind: kind, At: s.Time, Level: level, State: true})
	}
	locks := map[string]sashlock.EventKind{
		"locked": sashlock.LockLocked, "unlocked": sashlock.LockUnlocked, "unlatched": sashlock.LockUnlatched, "jammed": sashlock.LockWasJammed,
		"not_fully_locked": sashlock.LockHalfway,
	}
	positions := map[string]sashlock.EventKind{"open": sashlock.OpeningOpened, "closed": sashlock.OpeningClosed}
	if kind, ok := locks[s.Lock]; ok {
		add(kind, 0)
	} else if s.Lock != "" {
		return nil, errors.New("no lock stands so")
	}
	if kind, ok := positions[s.Position]; ok {
		add(kind, 0)
	} else if s.Position != "" {
		return nil, errors.New("no opening stands so")
	}
	either := func(is *bool, yes, no sashlock.EventKind) {
		switch {
		case is == nil:
		case *is:
			add(yes, 0)
		default:
			add(no, 0)
		}
	}
	either(s.Presence, sashlock.PresenceSeen, sashlock.PresenceLost)
	either(s.Tamper, sashlock.DeviceTampered, sashlock.TamperCleared)
	if s.Battery != nil {
		if *s.Battery < 0 || *s.Battery > 100 {
			return nil, errors.New("no battery is so full")
		}
		add(sashlock.BatteryReported, *s.Battery)
	}
	return all, nil
}

// report is an event as a report.
func (e Event) report(address string) (driver.Report, error) {
	r := driver.Report{
		Address: address, Kind: e.Kind, Boot: e.Boot, Number: e.Seq, At: e.Time, Method: e.Method, Slot: e.Slot, Command: e.Command,
	}
	if e.Level != nil {
		r.Level = *e.Level
	}
	switch e.Kind {
	case sashlock.LockLocked, sashlock.LockUnlocked, sashlock.LockUnlatched, sashlock.LockWasJammed, sashlock.LockHalfway, sashlock.CodeRefused,
		sashlock.OpeningOpened, sashlock.OpeningClosed, sashlock.DeviceTampered, sashlock.TamperCleared,
		sashlock.BatteryReported, sashlock.PresenceSeen, sashlock.PresenceLost:
	default:
		return r, errors.New("no device of ours reports this")
	}
	switch e.Method {
	case "", sashlock.ByKeypad, sashlock.ByCard, sashlock.ByFinger, sashlock.ByHand, sashlock.ByRemote, sashlock.BySelf, sashlock.ByKey, sashlock.ByUnknown:
	default:
		return r, errors.New("there is no such method")
	}
	switch {
	case e.Kind == sashlock.BatteryReported && e.Level == nil:
		return r, errors.New("how full is the battery?") // not a word of it is not the same as empty
	case e.Slot < 0 || e.Slot > 1<<16 || r.Level < 0 || r.Level > 100:
		return r, errors.New("the slot or the level is impossible")
	case e.Boot > 1<<62 || e.Seq > 1<<62:
		return r, errors.New("the number is impossible")
	case !goodCommand(e.Command):
		return r, errors.New("that is no command")
	}
	return r, nil
}

// goodCommand keeps out what is no identifier; none is fine.
func goodCommand(id sashlock.CommandID) bool {
	return len(id) <= 40 && strings.Trim(string(id), "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
