// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"bytes"
	"encoding/binary"
	"errors"
)

const (
	// Mark may be sent before a frame, to wake the drivers of the bus.
	Mark = 0xff
	// MaxFrame is the longest frame, in bytes.
	MaxFrame = 1440
	// Broadcast is the address that every reader answers.
	Broadcast = 0x7f

	start     = 0x53
	header    = 5 // start, address, length and control
	replyBit  = 0x80
	crcBit    = 0x04
	blockBit  = 0x08
	sequence  = 0x03
	macLength = 4 // of a code, that much is sent
)

// The kinds of security block. Those from Signed on carry a code of
// authentication.
const (
	Challenge     byte = 0x11 // panel: a random number
	ChallengeBack byte = 0x12 // reader: another one, and proof of the key
	Proof         byte = 0x13 // panel: proof of the key
	ProofBack     byte = 0x14 // reader: the first code
	SignedOrder   byte = 0x15 // panel: authenticated, without data
	SignedReply   byte = 0x16 // reader: the same
	SealedOrder   byte = 0x17 // panel: authenticated, with encrypted data
	SealedReply   byte = 0x18 // reader: the same
)

// What is wrong with bytes that are no frame.
var (
	errNoFrame  = errors.New("osdp: this is no frame")
	errCut      = errors.New("osdp: the frame is not all there")
	errGarbled  = errors.New("osdp: the frame was garbled on its way")
	errTooLong  = errors.New("osdp: the frame is longer than a frame may be")
	errSecurity = errors.New("osdp: the security block makes no sense")
)

// Frame is one message on the bus.
type Frame struct {
	Address  byte // 0 to 0x7e, or Broadcast
	Reply    bool // it comes from a reader
	Sequence byte // 0 begins anew; then 1, 2, 3, 1, …
	Checksum bool // it is protected by a sum of 8 bits, not by a CRC of 16
	Security byte // kind of security block; 0: there is none
	Block    []byte
	Code     byte // which order or reply it is
	Data     []byte
	MAC      [macLength]byte // of frames that are signed or sealed
}

// Signed reports whether a frame carries a code of authentication.
func (f Frame) Signed() bool { return f.Security >= SignedOrder && f.Security <= SealedReply }

// tail is how many bytes come after what a code is computed over.
func (f Frame) tail() int {
	n := 2
	if f.Checksum {
		n = 1
	}
	if f.Signed() {
		n += macLength
	}
	return n
}

// body is the frame up to its data, with the length that it will have in the
// end: what a code of authentication is computed over.
func (f Frame) body() []byte {
	out := make([]byte, header, header+2+len(f.Block)+1+len(f.Data)+f.tail())
	out[0], out[1], out[4] = start, f.Address&^replyBit, f.Sequence&sequence
	if f.Reply {
		out[1] |= replyBit
	}
	if !f.Checksum {
		out[4] |= crcBit
	}
	if f.Security != 0 {
		out[4] |= blockBit
		out = append(out, byte(2+len(f.Block)), f.Security)
		out = append(out, f.Block...)
	}
	out = append(append(out, f.Code), f.Data...)
	binary.LittleEndian.PutUint16(out[2:], uint16(len(out)+f.tail()))
	return out
}

// Append writes a frame behind b, without a mark.
func (f Frame) Append(b []byte) []byte {
	out := f.body()
	if f.Signed() {
		out = append(out, f.MAC[:]...)
	}
	if f.Checksum {
		out = append(out, sum(out))
	} else {
		out = binary.LittleEndian.AppendUint16(out, CRC(out))
	}
	return append(b, out...)
}

