// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// reader takes a packet's body apart. The first thing that is wrong stays; from
// then on everything read is empty.
type reader struct {
	left []byte
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err, r.left = err, nil
	}
}

func (r *reader) take(n int, what string) []byte {
	if n > len(r.left) {
		r.fail(malformed("the %s is cut off", what))
		return nil
	}
	b := r.left[:n:n]
	r.left = r.left[n:]
	return b
}

func (r *reader) byte(what string) byte {
	if b := r.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) two(what string) uint16 {
	if b := r.take(2, what); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) four(what string) uint32 {
	if b := r.take(4, what); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) varint(what string) uint32 {
	v, n, err := readVarint(r.left)
	switch {
	case err != nil:
		r.fail(err)
	case n == 0:
		r.fail(malformed("the %s is cut off", what))
	default:
		r.left = r.left[n:]
	}
	return v
}

// data reads bytes that stand behind their length.
func (r *reader) data(what string) []byte {
	return r.take(int(r.two(what)), what)
}

func (r *reader) text(what string) string {
	b := r.data(what)
	if err := goodText(string(b), what); err != nil {
		r.fail(err)
		return ""
	}
	return string(b)
}

// topic reads the name of a topic to publish to.
func (r *reader) topic(what string) string {
	t := r.text(what)
	if r.err == nil {
		if err := goodTopic(t, what); err != nil {
			r.fail(err)
		}
	}
	return t
}

// filter reads a topic to subscribe to, in which wildcards may stand.
func (r *reader) filter() string {
	t := r.text("topic filter")
	if r.err == nil {
		if err := goodFilter(t); err != nil {
			r.fail(err)
		}
	}
	return t
}

// id reads the identifier of a packet.
func (r *reader) id() uint16 {
	id := r.two("packet identifier")
	if r.err == nil && id == 0 {
		r.fail(wrong(ProtocolError, "the packet identifier is 0"))
	}
	return id
}

// end returns what was wrong, or that something was left.
func (r *reader) end() error {
	if r.err == nil && len(r.left) > 0 {
		return malformed("%d bytes follow the end of the packet", len(r.left))
	}
	return r.err
}

// readVarint reads an integer of one to four bytes; n is 0 when it is cut off.
// Longer forms than needed are refused, as the standard demands.
func readVarint(b []byte) (v uint32, n int, err error) {
	for n < 4 {
		if n == len(b) {
			return 0, 0, nil
		}
		digit := b[n]
		v |= uint32(digit&0x7f) << (7 * n)
		n++
		if digit&0x80 == 0 {
			if digit == 0 && n > 1 {
				return 0, 0, malformed("a length is written with more bytes than it needs")
			}
			return v, n, nil
		}
	}
	return 0, 0, malformed("a length has more than four bytes")
}

func appendVarint(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

const longest = 1<<16 - 1 // bytes of a text

func goodText(s, what string) error {
	switch {
	case len(s) > longest:
		return malformed("the %s is longer than %d bytes", what, longest)
	case !utf8.ValidString(s):
		return malformed("the %s is not well-formed UTF-8", what)
	case strings.ContainsRune(s, 0):
		return malformed("the %s contains U+0000", what)
	}
	return nil
}

func goodTopic(s, what string) error {
	switch {
	case s == "" || strings.ContainsAny(s, "+#"):
		return wrong(BadTopic, "the %s is empty or contains a wildcard", what)
	case len(s) > MaxTopic:
		return wrong(BadTopic, "the %s is longer than %d bytes", what, MaxTopic)
	}
	return nil
}

// goodFilter checks where wildcards stand: each fills a level, # the last.
func goodFilter(s string) error {
	switch {
	case s == "":
		return wrong(ProtocolError, "a topic filter is empty")
	case len(s) > MaxTopic:
		return wrong(BadFilter, "a topic filter is longer than %d bytes", MaxTopic)
	case !strings.ContainsAny(s, "+#"):
		return nil
	}
	levels := strings.Split(s, "/")
	for i, level := range levels {
		switch {
		case level == "+", level == "#" && i == len(levels)-1:
		case strings.ContainsAny(level, "+#"):
			return wrong(BadFilter, "a wildcard stands where none may")
		}
	}
	return nil
}

// writer puts a packet's body together.
type writer struct {
	b   []byte
	err error
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) byte(b byte)   { w.b = append(w.b, b) }
func (w *writer) two(v uint16)  { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *writer) four(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }

func (w *writer) data(b []byte, what string) {
	if len(b) > longest {
		w.fail(malformed("the %s is longer than %d bytes", what, longest))
		return
	}
	w.two(uint16(len(b))) //nolint:gosec // checked above
	w.b = append(w.b, b...)
}

func (w *writer) text(s, what string) {
	if err := goodText(s, what); err != nil {
		w.fail(err)
		return
	}
	w.two(uint16(len(s))) //nolint:gosec // checked by goodText
	w.b = append(w.b, s...)
}

func (w *writer) topic(s, what string) {
	if err := goodTopic(s, what); err != nil {
		w.fail(err)
	}
	w.text(s, what)
}

func (w *writer) id(id uint16) {
	if id == 0 {
		w.fail(wrong(ProtocolError, "the packet identifier is 0"))
	}
	w.two(id)
}
