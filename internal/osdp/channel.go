// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
)

// KeySize is the size of a key, in bytes.
const KeySize = 16

// Key is the secret that a panel and one reader share. It never prints.
type Key [KeySize]byte

// String keeps a key out of whatever is printed.
func (Key) String() string { return "(key)" }

// GoString does the same for %#v.
func (Key) GoString() string { return "(key)" }

// DefaultKey is the key of readers as they leave the factory. Everybody knows
// it.
func DefaultKey() (k Key) {
	for i := range k {
		k[i] = byte(0x30 + i)
	}
	return k
}

// Weak says why a key is none, in words; empty: nothing is known against it.
func (k Key) Weak() string {
	steady, printable := true, true
	for i := range k {
		steady = steady && (i < 2 || k[i]-k[i-1] == k[1]-k[0])
		printable = printable && k[i] >= ' ' && k[i] <= '~'
	}
	switch {
	case k == DefaultKey():
		return "it is the key that every reader has when it leaves the factory"
	case steady:
		return "its bytes count, or are all the same"
	case printable:
		return "it is text"
	}
	return ""
}

// ErrBroken is the error of a channel that is at its end: what came was not made
// by who has the key, or not for this moment.
var ErrBroken = errors.New("osdp: the secure channel is broken")

// session are the keys that both sides derive for one connection.
type session struct {
	enc, mac1, mac2 cipher.Block
	panel, reader   [8]byte // the random numbers
}

func derive(key Key, panel, reader [8]byte) *session {
	base := block(key[:])
	make3 := func(second byte) cipher.Block {
		text := [KeySize]byte{0x01, second}
		copy(text[2:8], panel[:6])
		base.Encrypt(text[:], text[:])
		return block(text[:])
	}
	return &session{enc: make3(0x82), mac1: make3(0x01), mac2: make3(0x02), panel: panel, reader: reader}
}

func block(key []byte) cipher.Block {
	b, err := aes.NewCipher(key)
	if err != nil {
		panic("osdp: a key has 16 bytes") // the type says so
	}
	return b
}

// proof is what shows that one side has the key: the reader's over the panel's
// number and its own, the panel's the other way round.
func (s *session) proof(first, second [8]byte) (out [KeySize]byte) {
	copy(out[:8], first[:])
	copy(out[8:], second[:])
	s.enc.Encrypt(out[:], out[:])
	return out
}

// begin is the channel after a panel's proof: the first code follows from it.
func (s *session) begin() *Channel {
	c := &Channel{keys: s}
	first := s.proof(s.reader, s.panel)
	s.mac1.Encrypt(c.reply[:], first[:])
	s.mac2.Encrypt(c.reply[:], c.reply[:])
	return c
}

// Handshake is the panel's side of agreeing on a channel. Make one with
// [NewHandshake] for each connection, with a fresh random number.
type Handshake struct {
	key      Key
	factory  bool
	random   [8]byte
	keys     *session
	finished bool
}

// NewHandshake begins to agree on a channel with a reader. factory tells the
// reader that its factory key is meant.
func NewHandshake(key Key, factory bool, random [8]byte) *Handshake {
	return &Handshake{key: key, factory: factory, random: random}
}

func (h *Handshake) which() []byte {
	if h.factory {
		return []byte{0}
	}
	return []byte{1}
}

// Challenge is the first message.
func (h *Handshake) Challenge() Frame {
	return Frame{Security: Challenge, Block: h.which(), Code: CHLNG, Data: bytes.Clone(h.random[:])}
}

// Prove checks the reader's answer to the challenge and returns the second
// message.
func (h *Handshake) Prove(answer Frame) (Frame, error) {
	if answer.Code != CCRYPT || answer.Security != ChallengeBack || !bytes.Equal(answer.Block, h.which()) || len(answer.Data) != 32 || h.keys != nil {
		return Frame{}, ErrBroken
	}
	var theirs [8]byte
	copy(theirs[:], answer.Data[8:16])
	h.keys = derive(h.key, h.random, theirs)
	want := h.keys.proof(h.random, theirs)
	if subtle.ConstantTimeCompare(want[:], answer.Data[16:]) != 1 {
		return Frame{}, ErrBroken
	}
	ours := h.keys.proof(theirs, h.random)
	return Frame{Security: Proof, Block: h.which(), Code: SCRYPT, Data: ours[:]}, nil
}

// Finish checks the reader's last answer and returns the channel.
func (h *Handshake) Finish(answer Frame) (*Channel, error) {
	if answer.Code != RMACI || answer.Security != ProofBack || !bytes.Equal(answer.Block, []byte{1}) || h.keys == nil || h.finished {
		return nil, ErrBroken
	}
	h.finished = true
	c := h.keys.begin()
	if subtle.ConstantTimeCompare(c.reply[:], answer.Data) != 1 {
		return nil, ErrBroken
	}
	return c, nil
}

// Answering is the reader's side of agreeing on a channel.
type Answering struct {
	keys  *session
	block []byte
}

