// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"time"

	"go.bug.st/serial"

	"github.com/sashlock/sashlock/internal/osdp"
)

// What can be wrong with an exchange. Those about the bus end its session.
var (
	errSilent    = errors.New("the reader does not answer")
	errBusy      = errors.New("the reader is too busy")
	errLost      = errors.New("the reader has forgotten the connection")
	errInsecure  = errors.New("the reader is not as protected as it has to be")
	errCollision = errors.New("another control panel speaks on this bus: only one may")
	errEnded     = errors.New("the connection to the bus was lost")
)

// nak is a reader's refusal of an order.
type nak byte

func (n nak) Error() string { return "the reader refused" }

// bus is an open line and what is heard on it.
type bus struct {
	line   io.ReadWriteCloser
	pace   pace
	frames chan heard // closed when the line has ended
	sent   []byte     // the last frame that was written: it may come back as an echo
}

// heard is a frame as it stood on the wire.
type heard struct {
	frame osdp.Frame
	wire  []byte
}

// openLine opens the line of a configuration.
func openLine(ctx context.Context, c Config, p pace) (io.ReadWriteCloser, error) {
	if c.TCP != "" {
		ctx, cancel := context.WithTimeout(ctx, p.dial)
		defer cancel()
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.TCP)
		if err != nil {
			return nil, err
		}
		return &socket{conn, p.dial}, nil
	}
	return serial.Open(c.Port, &serial.Mode{BaudRate: c.Baud})
}

// socket is a serial server: a write that nobody takes ends.
type socket struct {
	net.Conn
	patience time.Duration
}

func (s *socket) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}

func newBus(line io.ReadWriteCloser, p pace) *bus {
	return &bus{line: line, pace: p, frames: make(chan heard, 64)}
}

// listen reads frames until the line ends. What nobody takes is dropped: it is
// late in any case.
func (b *bus) listen() {
	defer close(b.frames)
	var s osdp.Scanner
	buf := make([]byte, 1024)
	last := time.Now()
	for {
		n, err := b.line.Read(buf)
		if err != nil {
			return
		}
		now := time.Now()
		if now.Sub(last) > b.pace.reply {
			s.Reset() // what was begun will not be ended
		}
		last = now
		s.Write(buf[:n])
		for {
			f, wire, found := s.Next()
			if !found {
				break
			}
			select {
			case b.frames <- heard{f, wire}:
			default:
			}
		}
	}
}

// ask sends a frame and returns the reader's answer as it stood on the wire. It
// repeats the same bytes when there is none. Nothing is sent once the context
// has ended.
func (b *bus) ask(ctx context.Context, f osdp.Frame, repeats int) (osdp.Frame, error) {
	wire := f.Append(nil)
	for tried, busy := 0, 0; tried <= repeats; tried++ {
		if err := b.drain(); err != nil {
			return osdp.Frame{}, err
		}
		if err := ctx.Err(); err != nil {
			return osdp.Frame{}, err
		}
		b.sent = wire
		if _, err := b.line.Write(append([]byte{osdp.Mark}, wire...)); err != nil {
			return osdp.Frame{}, errEnded
		}
		answer, err := b.await(f)
		switch {
		case errors.Is(err, errBusy) && busy < b.pace.busyMost:
			busy++
			tried--
			pause(ctx, b.pace.busy)
		case !errors.Is(err, errSilent):
			return answer, err
		}
	}
	return osdp.Frame{}, errSilent
}

// await waits for the answer to a frame.
func (b *bus) await(f osdp.Frame) (osdp.Frame, error) {
	late := time.NewTimer(b.pace.reply)
	defer late.Stop()
	for {
		select {
		case h, ok := <-b.frames:
			switch {
			case !ok:
				return osdp.Frame{}, errEnded
			case b.foreign(h):
				return osdp.Frame{}, errCollision
			case !h.frame.Reply, h.frame.Address != f.Address:
			case h.frame.Code == osdp.BUSY && !h.frame.Signed() && h.frame.Sequence == 0:
				return osdp.Frame{}, errBusy
			case h.frame.Sequence == f.Sequence:
				return h.frame, nil
			}
		case <-late.C:
			return osdp.Frame{}, errSilent
		}
	}
}

// drain drops what came late.
func (b *bus) drain() error {
	for {
		select {
		case h, ok := <-b.frames:
			if !ok {
				return errEnded
			}
			if b.foreign(h) {
				return errCollision
			}
		default:
			return nil
		}
	}
}

// foreign reports whether a frame is another panel's: an order that is not our
// own echo.
func (b *bus) foreign(h heard) bool { return !h.frame.Reply && !bytes.Equal(h.wire, b.sent) }

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
