// SPDX-License-Identifier: Apache-2.0

package uhppote

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

// datagram makes 64 bytes of what is given in hexadecimal.
func datagram(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil || len(b) > size {
		t.Fatal(err)
	}
	return append(b, make([]byte, size-len(b))...)
}

func lisbon(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// The expected bytes are published ones of controller 423187757.
func TestRequests(t *testing.T) {
	const serial = 423187757
	at := time.Date(2019, 4, 21, 9, 44, 40, 0, time.UTC)
	for text, m := range map[string]*message{
		"1720 0000 2d553919":                   ask(getStatus, serial),
		"1740 0000 2d553919 03":                ask(openDoor, serial).put(8, 3),
		"17b0 0000 2d553919 01":                ask(getEvent, serial).put32(8, 1),
		"1730 0000 2d553919 20190421094440":    ask(setTime, serial).putTime(8, at),
		"1790 0000 2d553919 c0a80164 409c":     ask(setListener, serial).put(8, 192, 168, 1, 100, 0x40, 0x9c),
		"178e 0000 2d553919 01":                ask(recordSpecial, serial).put(8, 1),
		"1782 0000 2d553919 04":                ask(getDoor, serial).put(8, 4),
		"175c 0000 2d553919 04":                ask(getCard, serial).put32(8, 4),
		"1758 0000 2d553919":                   ask(countCards, serial),
		"1794":                                 ask(getDevice, 0),
		"17b2 0000 2d553919 17000000 55aaaa55": ask(setIndex, serial).put32(8, 23).put32(12, magic),
	} {
		if got, want := hex.EncodeToString(m[:]), hex.EncodeToString(datagram(t, text)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	zone := lisbon(t)
	m, err := read(datagram(t, "1720 0000 2d553919 39000000 01 00 03 01 aae85d00 20190419170009 06 01000101 00000101 09 143702 11000000 21000000 2b 04 01 190420 0000 93260488089200 00"))
	if err != nil {
		t.Fatal(err)
	}
	s := m.status(zone)
	if m.serial() != 423187757 || s.last != 57 || s.open != [4]bool{true, false, true, true} || s.relay != 4 || !s.clock.Equal(time.Date(2019, 4, 20, 14, 37, 2, 0, zone)) {
		t.Errorf("status %+v of %d", s, m.serial())
	}
	m, err = read(datagram(t, "17b0 0000 2d553919 08000000 02 01 03 01 ade85d00 20190210071201 06"))
	if err != nil {
		t.Fatal(err)
	}
	want := event{number: 8, kind: ofDoor, granted: true, door: 3, card: 6154413, at: time.Date(2019, 2, 10, 7, 12, 1, 0, zone), reason: 6}
	if e := m.event(zone); e != want {
		t.Errorf("event %+v, want %+v", e, want)
	}
	m, err = read(datagram(t, "175c 0000 2d553919 ace85d00 20190203 20191229 00001d01 a40d0f 05"))
	if err != nil {
		t.Fatal(err)
	}
	c := m.cardEntry(zone)
	if !c.used || c.doors != [4]bool{false, false, true, true} || c.good(time.Date(2019, 2, 2, 12, 0, 0, 0, zone)) ||
		!c.good(time.Date(2019, 12, 29, 23, 0, 0, 0, zone)) || c.good(time.Date(2019, 12, 30, 0, 0, 0, 0, zone)) {
		t.Errorf("card entry %+v", c)
	}
	if _, err := read(datagram(t, "1920 0000 2d553919")); err != nil {
		t.Errorf("an event of firmware 6.62: %v", err)
	}
	for _, text := range []string{"", "16", "1994 0000 2d553919"} {
		if _, err := read(datagram(t, text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestCardsAsTheirReaderSentThem(t *testing.T) {
	for _, test := range []struct {
		format string
		card   uint32
		want   string
	}{
		{"wiegand26", 6154410, "0" + "00111101" + "1101010010001010" + "1"}, // 61, 54410
		{"wiegand26", 8165538, ""},  // 81, 65538: no such number
		{"wiegand26", 25600001, ""}, // 256: no such facility
		{"wiegand34", 0x12345678, "1" + "0001001000110100" + "0101011001111000" + "1"},
	} {
		got, ok := bits(test.format, test.card)
		if ok != (test.want != "") || ok && got.Reveal() != test.want {
			t.Errorf("%d as %s: %q, %v, want %q", test.card, test.format, got.Reveal(), ok, test.want)
		}
	}
}

func FuzzMessage(f *testing.F) {
	zone := lisbon(f)
	f.Add(datagram(f, "1720 0000 2d553919 39000000 01 00 03 01 aae85d00 20190419170009 06 01000101 00000101 09 143702"))
	f.Add(datagram(f, "17b0 0000 2d553919 08000000 02 01 03 01 ade85d00 99999999999999 06"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := read(b)
		if err != nil {
			return
		}
		_ = m.status(zone)
		e := m.event(zone)
		if !e.at.IsZero() && (e.at.Year() < 0 || e.at.Year() > 9999) {
			t.Errorf("read the year %d", e.at.Year())
		}
		_ = m.cardEntry(zone).good(e.at)
		_, _ = bits("wiegand26", e.card)
		_, _ = bits("wiegand34", e.card)
	})
}
