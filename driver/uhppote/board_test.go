// SPDX-License-Identifier: Apache-2.0

package uhppote_test

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// board is an emulated controller with four doors. It is written from published
// datagrams of the real one, apart from the driver's own code.
type board struct {
	t      testing.TB
	serial uint32
	zone   *time.Location

	clock   atomic.Int64 // how far its clock is off
	doubles atomic.Bool  // every answer comes twice

	mu      sync.Mutex // over what follows
	conn    *net.UDPConn
	address string
	dead    bool
	modes   [4]byte
	delays  [4]byte
	relays  [4]bool
	timers  [4]*time.Timer
	open    [4]bool
	index   uint32 // the last event that was taken over
	events  [][]byte
	gone    uint32 // events up to this were overwritten
	cards   [][]byte
	push    *net.UDPAddr
	silent  map[byte]int // functions that are not answered so many times
	refuses map[byte]bool
	heard   map[byte]int
}

func newBoard(t testing.TB, serial uint32) *board {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	b := &board{t: t, serial: serial, zone: zone, address: "127.0.0.1:0", silent: map[byte]int{}, refuses: map[byte]bool{}, heard: map[byte]int{}}
	b.modes, b.delays = [4]byte{3, 3, 3, 3}, [4]byte{5, 5, 5, 5}
	addr, err := net.ResolveUDPAddr("udp4", b.address)
	if err != nil {
		t.Fatal(err)
	}
	if b.conn, err = net.ListenUDP("udp4", addr); err != nil {
		t.Fatal(err)
	}
	b.address = b.conn.LocalAddr().String()
	t.Cleanup(func() { _ = b.conn.Close() })
	go b.serve()
	return b
}

func (b *board) serve() {
	buf := make([]byte, 100)
	for {
		n, from, err := b.conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		if n != 64 || buf[0] != 0x17 {
			continue
		}
		if answer := b.answer(buf[:64]); answer != nil {
			_, _ = b.conn.WriteToUDP(answer, from)
			if b.doubles.Load() {
				_, _ = b.conn.WriteToUDP(answer, from)
			}
		}
	}
}

func bcd(t time.Time, layout string) []byte {
	out, _ := hex.DecodeString(t.Format(layout))
	return out
}

func (b *board) now() time.Time { return time.Now().Add(time.Duration(b.clock.Load())).In(b.zone) }

func (b *board) fresh(function byte) []byte {
	out := make([]byte, 64)
	out[0], out[1] = 0x17, function
	binary.LittleEndian.PutUint32(out[4:], b.serial)
	return out
}

// answer answers a request; nil: not at all.
func (b *board) answer(q []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	serial, arg := binary.LittleEndian.Uint32(q[4:]), binary.LittleEndian.Uint32(q[8:])
	if b.dead || serial != b.serial && (serial != 0 || q[1] != 0x94) {
		return nil
	}
	b.heard[q[1]]++
	if b.silent[q[1]] > 0 {
		b.silent[q[1]]--
		return nil
	}
	a := b.fresh(q[1])
	door := int(q[8]) - 1
	switch q[1] {
	case 0x94:
		copy(a[8:], []byte{127, 0, 0, 1, 255, 0, 0, 0, 127, 0, 0, 1, 0, 0x66, 0x19, 0x39, 0x55, 0x2d, 0x08, 0x92, 0x20, 0x18, 0x08, 0x16})
	case 0x20:
		b.putStatus(a)
	case 0x30:
		b.clock.Store(0) // it is told the time, and takes it
		copy(a[8:], q[8:15])
	case 0x40:
		if b.refuses[0x40] || b.modes[door] == 2 {
			return a
		}
		a[8] = 1
		b.release(door)
		b.record(2, true, door+1, 1, 0, 44, b.now())
	case 0x58:
		n := uint32(0)
		for _, c := range b.cards {
			if binary.LittleEndian.Uint32(c) != 0xffffffff {
				n++
			}
		}
		binary.LittleEndian.PutUint32(a[8:], n)
	case 0x5c:
		if arg >= 1 && int(arg) <= len(b.cards) {
			copy(a[8:], b.cards[arg-1])
		}
	case 0x80:
		b.modes[door], b.delays[door] = q[9], q[10]
		b.set(door, q[9] == 1)
		copy(a[8:], q[8:11])
	case 0x82:
		a[8], a[9], a[10] = q[8], b.modes[door], b.delays[door]
	case 0x8e:
		a[8] = 1
	case 0x90:
		b.push = &net.UDPAddr{IP: net.IP(append([]byte(nil), q[8:12]...)), Port: int(binary.LittleEndian.Uint16(q[12:]))}
		a[8] = 1
	case 0x92:
		if b.push != nil {
			copy(a[8:], b.push.IP.To4())
			binary.LittleEndian.PutUint16(a[12:], uint16(b.push.Port))
		}
	case 0xb0:
		switch {
		case arg == 0 || int(arg) > len(b.events):
		case arg <= b.gone:
			binary.LittleEndian.PutUint32(a[8:], arg)
			a[12] = 0xff
		default:
			copy(a[8:], b.events[arg-1])
		}
	case 0xb2:
		if binary.LittleEndian.Uint32(q[12:]) == 0x55aaaa55 {
			b.index, a[8] = arg, 1
		}
	case 0xb4:
		binary.LittleEndian.PutUint32(a[8:], b.index)
	default:
		return nil
	}
	return a
}

