// SPDX-License-Identifier: Apache-2.0

package modbus_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// board is an emulated relay board: unit 1 with eight relays and eight inputs,
// which takes times by writes to coils from 512 and to registers from 40.
type board struct {
	t testing.TB

	mu       sync.Mutex
	address  string
	listener net.Listener
	lines    map[net.Conn]bool
	coils    [8]bool
	inputs   [8]bool
	timers   [8]*time.Timer
	switched [8]int // times a relay was switched on
	writes   int
	silent   int  // questions that are not answered
	deaf     bool // none is
	early    []byte
}

func newBoard(t testing.TB) *board {
	t.Helper()
	b := &board{t: t, address: "127.0.0.1:0", lines: map[net.Conn]bool{}}
	if err := b.RestartGateway(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.KillGateway() })
	return b
}

func (b *board) RestartGateway() error {
	l, err := net.Listen("tcp", b.address)
	if err != nil {
		return err
	}
	b.do(func() { b.listener, b.address = l, l.Addr().String() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.do(func() { b.lines[conn] = true })
			go b.overTCP(conn)
		}
	}()
	return nil
}

func (b *board) KillGateway() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for conn := range b.lines {
		_ = conn.Close()
	}
	clear(b.lines)
	return b.listener.Close()
}

func (b *board) do(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// overTCP answers on a connection.
func (b *board) overTCP(conn net.Conn) {
	head := make([]byte, 7)
	for {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint16(head[4:])-1)
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		answer := b.answer(head[6], body)
		if answer == nil {
			continue
		}
		out := append([]byte{head[0], head[1], 0, 0, 0, byte(len(answer) + 1), head[6]}, answer...)
		b.do(func() { out = append(b.early, out...); b.early = nil })
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// overSerial answers on a serial line: every question has eight bytes.
func (b *board) overSerial(line io.ReadWriter) {
	q := make([]byte, 8)
	for {
		if _, err := io.ReadFull(line, q); err != nil {
			return
		}
		answer := b.answer(q[0], q[1:6])
		if answer == nil {
			continue
		}
		out := append([]byte{q[0]}, answer...)
		out = binary.LittleEndian.AppendUint16(out, sum(out))
		if _, err := line.Write(out); err != nil {
			return
		}
	}
}

// sum is the sum of a serial line, bit by bit.
func sum(b []byte) uint16 {
	s := uint16(0xffff)
	for _, c := range b {
		s ^= uint16(c)
		for range 8 {
			if s&1 == 1 {
				s = s>>1 ^ 0xa001
			} else {
				s >>= 1
			}
		}
	}
	return s
}

// answer answers a question; nil: not at all.
func (b *board) answer(unit byte, q []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if unit != 1 || b.deaf || len(q) != 5 {
		return nil
	}
	if b.silent > 0 {
		b.silent--
		return nil
	}
	at, value := int(binary.BigEndian.Uint16(q[1:])), binary.BigEndian.Uint16(q[3:])
	row := b.coils[:]
	if q[0] == 2 {
		row = b.inputs[:]
	}
	switch {
	case (q[0] == 1 || q[0] == 2) && at < 8 && value == 1:
		out := []byte{q[0], 1, 0}
		if row[at] {
			out[2] = 1
		}
		return out
	case q[0] == 5 && at < 8 && (value == 0 || value == 0xff00):
		b.writes++
		b.set(at, value != 0)
	case q[0] == 5 && at >= 512 && at < 520:
		b.writes++
		b.pulse(at-512, time.Duration(value)*100*time.Millisecond)
	case q[0] == 6 && at >= 40 && at < 48:
		b.writes++
		b.pulse(at-40, time.Duration(value)*time.Second)
	default:
		return []byte{q[0] | 0x80, 2}
	}
	return q
}

// set switches a relay. The caller holds mu.
func (b *board) set(n int, on bool) {
	if b.timers[n] != nil {
		b.timers[n].Stop()
		b.timers[n] = nil
	}
	if on && !b.coils[n] {
		b.switched[n]++
	}
	b.coils[n] = on
}

// pulse switches a relay on for a time. The caller holds mu.
func (b *board) pulse(n int, during time.Duration) {
	b.set(n, true)
	var timer *time.Timer
	timer = time.AfterFunc(during, func() {
		b.do(func() {
			if b.timers[n] == timer {
				b.set(n, false)
			}
		})
	})
	b.timers[n] = timer
}

func (b *board) input(n int, on bool) { b.do(func() { b.inputs[n] = on }) }

// What the conformance suite does to it.

func (b *board) OpenDoor(address string) error  { return b.contact(address, true) }
func (b *board) CloseDoor(address string) error { return b.contact(address, false) }

func (b *board) contact(address string, open bool) error {
	if address != "cage-2" {
		return errors.New("there is no such opening")
	}
	b.input(0, open)
	return nil
}

func (b *board) Dead(string) error  { b.do(func() { b.deaf = true }); return nil }
func (b *board) Alive(string) error { b.do(func() { b.deaf = false }); return nil }