// Decode reads one frame that fills all of b, without a mark.
func Decode(b []byte) (Frame, error) {
	n, err := length(b)
	switch {
	case err != nil:
		return Frame{}, err
	case n > len(b):
		return Frame{}, errCut
	case n < len(b):
		return Frame{}, errNoFrame
	}
	f := Frame{Address: b[1] &^ replyBit, Reply: b[1]&replyBit != 0, Sequence: b[4] & sequence, Checksum: b[4]&crcBit == 0}
	rest := b[header:]
	if f.Checksum {
		rest = rest[:len(rest)-1]
		if sum(b[:n-1]) != b[n-1] {
			return Frame{}, errGarbled
		}
	} else {
		rest = rest[:len(rest)-2]
		if CRC(b[:n-2]) != binary.LittleEndian.Uint16(b[n-2:]) {
			return Frame{}, errGarbled
		}
	}
	if b[4]&blockBit != 0 {
		if len(rest) < 2 || rest[0] < 2 || int(rest[0]) > len(rest) || rest[1] < Challenge || rest[1] > SealedReply {
			return Frame{}, errSecurity
		}
		f.Security, f.Block, rest = rest[1], bytes.Clone(rest[2:rest[0]]), rest[rest[0]:]
	}
	if f.Signed() {
		if len(rest) < macLength {
			return Frame{}, errSecurity
		}
		copy(f.MAC[:], rest[len(rest)-macLength:])
		rest = rest[:len(rest)-macLength]
	}
	if len(rest) == 0 {
		return Frame{}, errNoFrame
	}
	f.Code, f.Data = rest[0], bytes.Clone(rest[1:])
	return f, nil
}

// length returns how long the frame is that begins b.
func length(b []byte) (int, error) {
	if len(b) > 0 && b[0] != start {
		return 0, errNoFrame
	}
	if len(b) < header {
		return 0, errCut
	}
	n := int(binary.LittleEndian.Uint16(b[2:]))
	least := header + 1 + 2
	if b[4]&crcBit == 0 {
		least--
	}
	switch {
	case n > MaxFrame:
		return 0, errTooLong
	case n < least || b[4]&^(sequence|crcBit|blockBit) != 0:
		return 0, errNoFrame
	}
	return n, nil
}

// CRC is the sum of 16 bits that ends a frame: polynomial 0x1021, begun with
// 0x1d0f.
func CRC(b []byte) uint16 {
	crc := uint16(0x1d0f)
	for _, c := range b {
		crc ^= uint16(c) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

func sum(b []byte) byte {
	var total byte
	for _, c := range b {
		total += c
	}
	return -total
}

// Scanner finds frames in a stream of bytes. What lies between them is left
// out, and so is a frame that was garbled; the one after it is found. The zero
// value is ready.
type Scanner struct {
	buf []byte
	bad int
}

// Write hands over bytes as they came. It keeps no more than two frames can
// need.
func (s *Scanner) Write(b []byte) {
	s.buf = append(s.buf, b...)
	if extra := len(s.buf) - 2*MaxFrame; extra > 0 {
		s.buf = append(s.buf[:0], s.buf[extra:]...)
		s.bad++
	}
}

// Next returns the next frame and how it stood on the wire; false: it is not
// all there yet.
func (s *Scanner) Next() (f Frame, wire []byte, found bool) {
	for {
		at := bytes.IndexByte(s.buf, start)
		if at < 0 {
			s.buf = s.buf[:0]
			return Frame{}, nil, false
		}
		s.buf = s.buf[at:]
		n, err := length(s.buf)
		if errors.Is(err, errCut) || err == nil && n > len(s.buf) {
			return Frame{}, nil, false
		}
		if err == nil {
			f, err = Decode(s.buf[:n])
		}
		if err != nil {
			s.bad++
			s.buf = s.buf[1:]
			continue
		}
		wire = bytes.Clone(s.buf[:n])
		s.buf = s.buf[n:]
		return f, wire, true
	}
}

// Reset forgets what has come so far: a frame that was begun will not be ended.
func (s *Scanner) Reset() { s.buf = s.buf[:0] }

// Garbled counts what looked like a frame and was none.
func (s *Scanner) Garbled() int { return s.bad }
