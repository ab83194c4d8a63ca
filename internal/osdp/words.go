// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Orders of a panel, by the names of the standard.
const (
	POLL    byte = 0x60 // is there anything?
	ID      byte = 0x61 // who are you?
	CAP     byte = 0x62 // what can you do?
	LSTAT   byte = 0x64 // tamper and power
	ISTAT   byte = 0x65 // how the inputs stand
	OSTAT   byte = 0x66 // how the outputs stand
	OUT     byte = 0x68 // switch outputs
	LED     byte = 0x69
	BUZ     byte = 0x6a
	TEXT    byte = 0x6b
	COMSET  byte = 0x6e // take another address or speed
	BIOREAD byte = 0x73
	KEYSET  byte = 0x75 // take a key
	CHLNG   byte = 0x76
	SCRYPT  byte = 0x77
)

// Replies of a reader, by the names of the standard.
const (
	ACK       byte = 0x40
	NAK       byte = 0x41
	PDID      byte = 0x45
	PDCAP     byte = 0x46
	LSTATR    byte = 0x48
	ISTATR    byte = 0x49
	OSTATR    byte = 0x4a
	RAW       byte = 0x50 // a card, bit by bit
	KEYPAD    byte = 0x53 // keys that were pressed
	COM       byte = 0x54
	BIOREADR  byte = 0x57
	BIOMATCHR byte = 0x58
	CCRYPT    byte = 0x76
	RMACI     byte = 0x78
	BUSY      byte = 0x79
)

// Why a reader refuses an order: the first byte of a NAK.
const (
	NakGarbled   byte = 1
	NakLength    byte = 2
	NakUnknown   byte = 3
	NakSequence  byte = 4
	NakNoSecure  byte = 5 // it has no secure channel
	NakCondition byte = 6 // the order needs the channel that there is not
	NakRecord    byte = 9 // it cannot do it
)

// What a reader can do: functions of a PDCAP.
const (
	CanInputs  byte = 1
	CanOutputs byte = 2
	CanLED     byte = 4
	CanBuzzer  byte = 5
	CanText    byte = 6
	CanSecure  byte = 9
	CanMatch   byte = 14
)

// Identity is what a reader says it is.
type Identity struct {
	Vendor         [3]byte
	Model, Version byte
	Serial         uint32
	Firmware       [3]byte
}

// Maker writes the maker's registered number.
func (i Identity) Maker() string {
	return fmt.Sprintf("%02X-%02X-%02X", i.Vendor[0], i.Vendor[1], i.Vendor[2])
}

// Release writes the firmware's version.
func (i Identity) Release() string {
	return fmt.Sprintf("%d.%d.%d", i.Firmware[0], i.Firmware[1], i.Firmware[2])
}

// Bytes writes a PDID.
func (i Identity) Bytes() []byte {
	out := append(append([]byte{}, i.Vendor[:]...), i.Model, i.Version)
	return append(binary.LittleEndian.AppendUint32(out, i.Serial), i.Firmware[:]...)
}

// ReadIdentity reads a PDID.
func ReadIdentity(b []byte) (i Identity, ok bool) {
	if len(b) < 12 {
		return i, false
	}
	copy(i.Vendor[:], b)
	i.Model, i.Version, i.Serial = b[3], b[4], binary.LittleEndian.Uint32(b[5:])
	copy(i.Firmware[:], b[9:])
	return i, true
}

// Capability is one function of a reader: how far it goes, and how many there
// are.
type Capability struct{ Level, Count byte }

// ReadCapabilities reads a PDCAP.
func ReadCapabilities(b []byte) (map[byte]Capability, bool) {
	if len(b) == 0 || len(b)%3 != 0 {
		return nil, false
	}
	all := make(map[byte]Capability, len(b)/3)
	for ; len(b) > 0; b = b[3:] {
		all[b[0]] = Capability{b[1], b[2]}
	}
	return all, true
}

// ReadStatus reads an LSTATR.
func ReadStatus(b []byte) (tampered, powerFailed, ok bool) {
	if len(b) != 2 {
		return false, false, false
	}
	return b[0] != 0, b[1] != 0, true
}

