// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// said is one line of a conversation that an independent implementation had
// with itself (libosdp 3.2, both sides), each frame with its mark.
type said struct {
	what string
	wire string
}

var conversation = []said{
	{"ID", "ff53050900046100c125"},
	{"PDID", "ff538514000445bebafe0101afbeaddeaddead01b9"},
	{"CAP", "ff53050900056200a247"},
	{"PDCAP", "ff5385230005460101020201020303010402010501010801000901000a0001100200898b"},
	{"CHLNG", "ff530513000c03110176b4e802de601f2e73f868"},
	{"CCRYPT", "ff53852b000c03120176beba0100afbeadde080491424beb9dba66700b376a81f490bc737da7da118b92c16b"},
	{"SCRYPT", "ff53051b000d03130177aef0fe34cd392ba6023e4099426c985cd2dc"},
	{"RMAC_I", "ff53851b000d03140178106b37e2387d84a39aaa699c0c1b12fa356d"},
	{"POLL", "ff53050e000e0215605a6c9fc0b76a"},
	{"ACK", "ff53850e000e0216402271b72e6270"},
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t testing.TB, text string) Frame {
	t.Helper()
	f, err := Decode(unhex(t, text)[1:])
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

func written(f Frame) string { return hex.EncodeToString(f.Append([]byte{Mark})) }

func TestEveryFrameIsWrittenAsItWasRead(t *testing.T) {
	plain := []said{
		{"POLL", "ff530508000660deef"}, {"ACK", "ff5385080006406ce9"},
		{"RAW", "ff53851000065000011a009d3b9f40fc19"}, {"KEYPAD", "ff53850f00075300053437313123963b"},
		{"OUT", "ff53050c000568000532003665"}, {"LED", "ff5305160006690000010a0002001e000000000000874f"},
		{"LSTATR", "ff53850a00074801006460"},
	}
	for _, s := range append(plain, conversation...) {
		if got := written(decode(t, s.wire)); got != s.wire {
			t.Errorf("%s: written %s, was %s", s.what, got, s.wire)
		}
	}
}

// The panel's half of the conversation is made anew, from the key and the random
// number alone, and must be the same byte for byte.
func TestPanelSpeaksAsAnotherImplementationDoes(t *testing.T) {
	at := func(f Frame, sequence byte) string {
		f.Address, f.Sequence = 5, sequence
		return written(f)
	}
	want := func(i int, got string) {
		t.Helper()
		if got != conversation[i].wire {
			t.Errorf("%s: %s, want %s", conversation[i].what, got, conversation[i].wire)
		}
	}
	want(0, at(Frame{Code: ID, Data: []byte{0}}, 0))
	want(2, at(Frame{Code: CAP, Data: []byte{0}}, 1))
	var random [8]byte
	copy(random[:], decode(t, conversation[4].wire).Data)
	h := NewHandshake(DefaultKey(), false, random)
	want(4, at(h.Challenge(), 0))
	proof, err := h.Prove(decode(t, conversation[5].wire))
	if err != nil {
		t.Fatal(err)
	}
	want(6, at(proof, 1))
	c, err := h.Finish(decode(t, conversation[7].wire))
	if err != nil {
		t.Fatal(err)
	}
	poll, err := c.Seal(Frame{Address: 5, Sequence: 2, Code: POLL})
	if err != nil {
		t.Fatal(err)
	}
	want(8, written(poll))
	ack, err := c.Open(decode(t, conversation[9].wire))
	if err != nil || ack.Code != ACK {
		t.Errorf("the answer to the poll: %v, %v", ack.Code, err)
	}
}

// The reader's half likewise.
func TestReaderSpeaksAsAnotherImplementationDoes(t *testing.T) {
	theirs := decode(t, conversation[5].wire)
	var id, random [8]byte
	copy(id[:], theirs.Data)
	copy(random[:], theirs.Data[8:])
	a, answer, err := Answer(DefaultKey(), decode(t, conversation[4].wire), id, random)
	if err != nil {
		t.Fatal(err)
	}
	answer.Address = 5
	if got := written(answer); got != conversation[5].wire {
		t.Errorf("CCRYPT: %s, want %s", got, conversation[5].wire)
	}
	c, last, err := a.Confirm(decode(t, conversation[6].wire))
	if err != nil {
		t.Fatal(err)
	}
	last.Address, last.Sequence = 5, 1
	if got := written(last); got != conversation[7].wire {
		t.Errorf("RMAC_I: %s, want %s", got, conversation[7].wire)
	}
	if _, err := c.Open(decode(t, conversation[8].wire)); err != nil {
		t.Fatal(err)
	}
	ack, err := c.Seal(Frame{Address: 5, Reply: true, Sequence: 2, Code: ACK})
	if err != nil || written(ack) != conversation[9].wire {
		t.Errorf("ACK: %s, %v, want %s", written(ack), err, conversation[9].wire)
	}
}

func TestWhatIsInMessages(t *testing.T) {
	id, ok := ReadIdentity(decode(t, conversation[1].wire).Data)
	want := Identity{Vendor: [3]byte{0xbe, 0xba, 0xfe}, Model: 1, Version: 1, Serial: 0xdeadbeaf, Firmware: [3]byte{0xad, 0xde, 0xad}}
	if !ok || id != want || !bytes.Equal(id.Bytes(), decode(t, conversation[1].wire).Data) || id.Maker() != "BE-BA-FE" || id.Release() != "173.222.173" {
		t.Errorf("identity %+v, %v, want %+v", id, ok, want)
	}
	can, ok := ReadCapabilities(decode(t, conversation[3].wire).Data)
	if !ok || can[CanOutputs] != (Capability{1, 2}) || can[CanSecure] != (Capability{1, 0}) || can[CanMatch] != (Capability{}) {
		t.Errorf("capabilities %v, %v", can, ok)
	}
	card := decode(t, "ff53851000065000011a009d3b9f40fc19").Data
	reader, bits, ok := ReadCard(card)
	if !ok || reader != 0 || bits != "10011101001110111001111101" || !bytes.Equal(Card(0, bits), card) {
		t.Errorf("card %q of reader %d, %v", bits, reader, ok)
	}
	if _, keys, ok := ReadKeys(decode(t, "ff53850f00075300053437313123963b").Data); !ok || string(keys) != "4711#" {
		t.Errorf("keys, %v", ok)
	}
	if tampered, power, ok := ReadStatus(decode(t, "ff53850a00074801006460").Data); !ok || !tampered || power {
		t.Errorf("status %v %v %v", tampered, power, ok)
	}
	out := decode(t, "ff53050c000568000532003665").Data
	if !bytes.Equal(Switch(0, OnFor, 5*time.Second), out) {
		t.Errorf("OUT for 5 s: %x, want %x", Switch(0, OnFor, 5*time.Second), out)
	}
	if output, how, during, ok := ReadSwitch(out); !ok || output != 0 || how != OnFor || during != 5*time.Second {
		t.Errorf("OUT read as %d %d %v %v", output, how, during, ok)
	}
	if got := Switch(3, OnFor, time.Hour*1000); got[2] != 0xff || got[3] != 0xff {
		t.Errorf("a time beyond all: %x", got)
	}
	if got := Switch(3, On, time.Second); !bytes.Equal(got, []byte{3, 2, 0, 0}) {
		t.Errorf("on for good: %x", got)
	}
	if c, during, ok := ReadLight(Light(0, Green, false, 3*time.Second)); !ok || c != Green || during != 3*time.Second {
		t.Errorf("light %v %v %v", c, during, ok)
	}
	key := Key{9, 8, 7}
	if k, ok := ReadKey(NewKey(key)); !ok || k != key {
		t.Error("a KEYSET does not read as it was written")
	}
	if m, ok := ReadMatch([]byte{0, 0, 0xf0}); !ok || m != (Match{0, 0, 0xf0}) {
		t.Errorf("match %+v", m)
	}
}

func TestWeakKeys(t *testing.T) {
	for name, k := range map[string]Key{
		"factory": DefaultKey(), "zero": {}, "counting": {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		"text": Key([]byte("correct horse ba")), "threes": {0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45},
	} {
		if k.Weak() == "" {
			t.Errorf("%s is taken for a good key", name)
		}
	}
	good := Key{0x8f, 1, 0x92, 3, 0xee, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	if why := good.Weak(); why != "" {
		t.Errorf("a good key: %s", why)
	}
	if text := fmt.Sprintf("%v %s %+v %#v %x", good, good, struct{ K Key }{good}, good, good); bytes.Contains([]byte(text), []byte("8f")) || bytes.Contains([]byte(text), []byte("143")) {
		t.Errorf("a key was printed: %s", text)
	}
}

// pair is a channel with both its ends.
func pair(t testing.TB, key Key) (panel, reader *Channel) {
	t.Helper()
	h := NewHandshake(key, false, [8]byte{1, 2, 3})
	a, answer, err := Answer(key, h.Challenge(), [8]byte{7}, [8]byte{4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := h.Prove(answer)
	if err != nil {
		t.Fatal(err)
	}
	reader, last, err := a.Confirm(proof)
	if err != nil {
		t.Fatal(err)
	}
	if panel, err = h.Finish(last); err != nil {
		t.Fatal(err)
	}
	return panel, reader
}

func TestChannelCarriesEverythingInOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		panel, reader := pair(t, Key{1, 9, 3})
		for i := range rapid.IntRange(1, 12).Draw(r, "frames") {
			f := Frame{Address: 5, Reply: i%2 == 1, Sequence: byte(i%3 + 1), Code: rapid.Byte().Draw(r, "code"), Checksum: rapid.Bool().Draw(r, "checksum")}
			f.Data = rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(r, "data")
			from, to := panel, reader
			if f.Reply {
				from, to = reader, panel
			}
			sealed, err := from.Seal(f)
			if err != nil {
				r.Fatal(err)
			}
			if len(f.Data) > 4 && bytes.Contains(sealed.Append(nil), f.Data) {
				r.Fatal("the data goes in clear")
			}
			heard, err := Decode(sealed.Append(nil))
			if err != nil {
				r.Fatal(err)
			}
			got, err := to.Open(heard)
			if err != nil || got.Code != f.Code || !bytes.Equal(got.Data, f.Data) {
				r.Fatalf("frame %d came as %x %x, %v, was %x %x", i, got.Code, got.Data, err, f.Code, f.Data)
			}
		}
	})
}

func TestChannelBreaksForGood(t *testing.T) {
	card := Frame{Address: 5, Reply: true, Sequence: 1, Code: RAW, Data: Card(0, "10011101001110111001111101")}
	for name, spoil := range map[string]func(panel, reader *Channel) Frame{
		"a bit of the data": func(_, reader *Channel) Frame {
			f, _ := reader.Seal(card)
			f.Data[3] ^= 1
			return f
		},
		"a bit of the code":       func(_, reader *Channel) Frame { f, _ := reader.Seal(card); f.MAC[0] ^= 1; return f },
		"another kind of message": func(_, reader *Channel) Frame { f, _ := reader.Seal(card); f.Code = KEYPAD; return f },
		"another reader":          func(_, reader *Channel) Frame { f, _ := reader.Seal(card); f.Address = 6; return f },
		"in clear":                func(_, _ *Channel) Frame { return card },
		"signed only":             func(_, reader *Channel) Frame { f, _ := reader.Seal(card); f.Security = SignedReply; return f },
		"said twice":              func(panel, reader *Channel) Frame { f, _ := reader.Seal(card); _, _ = panel.Open(f); return f },
		"our own, sent back": func(panel, _ *Channel) Frame {
			_, other := pair(t, Key{1, 9, 3})
			ask, _ := panel.Seal(Frame{Address: 5, Code: POLL})
			_, _ = other.Open(ask)
			ask.Reply, ask.Security = true, SignedReply
			return ask
		},
		"of the last connection": func(_, _ *Channel) Frame {
			before, old := pair(t, Key{2, 2, 7})
			ask, _ := before.Seal(Frame{Address: 5, Code: POLL})
			_, _ = old.Open(ask)
			f, _ := old.Seal(card)
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			panel, reader := pair(t, Key{1, 9, 3})
			ask, _ := panel.Seal(Frame{Address: 5, Code: POLL})
			if _, err := reader.Open(ask); err != nil {
				t.Fatal(err)
			}
			if _, err := panel.Open(spoil(panel, reader)); !errors.Is(err, ErrBroken) {
				t.Errorf("opened: %v", err)
			}
			if f, err := reader.Seal(card); err == nil {
				if _, err := panel.Open(f); !errors.Is(err, ErrBroken) {
					t.Errorf("a broken channel opened the next frame: %v", err)
				}
			}
			if _, err := panel.Seal(Frame{Code: POLL}); !errors.Is(err, ErrBroken) {
				t.Errorf("a broken channel seals: %v", err)
			}
		})
	}
}

// There are readers that sign how they stand without encrypting it, and call it
// an order's signature. That is taken; a card that comes so is not.
func TestWhatMayComeUnencrypted(t *testing.T) {
	for _, test := range []struct {
		code byte
		fine bool
	}{{NAK, true}, {LSTATR, true}, {ISTATR, true}, {OSTATR, true}, {RAW, false}, {KEYPAD, false}, {BIOREADR, false}} {
		for _, kind := range []byte{SignedOrder, SignedReply} {
			panel, reader := pair(t, Key{1, 9, 3})
			ask, _ := panel.Seal(Frame{Address: 5, Code: POLL})
			if _, err := reader.Open(ask); err != nil {
				t.Fatal(err)
			}
			f := Frame{Address: 5, Reply: true, Security: kind, Code: test.code, Data: []byte{1, 0}}
			code := reader.keys.code(&reader.order, f.body())
			copy(f.MAC[:], code[:])
			if _, err := panel.Open(f); (err == nil) != test.fine {
				t.Errorf("%02x signed as %02x: %v", test.code, kind, err)
			}
		}
	}
}

func TestHandshakeRefuses(t *testing.T) {
	good := Key{1, 9, 3}
	for name, run := range map[string]func() error{
		"another key": func() error {
			h := NewHandshake(good, false, [8]byte{1})
			_, answer, _ := Answer(Key{1, 9, 4}, h.Challenge(), [8]byte{}, [8]byte{2})
			_, err := h.Prove(answer)
			return err
		},
		"the factory key instead": func() error {
			h := NewHandshake(good, false, [8]byte{1})
			_, answer, _ := Answer(good, h.Challenge(), [8]byte{}, [8]byte{2})
			answer.Block = []byte{0}
			_, err := h.Prove(answer)
			return err
		},
		"a panel without the key": func() error {
			h := NewHandshake(good, false, [8]byte{1})
			a, _, _ := Answer(good, h.Challenge(), [8]byte{}, [8]byte{2})
			_, _, err := a.Confirm(Frame{Security: Proof, Code: SCRYPT, Data: make([]byte, 16)})
			return err
		},
		"a wrong end": func() error {
			h := NewHandshake(good, false, [8]byte{1})
			a, answer, _ := Answer(good, h.Challenge(), [8]byte{}, [8]byte{2})
			proof, _ := h.Prove(answer)
			_, last, _ := a.Confirm(proof)
			last.Data[5] ^= 1
			_, err := h.Finish(last)
			return err
		},
		"an end without a beginning": func() error {
			_, err := NewHandshake(good, false, [8]byte{1}).Finish(Frame{Security: ProofBack, Block: []byte{1}, Code: RMACI, Data: make([]byte, 16)})
			return err
		},
	} {
		if err := run(); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScannerFindsWhatIsThere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var s Scanner
		var want []string
		for range rapid.IntRange(1, 8).Draw(r, "frames") {
			noise := rapid.SliceOfN(rapid.ByteRange(0x54, 0xff), 0, 20).Draw(r, "noise")
			f := Frame{Address: rapid.ByteRange(0, 0x7e).Draw(r, "address"), Code: rapid.Byte().Draw(r, "code"), Data: rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(r, "data")}
			text := f.Append(nil)
			want = append(want, hex.EncodeToString(text))
			s.Write(append(append(noise, Mark), text...))
		}
		var got []string
		for {
			_, wire, found := s.Next()
			if !found {
				break
			}
			got = append(got, hex.EncodeToString(wire))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("found other frames:\n%s", diff)
		}
	})
	var s Scanner
	bad := unhex(t, "530508000660deef")
	bad[5] ^= 4
	s.Write(bad)
	s.Write(unhex(t, "530508000660deef"))
	if f, _, found := s.Next(); !found || f.Code != POLL || s.Garbled() == 0 {
		t.Errorf("behind a garbled frame: %v %+v, %d garbled", found, f, s.Garbled())
	}
	s.Write(bytes.Repeat([]byte{start, 5, 0xa0, 0x05, 4}, 10_000))
	if len(s.buf) > 2*MaxFrame {
		t.Errorf("it keeps %d bytes", len(s.buf))
	}
}

