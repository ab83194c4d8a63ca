// SPDX-License-Identifier: Apache-2.0

package modbus

import (
	"encoding/hex"
	"errors"
	"testing"
)

// The first is the usual example of the serial line's sum, the others are of the
// specification of the application protocol.
func TestBytes(t *testing.T) {
	for want, got := range map[string][]byte{
		"010300000001840a":              overSerial(1, question(3, 0, 1)),
		"0105020000078db0":              overSerial(1, question(writeCoil, 0x200, 7)),
		"000100000006010500acff00":      overTCP(1, 1, question(writeCoil, 0xac, coilOn)),
		"00020000000601010013" + "0001": overTCP(2, 1, question(readCoils, 0x13, 1)),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("got %x, want %s", got, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	ask := question(readCoils, 3, 1)
	if err := check(ask, []byte{1, 1, 1}); err != nil || !bit([]byte{1, 1, 1}) || bit([]byte{1, 1, 0xfe}) {
		t.Errorf("a coil: %v", err)
	}
	var no refused
	if err := check(ask, []byte{0x81, 2}); !errors.As(err, &no) || no != 2 {
		t.Errorf("a refusal: %v", err)
	}
	for _, bad := range [][]byte{nil, {1}, {2, 1, 1}, {1, 0}, {1, 2, 1, 1}, {1, 1}, {1, 1, 1, 1}, {0x82, 1}} {
		if err := check(ask, bad); !errors.Is(err, errUnreadable) {
			t.Errorf("%x: %v", bad, err)
		}
	}
	write := question(writeCoil, 3, coilOn)
	if err := check(write, question(writeCoil, 4, coilOn)); !errors.Is(err, errUnreadable) {
		t.Errorf("another coil was switched: %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(overTCP(1, 1, []byte{1, 1, 1}), true)
	f.Add(overSerial(1, []byte{1, 1, 1}), false)
	f.Add(overSerial(1, question(writeCoil, 0x200, 7)), false)
	f.Fuzz(func(t *testing.T, b []byte, tcp bool) {
		var body []byte
		var n int
		var err error
		if tcp {
			_, _, body, n, err = fromTCP(b)
		} else {
			_, body, n, err = fromSerial(b)
		}
		if err != nil {
			return
		}
		if n <= 0 || n > len(b) || len(body) > maxFrame {
			t.Fatalf("%d of %d bytes, a body of %d", n, len(b), len(body))
		}
		if check(question(readCoils, 0, 1), body) == nil {
			_ = bit(body)
		}
	})
}