// ReadCard reads a RAW: the bits of a card as zeroes and ones, and at which
// reader of the device.
func ReadCard(b []byte) (reader byte, bits string, ok bool) {
	if len(b) < 4 {
		return 0, "", false
	}
	n, row := int(binary.LittleEndian.Uint16(b[2:])), b[4:]
	if n == 0 || len(row) != (n+7)/8 {
		return 0, "", false
	}
	text := make([]byte, n)
	for i := range text {
		text[i] = '0' + row[i/8]>>(7-i%8)&1
	}
	return b[0], string(text), true
}

// Card writes a RAW of bits given as zeroes and ones.
func Card(reader byte, bits string) []byte {
	out := append([]byte{reader, 1}, byte(len(bits)), byte(len(bits)>>8))
	out = append(out, make([]byte, (len(bits)+7)/8)...)
	for i, c := range bits {
		if c == '1' {
			out[4+i/8] |= 0x80 >> (i % 8)
		}
	}
	return out
}

// ReadKeys reads a KEYPAD: the keys in the order in which they were pressed.
// They belong to b.
func ReadKeys(b []byte) (reader byte, keys []byte, ok bool) {
	if len(b) < 2 || len(b) != 2+int(b[1]) {
		return 0, nil, false
	}
	return b[0], b[2:], true
}

// Match is what came of holding a finger or a face against a template.
type Match struct{ Reader, Status, Score byte }

// ReadMatch reads a BIOMATCHR.
func ReadMatch(b []byte) (m Match, ok bool) {
	if len(b) != 3 {
		return m, false
	}
	return Match{b[0], b[1], b[2]}, true
}

// Output is how an output is switched.
type Output byte

// How an output is switched.
const (
	Off      Output = 1 // for good, whatever was running
	On       Output = 2 // for good, whatever was running
	OnFor    Output = 5 // for a time; then it is as it was for good
	maxTicks        = 0xffff
)

const tick = 100 * time.Millisecond

// Switch writes an OUT for one output. The time counts in tenths of a second,
// one at least, for OnFor only.
func Switch(output byte, how Output, during time.Duration) []byte {
	ticks := uint16(0)
	if how == OnFor {
		ticks = uint16(min(max((during+tick-1)/tick, 1), maxTicks))
	}
	return binary.LittleEndian.AppendUint16([]byte{output, byte(how)}, ticks)
}

// ReadSwitch reads an OUT for one output.
func ReadSwitch(b []byte) (output byte, how Output, during time.Duration, ok bool) {
	if len(b) != 4 {
		return 0, 0, 0, false
	}
	return b[0], Output(b[1]), time.Duration(binary.LittleEndian.Uint16(b[2:])) * tick, true
}

// Color of a light.
type Color byte

// The colours of a light.
const (
	Dark  Color = 0
	Red   Color = 1
	Green Color = 2
	Amber Color = 3
)

// Light writes an LED that shows a colour for a while, blinking or not, and
// leaves what the light shows for good as it is.
func Light(reader byte, c Color, blinking bool, during time.Duration) []byte {
	on, off, other := byte(1), byte(0), c
	if blinking {
		on, off, other = 3, 3, Dark
	}
	ticks := uint16(min(max(during/tick, 1), maxTicks))
	out := binary.LittleEndian.AppendUint16([]byte{reader, 0, 2, on, off, byte(c), byte(other)}, ticks)
	return append(out, 0, 0, 0, 0, 0)
}

// ReadLight reads an LED: the colour that is shown for a while; false: none is.
func ReadLight(b []byte) (c Color, during time.Duration, ok bool) {
	if len(b) != 14 || b[2] != 2 {
		return 0, 0, false
	}
	return Color(b[5]), time.Duration(binary.LittleEndian.Uint16(b[7:])) * tick, true
}

// Beep writes a BUZ: so many times a tone of 0.1 s.
func Beep(reader byte, times byte) []byte { return []byte{reader, 2, 1, 1, times} }

// NewKey writes a KEYSET.
func NewKey(k Key) []byte { return append([]byte{1, KeySize}, k[:]...) }

// ReadKey reads a KEYSET.
func ReadKey(b []byte) (k Key, ok bool) {
	if len(b) != 2+KeySize || b[0] != 1 || b[1] != KeySize {
		return k, false
	}
	copy(k[:], b[2:])
	return k, true
}
