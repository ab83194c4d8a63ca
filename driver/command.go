// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"

	"github.com/sashlock/sashlock"
)

// The rules are:
//
//  1. A signed command is a version byte, an Ed25519 signature (RFC 8032) of
//     64 bytes, and the command as JSON: nothing before, between or after.
//  2. What is signed is commandDomain followed by the JSON, so that a
//     signature made for anything else can never pass for a command's. The
//     version is part of the domain.
//  3. The signature is checked before a byte of the JSON is looked at.
//  4. Each command has exactly one JSON form. Opening a message writes the
//     command again and compares: unknown fields, repeated keys, other
//     spellings, spaces and trailing bytes are all refused by that one check.

const (
	commandVersion = 1
	commandDomain  = "sashlock command v1\n"
	payloadAt      = 1 + ed25519.SignatureSize
	maxPayload     = 1 << 10
)

// SignCommand writes a command in its signed form: what a store node sends to
// the [Gate] in front of a driver. Times are written in UTC.
//
// It returns nil for a command that no gate could take: one without an
// identifier, site, opening, device or times, with an unknown verb, a release
// that lasts no time, or longer than 1 KiB when written.
func SignCommand(key ed25519.PrivateKey, c sashlock.Command) []byte {
	payload, err := writeCommand(c)
	if err != nil {
		return nil
	}
	// Round trip: identifiers that are not valid UTF-8 would be mended by the
	// encoder, and a command must arrive as it was meant or not at all.
	if again, err := readCommand(payload); err != nil || again.ID != c.ID || again.Site != c.Site ||
		again.Opening != c.Opening || again.Device != c.Device || again.Address != c.Address || again.Decision != c.Decision {
		return nil
	}
	msg := make([]byte, 0, payloadAt+len(payload))
	msg = append(msg, commandVersion)
	msg = append(msg, ed25519.Sign(key, signedBytes(payload))...)
	return append(msg, payload...)
}

// OpenCommand checks a message made by [SignCommand] and returns its command.
// The error is a sashlock.Error: of kind denied when the signature is not the
// key's, of kind invalid when the message does not have the form. It says
// nothing about whether the command may be executed now: that is the [Gate]'s.
func OpenCommand(pub ed25519.PublicKey, msg []byte) (sashlock.Command, error) {
	switch {
	case len(pub) != ed25519.PublicKeySize:
		return sashlock.Command{}, badCommand(sashlock.Internal, "the public key does not have 32 bytes", nil)
	case len(msg) <= payloadAt:
		return sashlock.Command{}, badCommand(sashlock.Invalid, "the message is too short", nil)
	case len(msg) > payloadAt+maxPayload:
		return sashlock.Command{}, badCommand(sashlock.Invalid, "the message is too long", nil)
	case msg[0] != commandVersion:
		return sashlock.Command{}, badCommand(sashlock.Invalid, "the version of the message is unknown", nil)
	}
	signature, payload := msg[1:payloadAt], msg[payloadAt:]
	if !ed25519.Verify(pub, signedBytes(payload), signature) {
		return sashlock.Command{}, badCommand(sashlock.Denied, "the signature is not this site's", nil)
	}
	c, err := readCommand(payload)
	if err != nil {
		return sashlock.Command{}, badCommand(sashlock.Invalid, "the message is not a command", err)
	}
	return c, nil
}

func badCommand(kind sashlock.Kind, hint string, cause error) error {
	return &sashlock.Error{Kind: kind, Op: "opening signed command", Hint: hint, Err: cause}
}

func signedBytes(payload []byte) []byte {
	return append([]byte(commandDomain), payload...)
}

// writeCommand returns the one JSON form of a command.
func writeCommand(c sashlock.Command) ([]byte, error) {
	c.Issued, c.Expires = c.Issued.UTC(), c.Expires.UTC()
	payload, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	if len(payload) > maxPayload {
		return nil, errors.New("it is longer than 1 KiB")
	}
	return payload, nil
}

// readCommand reads the one JSON form of a command and refuses every other.
func readCommand(payload []byte) (sashlock.Command, error) {
	var c sashlock.Command
	if err := json.Unmarshal(payload, &c); err != nil {
		return sashlock.Command{}, err
	}
	if err := whole(c); err != nil {
		return sashlock.Command{}, err
	}
	again, err := writeCommand(c)
	if err != nil {
		return sashlock.Command{}, err
	}
	if !bytes.Equal(again, payload) {
		return sashlock.Command{}, errors.New("it is not written in the one form a command has")
	}
	return c, nil
}

// whole says what a command lacks.
func whole(c sashlock.Command) error {
	switch {
	case c.ID == "" || c.Site == "" || c.Opening == "" || c.Device == "":
		return errors.New("its id, site, opening or device is missing")
	case c.Issued.IsZero() || c.Expires.IsZero():
		return errors.New("it does not say when it was issued and when it expires")
	case c.Verb != sashlock.DoRelease && c.Verb != sashlock.DoUnlock && c.Verb != sashlock.DoLock:
		return errors.New("its verb is unknown")
	case c.For < 0 || c.Verb == sashlock.DoRelease && c.For == 0:
		return errors.New("a release must last some time")
	}
	return nil
}
