// SPDX-License-Identifier: Apache-2.0

package osdp_test

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	driverosdp "github.com/sashlock/sashlock/driver/osdp"
	"github.com/sashlock/sashlock/driver/osdp/reader"
)

// serialLine is a pair of a serial port and what is at its other end.
func serialLine(t *testing.T) (other *os.File, port string) {
	t.Helper()
	other, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	var number, unlock int32
	for request, at := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, other.Fd(), request, uintptr(unsafe.Pointer(at))); failed != 0 {
			t.Fatal(failed)
		}
	}
	return other, fmt.Sprintf("/dev/pts/%d", number)
}

// The same over a serial port, whose adapter is pulled out and is not there.
func TestOverASerialPort(t *testing.T) {
	t.Parallel()
	key := goodKey
	r := aReader(5, &key)
	other, port := serialLine(t)
	go func() { _ = reader.Serve(other, r) }()
	config, err := json.Marshal(driverosdp.Config{Port: port, Baud: 115200, KeyFolder: keyFolder(t, 5, key), Readers: []driverosdp.Reader{atDoor(5)}})
	if err != nil {
		t.Fatal(err)
	}
	sink := always(driver.Verdict{Granted: true})
	s := open(t, config, sink)
	isOnline(t, sink)
	r.Card(aCard)
	until(t, sink.Recorder, "the card", func() bool { return len(sink.presented()) == 1 })
	mark := sink.Mark()
	if err := s.(driver.Operator).Operate(t.Context(), release("act_1", time.Second)); err != nil {
		t.Fatal(err)
	}
	sink.Await(t, patience, mark, "unlocked", is(sashlock.LockUnlocked))
	if err := s.Close(); err != nil { // while a read of the port waits
		t.Fatal(err)
	}
	gone := always(driver.Verdict{})
	missing, err := json.Marshal(driverosdp.Config{Port: "/dev/no-such-port", KeyFolder: "/k", Readers: []driverosdp.Reader{atDoor(5)}})
	if err != nil {
		t.Fatal(err)
	}
	open(t, missing, gone)
	until(t, gone.Recorder, "that the port is not there", func() bool {
		for _, h := range gone.All() {
			if h.Why != "" && !h.Up {
				return true
			}
		}
		return false
	})
}