func FuzzFrame(f *testing.F) {
	for _, s := range conversation {
		f.Add(unhex(f, s.wire))
	}
	f.Add([]byte{start, 0, 8, 0, 0x0c, 2, 0x15, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if frame, err := Decode(b); err == nil {
			if again := frame.Append(nil); !bytes.Equal(again, b) {
				t.Errorf("read %x, wrote %x", b, again)
			}
			_, _ = ReadIdentity(frame.Data)
			_, _ = ReadCapabilities(frame.Data)
			_, _, _ = ReadCard(frame.Data)
			_, _, _ = ReadKeys(frame.Data)
			_, _, _, _ = ReadSwitch(frame.Data)
		}
		var s Scanner
		s.Write(b)
		for {
			if _, wire, found := s.Next(); !found {
				break
			} else if len(wire) > MaxFrame {
				t.Errorf("a frame of %d bytes", len(wire))
			}
		}
	})
}

// FuzzChannel hands a panel whatever comes in place of a reader's answers: none
// of it may be believed.
func FuzzChannel(f *testing.F) {
	f.Add(unhex(f, conversation[5].wire)[1:], byte(0))
	f.Add(unhex(f, conversation[7].wire)[1:], byte(1))
	f.Add(unhex(f, conversation[9].wire)[1:], byte(2))
	f.Fuzz(func(t *testing.T, b []byte, stage byte) {
		frame, err := Decode(b)
		if err != nil {
			return
		}
		key := Key{0x91, 2, 0x33}
		h := NewHandshake(key, false, [8]byte{1, 2, 3})
		if stage%3 == 0 {
			if _, err := h.Prove(frame); err == nil {
				t.Error("a made-up proof was believed")
			}
			return
		}
		_, answer, _ := Answer(key, h.Challenge(), [8]byte{7}, [8]byte{4, 5, 6})
		if _, err := h.Prove(answer); err != nil {
			t.Fatal(err)
		}
		if stage%3 == 1 {
			if _, err := h.Finish(frame); err == nil {
				t.Error("a made-up end was believed")
			}
			return
		}
		panel, _ := pair(t, key)
		if _, err := panel.Open(frame); err == nil {
			t.Error("a made-up frame was opened")
		}
	})
}