// Answer answers a challenge as the reader with an identifier, and with a fresh
// random number.
func Answer(key Key, challenge Frame, id, random [8]byte) (*Answering, Frame, error) {
	if challenge.Code != CHLNG || challenge.Security != Challenge || len(challenge.Data) != 8 || len(challenge.Block) != 1 {
		return nil, Frame{}, ErrBroken
	}
	var theirs [8]byte
	copy(theirs[:], challenge.Data)
	a := &Answering{keys: derive(key, theirs, random), block: bytes.Clone(challenge.Block)}
	proof := a.keys.proof(theirs, random)
	data := append(append(append([]byte{}, id[:]...), random[:]...), proof[:]...)
	return a, Frame{Reply: true, Security: ChallengeBack, Block: a.block, Code: CCRYPT, Data: data}, nil
}

// Confirm checks the panel's proof and returns the channel, and the message that
// ends the handshake.
func (a *Answering) Confirm(proof Frame) (*Channel, Frame, error) {
	want := a.keys.proof(a.keys.reader, a.keys.panel)
	if proof.Code != SCRYPT || proof.Security != Proof || subtle.ConstantTimeCompare(want[:], proof.Data) != 1 {
		return nil, Frame{}, ErrBroken
	}
	c := a.keys.begin()
	return c, Frame{Reply: true, Security: ProofBack, Block: []byte{1}, Code: RMACI, Data: bytes.Clone(c.reply[:])}, nil
}

// Channel seals and opens the frames of one connection, in the order in which
// they go. It is not safe for concurrent use.
type Channel struct {
	keys         *session
	order, reply [KeySize]byte // the last code of each direction
	asked        bool          // the next frame is a reply: they take turns, or a reply could be played twice
	broken       bool
}

// chain returns the code that a frame of one direction continues, and the one
// that it sets.
func (c *Channel) chain(reply bool) (before, set *[KeySize]byte) {
	if reply {
		return &c.order, &c.reply
	}
	return &c.reply, &c.order
}

// Seal encrypts the data of a frame and signs it. What it returns is to be sent
// as it is, and again as it is when it must be repeated.
func (c *Channel) Seal(f Frame) (Frame, error) {
	if c.broken || f.Reply != c.asked {
		c.broken = true
		return Frame{}, ErrBroken
	}
	before, set := c.chain(f.Reply)
	f.Security, f.Block = SignedOrder, nil
	if len(f.Data) > 0 {
		f.Security = SealedOrder
		f.Data = pad(f.Data)
		cipher.NewCBCEncrypter(c.keys.enc, inverted(before)).CryptBlocks(f.Data, f.Data)
	}
	if f.Reply {
		f.Security++
	}
	code := c.keys.code(before, f.body())
	copy(f.MAC[:], code[:])
	*set, c.asked = code, !f.Reply
	return f, nil
}

// Open checks a frame and returns it with its data in clear. After an error the
// channel is broken.
func (c *Channel) Open(f Frame) (Frame, error) {
	before, set := c.chain(f.Reply)
	sealed := f.Security == SealedOrder || f.Security == SealedReply
	if c.broken || !f.Signed() || f.Reply != c.asked {
		c.broken = true
		return Frame{}, ErrBroken
	}
	code := c.keys.code(before, f.body())
	if subtle.ConstantTimeCompare(code[:macLength], f.MAC[:]) != 1 {
		c.broken = true
		return Frame{}, ErrBroken
	}
	if !sealed && len(f.Data) > 0 && !mayBeRead(f) {
		c.broken = true
		return Frame{}, ErrBroken
	}
	if sealed {
		data, ok := c.decrypt(f.Data, before)
		if !ok {
			c.broken = true
			return Frame{}, ErrBroken
		}
		f.Data = data
	}
	*set, c.asked = code, !f.Reply
	return f, nil
}

// mayBeRead reports whether a message may come authenticated but not encrypted.
// There are readers that send so how their inputs and outputs stand; a card or a
// key never may.
func mayBeRead(f Frame) bool {
	return f.Reply && (f.Code == NAK || f.Code == LSTATR || f.Code == ISTATR || f.Code == OSTATR)
}

func (c *Channel) decrypt(data []byte, before *[KeySize]byte) ([]byte, bool) {
	if len(data) == 0 { // there are readers that encrypt nothing
		return nil, true
	}
	if len(data)%KeySize != 0 {
		return nil, false
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(c.keys.enc, inverted(before)).CryptBlocks(out, data)
	out = bytes.TrimRight(out, "\x00")
	if len(out) == 0 || out[len(out)-1] != 0x80 {
		return nil, false
	}
	return out[:len(out)-1], true
}

// code is the code of authentication of a message: CBC with the first key, the
// last block with the second.
func (s *session) code(before *[KeySize]byte, message []byte) (out [KeySize]byte) {
	if len(message)%KeySize != 0 {
		message = pad(message)
	}
	out = *before
	for i := 0; i < len(message); i += KeySize {
		subtle.XORBytes(out[:], out[:], message[i:i+KeySize])
		if i+KeySize < len(message) {
			s.mac1.Encrypt(out[:], out[:])
		} else {
			s.mac2.Encrypt(out[:], out[:])
		}
	}
	return out
}

// pad adds a mark and as many zeroes as fill the last block.
func pad(b []byte) []byte {
	out := make([]byte, (len(b)/KeySize+1)*KeySize)
	copy(out, b)
	out[len(b)] = 0x80
	return out
}

func inverted(code *[KeySize]byte) []byte {
	out := make([]byte, KeySize)
	for i, b := range code {
		out[i] = ^b
	}
	return out
}
