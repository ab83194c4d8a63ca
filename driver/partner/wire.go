// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sashlock/sashlock"
)

// The rules of decoding are:
//
//  1. Nothing longer than maxAnswer is looked at, and no more than maxLocks and
//     maxEvents of it. Texts are cut to maxWord characters that can be shown.
//  2. A lock or event that is not as the contract says costs itself only; an
//     answer that is not costs the connection.
//  3. There is no place for names of people or PINs: what an adapter says of them
//     is dropped.
const (
	maxAnswer = 4 << 20
	maxLocks  = 2000
	maxEvents = 1000
	maxSlots  = 1000
	maxWord   = 64
)

// errShape is an answer that is not as the contract says.
var errShape = errors.New("the answer is not as the contract says")

var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)

// lockEntry is a lock as its adapter describes it.
type lockEntry struct {
	ID, Name, Maker, Model, Firmware string
	Abilities                        []sashlock.Capability
	Slots                            int // PIN slots; 0: none
	Online                           bool
	standing
}

// standing is how a lock stands, as it said itself.
type standing struct {
	Bolt  sashlock.EventKind // "": nothing known
	Door  sashlock.EventKind
	Level int // -1: nothing known
}

// listing is an answer to the question for locks.
type listing struct {
	place
	Locks []lockEntry
}

// place is up to where the events were heard.
type place struct {
	Run    uint64 `json:"run"`    // rises when numbers begin anew
	Number uint64 `json:"number"` // of the last event
}

// event is something that happened at a lock.
type event struct {
	Number uint64
	Lock   string
	Kind   sashlock.EventKind
	Method sashlock.Method
	Slot   int
	Level  int
	Order  sashlock.CommandID
	At     time.Time
}

// abilities are the words of the contract for what a lock can do.
var abilities = []struct {
	word string
	can  sashlock.Capability
}{
	{"release", sashlock.CanRelease}, {"unlock", sashlock.CanUnlock}, {"lock", sashlock.CanLock}, {"bolt", sashlock.TellsLock},
	{"jam", sashlock.TellsJam}, {"door", sashlock.TellsPosition}, {"who", sashlock.TellsWho}, {"tamper", sashlock.TellsTamper},
	{"battery", sashlock.TellsBattery}, {"codes", sashlock.HasCodes},
}

// bolts, doors, whats and hows are the other words of the contract.
var (
	bolts = map[string]sashlock.EventKind{"locked": sashlock.LockLocked, "unlocked": sashlock.LockUnlocked, "jammed": sashlock.LockWasJammed, "not_fully_locked": sashlock.LockHalfway}
	doors = map[string]sashlock.EventKind{"open": sashlock.OpeningOpened, "closed": sashlock.OpeningClosed}
	whats = map[string]sashlock.EventKind{
		"locked": sashlock.LockLocked, "unlocked": sashlock.LockUnlocked, "jammed": sashlock.LockWasJammed, "not_fully_locked": sashlock.LockHalfway,
		"opened": sashlock.OpeningOpened, "closed": sashlock.OpeningClosed, "tampered": sashlock.DeviceTampered, "tamper_cleared": sashlock.TamperCleared,
		"battery": sashlock.BatteryReported, "code_refused": sashlock.CodeRefused, "offline": sashlock.DeviceOffline, "online": sashlock.DeviceOnline,
	}
	hows = []sashlock.Method{sashlock.ByKeypad, sashlock.ByCard, sashlock.ByFinger, sashlock.ByHand, sashlock.ByRemote, sashlock.BySelf, sashlock.ByKey, sashlock.ByUnknown}
)

// wireStanding is how a lock stands, on the wire.
type wireStanding struct {
	Bolt    string `json:"bolt"`
	Door    string `json:"door"`
	Battery *int   `json:"battery"`
}

func (w wireStanding) read() standing {
	s := standing{Bolt: bolts[w.Bolt], Door: doors[w.Door], Level: -1}
	if w.Battery != nil && *w.Battery >= 0 && *w.Battery <= 100 {
		s.Level = *w.Battery
	}
	return s
}

func decodeLocks(body []byte) (listing, error) {
	var w struct {
		place
		Locks *[]json.RawMessage `json:"locks"`
	}
	if len(body) > maxAnswer || json.Unmarshal(body, &w) != nil || w.Locks == nil {
		return listing{}, errShape
	}
	if len(*w.Locks) > maxLocks {
		return listing{}, fmt.Errorf("more than %d locks: %w", maxLocks, errShape)
	}
	l := listing{place: w.place}
	for _, text := range *w.Locks {
		if e, ok := decodeLock(text); ok && !slices.ContainsFunc(l.Locks, func(other lockEntry) bool { return other.ID == e.ID }) {
			l.Locks = append(l.Locks, e)
		}
	}
	return l, nil
}