func (b *board) putStatus(a []byte) {
	if n := len(b.events); n > 0 {
		copy(a[8:], b.events[n-1])
	}
	for i := range 4 {
		if b.open[i] {
			a[28+i] = 1
		}
		if b.relays[i] {
			a[49] |= 1 << i
		}
	}
	copy(a[51:], bcd(b.now(), "060102"))
	copy(a[37:], bcd(b.now(), "150405"))
}

// set switches a relay. The caller holds mu.
func (b *board) set(door int, on bool) {
	if b.timers[door] != nil {
		b.timers[door].Stop()
		b.timers[door] = nil
	}
	b.relays[door] = on
}

// release unlocks a door for as long as it is set to. The caller holds mu.
func (b *board) release(door int) {
	if b.modes[door] == 1 {
		return
	}
	b.set(door, true)
	var timer *time.Timer
	timer = time.AfterFunc(time.Duration(b.delays[door])*time.Second, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.timers[door] == timer {
			b.set(door, false)
		}
	})
	b.timers[door] = timer
}

// record adds an event and sends word of it. The caller holds mu.
func (b *board) record(kind byte, granted bool, door, direction int, card uint32, reason byte, at time.Time) {
	e := make([]byte, 20)
	binary.LittleEndian.PutUint32(e, uint32(len(b.events)+1))
	e[4], e[6], e[7], e[19] = kind, byte(door), byte(direction), reason
	if granted {
		e[5] = 1
	}
	binary.LittleEndian.PutUint32(e[8:], card)
	copy(e[12:], bcd(at, "20060102150405"))
	b.events = append(b.events, e)
	if b.push != nil {
		a := b.fresh(0x20)
		b.putStatus(a)
		_, _ = b.conn.WriteToUDP(a, b.push)
	}
}

// swipe holds a card to a door's reader.
func (b *board) swipe(door int, card uint32, granted bool, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	reason := byte(6)
	if granted {
		reason = 1
		b.release(door - 1)
	}
	b.record(1, granted, door, 1, card, reason, at)
}

// move opens or closes a door.
func (b *board) move(door int, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open[door-1] = open
	reason := byte(24)
	if open {
		reason = 23
	}
	b.record(2, true, door, 1, 0, reason, b.now())
}

// happen adds an event.
func (b *board) happen(kind byte, granted bool, door int, reason byte, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.record(kind, granted, door, 1, 0, reason, at)
}

func (b *board) do(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *board) count(function byte) (n int) {
	b.do(func() { n = b.heard[function] })
	return n
}

// addCard adds an entry to the table of cards; its PIN is 7531.
func (b *board) addCard(card uint32, until time.Time, doors ...byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := make([]byte, 19)
	binary.LittleEndian.PutUint32(e, card)
	copy(e[4:], bcd(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "20060102"))
	copy(e[8:], bcd(until, "20060102"))
	copy(e[12:], doors)
	e[16], e[17] = 0x6b, 0x1d
	b.cards = append(b.cards, e)
}
