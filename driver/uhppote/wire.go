// SPDX-License-Identifier: Apache-2.0

package uhppote

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

const (
	size     = 64
	protocol = 0x17
	older    = 0x19 // firmware 6.62 begins the events that it pushes so

	magic = 0x55aaaa55 // what changes something that must not change by accident
)

// The functions of a controller.
const (
	getStatus     = 0x20
	setTime       = 0x30
	openDoor      = 0x40
	countCards    = 0x58
	getCard       = 0x5c
	setDoor       = 0x80
	getDoor       = 0x82
	recordSpecial = 0x8e
	setListener   = 0x90
	getListener   = 0x92
	getDevice     = 0x94
	getEvent      = 0xb0
	setIndex      = 0xb2
	getIndex      = 0xb4
)

// message is one datagram.
type message [size]byte

// ask makes a request to a controller; serial 0 asks all of them.
func ask(function byte, serial uint32) *message {
	m := &message{protocol, function}
	binary.LittleEndian.PutUint32(m[4:], serial)
	return m
}

func (m *message) function() byte    { return m[1] }
func (m *message) serial() uint32    { return binary.LittleEndian.Uint32(m[4:]) }
func (m *message) u32(at int) uint32 { return binary.LittleEndian.Uint32(m[at:]) }
func (m *message) yes(at int) bool   { return m[at] == 1 }

func (m *message) put(at int, b ...byte) *message {
	copy(m[at:], b)
	return m
}

func (m *message) put32(at int, v uint32) *message {
	binary.LittleEndian.PutUint32(m[at:], v)
	return m
}

var errUnreadable = errors.New("uhppote: this is no message of a controller")

// read takes a datagram for a message.
func read(b []byte) (*message, error) {
	if len(b) != size || b[0] != protocol && (b[0] != older || b[1] != getStatus) {
		return nil, errUnreadable
	}
	m := message(b)
	return &m, nil
}

// digits reads a row of digits, two to a byte; false: it has others.
func (m *message) digits(at, n int) (string, bool) {
	text := hex.EncodeToString(m[at : at+n])
	for _, c := range text {
		if c > '9' {
			return "", false
		}
	}
	return text, true
}

// when reads a date and a time of day in a zone; the zero time: there is none,
// or it makes no sense.
func (m *message) when(at int, zone *time.Location) time.Time {
	text, ok := m.digits(at, 7)
	if !ok {
		return time.Time{}
	}
	t, err := time.ParseInLocation("20060102150405", text, zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// putTime writes a date and a time of day.
func (m *message) putTime(at int, t time.Time) *message {
	b, err := hex.DecodeString(t.Format("20060102150405"))
	if err != nil || len(b) != 7 {
		return m // a year that has not four digits
	}
	return m.put(at, b...)
}

// status is how a controller and its doors stand.
type status struct {
	last  uint32 // the number of its newest event
	open  [4]bool
	relay byte // a bit for each door: it is unlocked
	clock time.Time
}

func (m *message) status(zone *time.Location) (s status) {
	s.last, s.relay = m.u32(8), m[49]
	for i := range s.open {
		s.open[i] = m.yes(28 + i)
	}
	date, ok := m.digits(51, 3)
	clock, fine := m.digits(37, 3)
	if ok && fine {
		if t, err := time.ParseInLocation("060102150405", date+clock, zone); err == nil {
			s.clock = t
		}
	}
	return s
}

// What an event is of.
const (
	ofCard  = 1
	ofDoor  = 2
	ofAlarm = 3
	isGone  = 0xff // it was overwritten by a newer one
)

// Why it happened, as far as it matters here.
const (
	byButton   = 20
	doorOpened = 23
	doorClosed = 24
	byOverride = 25
	wasForced  = 38
	byNetwork  = 44
	byUSB      = 45
)

// event is one line of a controller's record.
type event struct {
	number  uint32 // 0: there is no such event
	kind    byte
	granted bool
	door    byte
	out     bool // it was on the side by which people leave
	card    uint32
	at      time.Time
	reason  byte
}

func (m *message) event(zone *time.Location) event {
	return event{
		number: m.u32(8), kind: m[12], granted: m.yes(13), door: m[14], out: m[15] == 2, card: m.u32(16),
		at: m.when(20, zone), reason: m[27],
	}
}

// cardEntry is one entry of a controller's table of cards, without its card and
// its PIN.
type cardEntry struct {
	used        bool
	from, until time.Time // days; zero: not given
	doors       [4]bool
}

func (m *message) cardEntry(zone *time.Location) (c cardEntry) {
	number := m.u32(8)
	c.used = number != 0 && number != 0xffffffff
	day := func(at int) time.Time {
		text, ok := m.digits(at, 4)
		if !ok {
			return time.Time{}
		}
		t, err := time.ParseInLocation("20060102", text, zone)
		if err != nil {
			return time.Time{}
		}
		return t
	}
	c.from, c.until = day(12), day(16)
	for i := range c.doors {
		c.doors[i] = m[20+i] != 0
	}
	return c
}