func decodeLock(text []byte) (lockEntry, bool) {
	var w struct {
		wireStanding
		ID        string   `json:"id"`
		Name      string   `json:"name"`
		Maker     string   `json:"maker"`
		Model     string   `json:"model"`
		Firmware  string   `json:"firmware"`
		Abilities []string `json:"abilities"`
		Slots     int      `json:"slots"`
		Online    bool     `json:"online"`
	}
	if json.Unmarshal(text, &w) != nil || !idPattern.MatchString(w.ID) {
		return lockEntry{}, false
	}
	e := lockEntry{
		ID: w.ID, Name: short(w.Name), Maker: short(w.Maker), Model: short(w.Model), Firmware: short(w.Firmware),
		Slots: min(max(w.Slots, 0), maxSlots), Online: w.Online, standing: w.read(),
	}
	for _, a := range abilities {
		if slices.Contains(w.Abilities, a.word) {
			e.Abilities = append(e.Abilities, a.can)
		}
	}
	return e, true
}

// decodeState reads how one lock stands, and whether the lock itself said so just
// now.
func decodeState(body []byte) (s standing, asked bool, err error) {
	var w struct {
		wireStanding
		Asked *bool `json:"asked"`
	}
	if len(body) > maxAnswer || json.Unmarshal(body, &w) != nil || w.Asked == nil {
		return standing{}, false, errShape
	}
	return w.read(), *w.Asked, nil
}

func decodeEvents(body []byte) (run uint64, all []event, err error) {
	var w struct {
		Run    *uint64            `json:"run"`
		Events *[]json.RawMessage `json:"events"`
	}
	if len(body) > maxAnswer || json.Unmarshal(body, &w) != nil || w.Run == nil || w.Events == nil {
		return 0, nil, errShape
	}
	if len(*w.Events) > maxEvents {
		return 0, nil, fmt.Errorf("more than %d events: %w", maxEvents, errShape)
	}
	var last uint64
	for _, text := range *w.Events {
		e, ok := decodeEvent(text)
		if e.Number <= last { // numbers are how we know what was heard
			return 0, nil, errShape
		}
		last = e.Number
		if !ok {
			e = event{Number: e.Number}
		}
		all = append(all, e)
	}
	return *w.Run, all, nil
}

// decodeEvent reads one event; ok is false for one that means nothing to us.
func decodeEvent(text []byte) (e event, ok bool) {
	var number struct {
		Number uint64 `json:"number"`
	}
	if json.Unmarshal(text, &number) != nil {
		return event{}, false
	}
	e.Number = number.Number
	var w struct {
		Lock  string    `json:"lock"`
		What  string    `json:"what"`
		How   string    `json:"how"`
		Slot  int       `json:"slot"`
		Level *int      `json:"level"`
		Order string    `json:"order"`
		At    time.Time `json:"at"`
	}
	if json.Unmarshal(text, &w) != nil || whats[w.What] == "" || !idPattern.MatchString(w.Lock) {
		return e, false
	}
	e.Lock, e.Kind, e.Slot, e.At, e.Level = w.Lock, whats[w.What], min(max(w.Slot, 0), maxSlots), w.At, -1
	if idPattern.MatchString(w.Order) {
		e.Order = sashlock.CommandID(w.Order)
	}
	if how := sashlock.Method(w.How); slices.Contains(hows, how) {
		e.Method = how
	}
	if w.Level != nil && *w.Level >= 0 && *w.Level <= 100 {
		e.Level = *w.Level
	}
	return e, e.Kind != sashlock.BatteryReported || e.Level >= 0
}

// slotEntry is a PIN slot in use.
type slotEntry struct {
	Slot    int  `json:"slot"`
	Enabled bool `json:"enabled"`
}

func decodeSlots(body []byte) ([]slotEntry, error) {
	var w struct {
		Codes *[]slotEntry `json:"codes"`
	}
	if len(body) > maxAnswer || json.Unmarshal(body, &w) != nil || w.Codes == nil || len(*w.Codes) > maxSlots {
		return nil, errShape
	}
	return *w.Codes, nil
}

func decodeBounded(body []byte) (bool, error) {
	var w struct {
		Bounded *bool `json:"bounded"`
	}
	if len(body) > maxAnswer || json.Unmarshal(body, &w) != nil || w.Bounded == nil {
		return false, errShape
	}
	return *w.Bounded, nil
}

// decodeFault returns the contract's word for what went wrong, or "".
func decodeFault(body []byte) fault {
	var w struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &w) != nil || !slices.Contains(faults, fault(w.Error)) {
		return ""
	}
	return fault(w.Error)
}

// short makes a text fit to be shown.
func short(text string) string {
	kept := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if runes := []rune(kept); len(runes) > maxWord {
		kept = string(runes[:maxWord])
	}
	return strings.TrimSpace(kept)
}
