// SPDX-License-Identifier: Apache-2.0

package modbus

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"go.bug.st/serial"
)

var (
	errSilent = errors.New("the board does not answer")
	errEnded  = errors.New("the line was lost")
)

// port is a line whose reads end after a while: with no bytes and no error.
type port interface {
	io.ReadWriteCloser
	SetReadTimeout(time.Duration) error
}

// line is an open line. One question is under way at a time.
type line struct {
	port    port
	serial  bool
	turn    chan struct{} // held by whoever asks
	number  uint16        // held by turn, with what follows
	patient time.Duration
	stale   bool          // an answer may still come that nobody waits for
	ended   chan struct{} // closed when the line is lost
}

// openLine opens the line of a configuration.
func openLine(ctx context.Context, c Config, p pace) (*line, error) {
	l := &line{serial: c.TCP == "", turn: make(chan struct{}, 1), patient: p.answer, ended: make(chan struct{})}
	if l.serial {
		parity := map[string]serial.Parity{"none": serial.NoParity, "even": serial.EvenParity, "odd": serial.OddParity}[c.Parity]
		s, err := serial.Open(c.Port, &serial.Mode{BaudRate: c.Baud, Parity: parity})
		if err != nil {
			return nil, err
		}
		l.port = s
		return l, nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.dial)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.TCP)
	if err != nil {
		return nil, err
	}
	l.port = socket{conn}
	return l, nil
}

// socket is a connection as a port.
type socket struct{ net.Conn }

func (s socket) SetReadTimeout(d time.Duration) error { return s.SetDeadline(time.Now().Add(d)) }

func (s socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if late, is := errors.AsType[net.Error](err); is && late.Timeout() {
		return n, nil
	}
	return n, err
}

// ask puts a question to a board and returns the body of its answer. Nothing is
// sent once the context has ended.
func (l *line) ask(ctx context.Context, unit byte, body []byte, tries int) ([]byte, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ended:
		return nil, errEnded
	}
	for range tries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		answer, err := l.once(unit, body)
		if errors.Is(err, errSilent) {
			continue
		}
		if err == nil {
			err = check(body, answer)
		}
		return answer, err
	}
	return nil, errSilent
}

// once asks and waits.
func (l *line) once(unit byte, body []byte) ([]byte, error) {
	if l.stale && l.serial {
		l.drain()
	}
	l.number++
	wire := overTCP(l.number, unit, body)
	if l.serial {
		wire = overSerial(unit, body)
	}
	until := time.Now().Add(l.patient)
	if err := l.port.SetReadTimeout(l.patient); err != nil {
		return nil, l.lose()
	}
	if _, err := l.port.Write(wire); err != nil {
		return nil, l.lose()
	}
	l.stale = true
	var heard []byte
	buf := make([]byte, maxFrame)
	for {
		left := time.Until(until)
		if left <= 0 {
			return nil, errSilent
		}
		if err := l.port.SetReadTimeout(left); err != nil {
			return nil, l.lose()
		}
		n, err := l.port.Read(buf)
		if err != nil {
			return nil, l.lose()
		}
		heard = append(heard, buf[:n]...)
		if len(heard) > 4*maxFrame {
			return nil, l.lose() // whoever is there, it is no board
		}
		answer, rest, err := l.mine(unit, heard)
		switch {
		case err == nil:
			l.stale = false
			return answer, nil
		case !errors.Is(err, errCut) && l.serial:
			return nil, errSilent // noise: it is asked again
		case !errors.Is(err, errCut):
			return nil, l.lose()
		}
		heard = rest
	}
}

// mine looks for the answer to the last question; what is left waits for more.
func (l *line) mine(unit byte, heard []byte) (answer, rest []byte, err error) {
	for {
		var from byte
		var body []byte
		var n int
		number := l.number
		if l.serial {
			from, body, n, err = fromSerial(heard)
		} else {
			number, from, body, n, err = fromTCP(heard)
		}
		if err != nil {
			return nil, heard, err
		}
		if number == l.number && from == unit {
			return body, heard[n:], nil
		}
		heard = heard[n:] // it came late
	}
}

// drain takes off a serial line what nobody waits for.
func (l *line) drain() {
	buf := make([]byte, maxFrame)
	if l.port.SetReadTimeout(l.patient/4) != nil {
		return
	}
	for {
		if n, err := l.port.Read(buf); n == 0 || err != nil {
			return
		}
	}
}

// lose ends the line. It is called by whoever has the turn.
func (l *line) lose() error {
	select {
	case <-l.ended:
	default:
		close(l.ended)
	}
	return errEnded
}
