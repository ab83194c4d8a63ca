// SPDX-License-Identifier: Apache-2.0

package modbus_test

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
	"github.com/sashlock/sashlock/driver/modbus"
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

// The same over a serial line, where boards are silent now and then.
func TestOverASerialLine(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	other, port := serialLine(t)
	go b.overSerial(other)
	config, err := json.Marshal(modbus.Config{Port: port, Baud: 115200, PollMS: 10, Openings: []modbus.Opening{cage()}})
	if err != nil {
		t.Fatal(err)
	}
	sink, s := open(t, config)
	sink.Await(t, patience, 0, "locked", is(sashlock.LockLocked))
	b.do(func() { b.silent = 2 })
	b.input(0, true)
	sink.Await(t, patience, 0, "opened, in spite of silence", is(sashlock.OpeningOpened))
	mark := sink.Mark()
	if err := s.(driver.Operator).Operate(t.Context(), order(sashlock.DoRelease, 200*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	sink.Await(t, patience, mark, "unlocked", is(sashlock.LockUnlocked))
	sink.Await(t, patience, mark, "locked", is(sashlock.LockLocked))
	if said := sink.Reports(0, is(sashlock.DeviceOffline)); len(said) > 0 {
		t.Error("it was called offline")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
