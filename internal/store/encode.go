// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
)

// The rules of this file are:
//   - it writes byte for byte what encoding/json writes, only faster; a test
//     compares the two over every field
//   - whatever is rare (escapes, checks, data) is left to encoding/json

// fields writes the members of a JSON object.
type fields struct {
	b   []byte
	err error
}

// name writes `"name":`, with a comma before all but the first.
func (f *fields) name(name string) {
	if f.b[len(f.b)-1] != '{' {
		f.b = append(f.b, ',')
	}
	f.b = append(f.b, '"')
	f.b = append(f.b, name...)
	f.b = append(f.b, '"', ':')
}

func (f *fields) int(name string, v int64) {
	if v != 0 {
		f.name(name)
		f.b = strconv.AppendInt(f.b, v, 10)
	}
}

func (f *fields) uint(name string, v uint64) {
	if v != 0 {
		f.name(name)
		f.b = strconv.AppendUint(f.b, v, 10)
	}
}

func (f *fields) bool(name string, v bool) {
	if v {
		f.name(name)
		f.b = append(f.b, "true"...)
	}
}

func (f *fields) text(name, v string) {
	if v != "" {
		f.name(name)
		f.quote(v)
	}
}

// quote writes a string. Plain ones are copied; the others go the long way.
func (f *fields) quote(v string) {
	for i := range len(v) {
		if c := v[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			f.value(v)
			return
		}
	}
	f.b = append(f.b, '"')
	f.b = append(f.b, v...)
	f.b = append(f.b, '"')
}

func (f *fields) time(name string, v time.Time) {
	if !v.IsZero() {
		f.name(name)
		f.at(v)
	}
}

// at writes a time as time.Time.MarshalJSON does.
func (f *fields) at(v time.Time) {
	if unix := v.Unix(); unix >= firstFast && unix < lastFast && v.Location() == time.UTC {
		f.b = append(f.b, '"')
		f.b = appendTime(f.b, unix, v.Nanosecond())
		f.b = append(f.b, '"')
		return
	}
	f.value(v)
}

// The years that appendTime is made for are 1970 to 9999, in seconds.
const (
	firstFast = 0
	lastFast  = 253402300800
)

// appendTime writes a time in UTC as time.RFC3339Nano, in a fraction of the time
// that package time takes: two times stand in every event and every state. The
// year is taken to begin in March, so that the leap day comes last.
func appendTime(b []byte, unix int64, nanos int) []byte {
	const daysBefore1970 = 719468 // since 1 March of the year 0
	const era = 146097            // days in 400 years
	days := uint64(unix/86400) + daysBefore1970
	seconds := uint64(unix % 86400)
	inEra := days % era
	year := (inEra - inEra/1460 + inEra/36524 - inEra/146096) / 365
	inYear := inEra - (365*year + year/4 - year/100)
	march := (5*inYear + 2) / 153 // months since March
	day := inYear - (153*march+2)/5 + 1
	month := march + 3
	year += days / era * 400
	if month > 12 {
		month -= 12
		year++
	}
	b = appendPair(appendPair(b, year/100), year%100)
	b = appendPair(append(b, '-'), month)
	b = appendPair(append(b, '-'), day)
	b = appendPair(append(b, 'T'), seconds/3600)
	b = appendPair(append(b, ':'), seconds/60%60)
	b = appendPair(append(b, ':'), seconds%60)
	return append(appendFraction(b, nanos), 'Z')
}

// appendPair writes a number below 100 in two digits.
func appendPair(b []byte, n uint64) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// appendFraction writes the fraction of a second without its last zeros.
func appendFraction(b []byte, nanos int) []byte {
	if nanos == 0 {
		return b
	}
	digits := [10]byte{'.'}
	for i := 9; i > 0; i-- {
		digits[i] = byte('0' + nanos%10)
		nanos /= 10
	}
	last := 9
	for digits[last] == '0' {
		last--
	}
	return append(b, digits[:last+1]...)
}

// value writes anything by encoding/json.
func (f *fields) value(v any) {
	text, err := json.Marshal(v)
	if err != nil && f.err == nil {
		f.err = err
	}
	f.b = append(f.b, text...)
}

// end closes the object.
func (f *fields) end(what string) ([]byte, error) {
	if f.err != nil {
		return nil, fmt.Errorf("encoding %s: %w", what, f.err)
	}
	return append(f.b, '}'), nil
}

// AppendEvent appends to dst the JSON of an event, as encoding/json writes it:
// the bytes that the ledger commits to. It fails if Data is no JSON or a time
// is beyond the year 9999.
func AppendEvent(dst []byte, e *sashlock.Event) ([]byte, error) {
	f := fields{b: append(dst, `{"seq":`...)}
	f.b = strconv.AppendInt(f.b, e.Seq, 10)
	f.name("kind")
	f.quote(string(e.Kind))
	f.name("heard")
	f.at(e.Heard)
	f.time("at", e.At)
	f.text("site", string(e.Site))
	f.text("opening", string(e.Opening))
	f.text("device", string(e.Device))
	f.text("person", string(e.Person))
	f.text("operator", string(e.Operator))
	f.text("grant", string(e.Grant))
	f.text("decision", string(e.Decision))
	f.text("command", string(e.Command))
	f.text("alarm", string(e.Alarm))
	f.text("rule", e.Rule)
	f.text("method", string(e.Method))
	f.int("slot", int64(e.Slot))
	f.text("credential", string(e.Credential))
	f.text("second", string(e.Second))
	f.text("side", string(e.Side))
	f.int("level", int64(e.Level))
	f.uint("boot", e.Boot)
	f.uint("number", e.Number)
	f.text("reason", string(e.Reason))
	f.text("why", e.Why)
	f.text("subject", e.Subject)
	if len(e.Checks) > 0 {
		f.name("checks")
		f.value(e.Checks)
	}
	if len(e.Data) > 0 {
		f.name("data")
		f.value(e.Data)
	}
	return f.end("an event")
}

// AppendState appends to dst the JSON of the state of an opening, as
// encoding/json writes it.
func AppendState(dst []byte, s *sashlock.OpeningState) ([]byte, error) {
	f := fields{b: append(dst, `{"opening":`...)}
	f.quote(string(s.Opening))
	f.text("lock", string(s.Lock))
	f.time("lock_at", s.LockAt)
	f.text("position", string(s.Position))
	f.time("position_at", s.PositionAt)
	f.text("mode", string(s.Mode))
	f.time("heard", s.Heard)
	f.bool("offline", s.Offline)
	f.bool("tampered", s.Tampered)
	f.bool("forced", s.Forced)
	f.time("presence", s.Presence)
	f.bool("present", s.Present)
	if s.Release != nil {
		f.name("release")
		f.value(s.Release)
	}
	if len(s.Orders) > 0 {
		f.name("orders")
		f.value(s.Orders)
	}
	if s.Waiting != nil {
		f.name("waiting")
		f.value(s.Waiting)
	}
	f.time("duress", s.Duress)
	f.time("relock", s.Relock)
	f.int("retold", int64(s.Retold))
	f.time("revoking", s.Revoking)
	if len(s.Downgraded) > 0 {
		f.name("downgraded")
		f.value(s.Downgraded)
	}
	if len(s.LowBattery) > 0 {
		f.name("low_battery")
		f.value(s.LowBattery)
	}
	if len(s.Alarms) > 0 {
		f.name("alarms")
		f.value(s.Alarms)
	}
	if len(s.Numbers) > 0 {
		f.name("numbers")
		f.numbers(s.Numbers)
	}
	return f.end("a state")
}

// numbers writes which reports of each device were seen: it changes with every
// report.
func (f *fields) numbers(all map[sashlock.DeviceID]sashlock.Numbers) {
	f.b = append(f.b, '{')
	if len(all) == 1 {
		for id, n := range all {
			f.number(id, &n)
		}
	} else {
		for _, id := range slices.Sorted(maps.Keys(all)) {
			n := all[id]
			f.number(id, &n)
		}
	}
	f.b = append(f.b, '}')
}

func (f *fields) number(id sashlock.DeviceID, n *sashlock.Numbers) {
	if f.b[len(f.b)-1] != '{' {
		f.b = append(f.b, ',')
	}
	f.quote(string(id))
	f.b = append(f.b, ':', '{')
	f.uint("boot", n.Boot)
	f.name("high")
	f.b = strconv.AppendUint(f.b, n.High, 10)
	f.name("window")
	f.b = append(f.b, '[')
	for i, w := range n.Window {
		if i > 0 {
			f.b = append(f.b, ',')
		}
		f.b = strconv.AppendUint(f.b, w, 10)
	}
	f.b = append(f.b, ']', '}')
}
