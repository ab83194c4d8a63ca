// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxTreeSize is the largest ledger, in entries, that this package accepts. It
// is far beyond any real one (a trillion entries) and keeps untrusted sizes
// away from the limits of 64-bit arithmetic, where tree algorithms go astray.
const MaxTreeSize = 1 << 40

// MaxCheckpointBytes is the longest signed checkpoint that is read.
const MaxCheckpointBytes = 64 << 10

// Checkpoint is the statement of one checkpoint: "the ledger named Origin has
// Size entries and their Merkle root is Root" (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string    // name of the ledger, equal to the name of the key that signs it
	Size   int64     // number of entries
	Root   tlog.Hash // Merkle root over the leaf hashes of all entries
	// Extensions are further lines of the checkpoint body, opaque here.
	Extensions []string
}

// Text returns the checkpoint body in its one canonical form, which is what
// gets signed. It ends in a line break.
func (c Checkpoint) Text() string {
	return string(c.appendText(make([]byte, 0, 128)))
}

// appendText appends what Text returns to b.
func (c Checkpoint) appendText(b []byte) []byte {
	b = append(b, c.Origin...)
	b = append(b, '\n')
	b = strconv.AppendInt(b, c.Size, 10)
	b = append(b, '\n')
	b = base64.StdEncoding.AppendEncode(b, c.Root[:])
	b = append(b, '\n')
	for _, line := range c.Extensions {
		b = append(append(b, line...), '\n')
	}
	return b
}

// OpenCheckpoint checks a signed checkpoint and returns what it states. At
// least one verifier whose name is the checkpoint's origin must have signed it,
// and every signature that a given verifier recognises must be good. Further
// verifiers may be those of witnesses; signatures by unknown keys are ignored.
//
// The form is checked strictly: canonical decimal size, canonical base64 in
// root and signatures, no empty extension line, one signature a key, nothing
// after the signatures.
func OpenCheckpoint(text string, verifiers ...note.Verifier) (Checkpoint, error) {
	if len(text) > MaxCheckpointBytes {
		return Checkpoint{}, fmt.Errorf("the checkpoint is longer than %d bytes", MaxCheckpointBytes)
	}
	if err := checkSignatureLines(text); err != nil {
		return Checkpoint{}, err
	}
	signed, err := note.Open([]byte(text), note.VerifierList(verifiers...))
	if err != nil {
		return Checkpoint{}, explainNoteError(err, verifiers)
	}
	c, err := parseCheckpoint(signed.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, s := range signed.Sigs {
		if s.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("the checkpoint is of the ledger %q, which none of the trusted keys belongs to", c.Origin)
}

// explainNoteError puts the errors of package note in words an auditor can act on.
func explainNoteError(err error, verifiers []note.Verifier) error {
	var invalid *note.InvalidSignatureError
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &invalid):
		return fmt.Errorf("the signature of %s on the checkpoint is wrong: the checkpoint or its signature was altered", invalid.Name)
	case errors.As(err, &unverified):
		names := make([]string, 0, len(verifiers))
		for _, v := range verifiers {
			names = append(names, fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash()))
		}
		return fmt.Errorf("the checkpoint is not signed by this key (%s)", strings.Join(names, ", "))
	}
	return fmt.Errorf("the checkpoint is not a well-formed signed note: %w", err)
}

// parseCheckpoint reads a checkpoint body. It parses and then compares with the
// canonical form, so that every statement has exactly one accepted spelling.
func parseCheckpoint(body string) (Checkpoint, error) {
	lines := strings.Split(body, "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" {
		return Checkpoint{}, errors.New("the checkpoint has fewer than three lines")
	}
	lines = lines[:len(lines)-1]
	c := Checkpoint{Origin: lines[0]}
	if c.Origin == "" {
		return Checkpoint{}, errors.New("the checkpoint names no origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > MaxTreeSize {
		return Checkpoint{}, fmt.Errorf("the checkpoint's size %q is not a number from 0 to %d", clip(lines[1]), int64(MaxTreeSize))
	}
	c.Size = size
	root, err := decodeBase64(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, errors.New("the checkpoint's root is not a base64 hash of 32 bytes")
	}
	copy(c.Root[:], root)
	for _, line := range lines[3:] {
		if line == "" {
			return Checkpoint{}, errors.New("the checkpoint has an empty extension line")
		}
		c.Extensions = append(c.Extensions, line)
	}
	if c.Text() != body {
		return Checkpoint{}, errors.New("the checkpoint is not in canonical form")
	}
	return c, nil
}

// checkSignatureLines refuses what package note tolerates: a signature in loose
// base64, which could be rewritten without breaking it, and a second signature
// by the same key, which note would not even look at.
func checkSignatureLines(text string) error {
	_, after, found := cutLast(text, "\n\n")
	if !found {
		return errors.New("the checkpoint carries no signature")
	}
	type keyID struct {
		name string
		hash uint32
	}
	seen := make(map[keyID]bool)
	for line := range strings.Lines(after) {
		rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "— ")
		name, b64, found := strings.Cut(rest, " ")
		if !ok || !found {
			return errors.New("the checkpoint has a malformed signature line")
		}
		raw, err := decodeBase64(b64)
		if err != nil || len(raw) < 5 {
			return fmt.Errorf("the signature of %s on the checkpoint is not well-formed base64", clip(name))
		}
		id := keyID{name, binary.BigEndian.Uint32(raw)}
		if seen[id] {
			return fmt.Errorf("the checkpoint has two signatures by the same key of %s", clip(name))
		}
		seen[id] = true
	}
	return nil
}

// cutLast cuts s around the last occurrence of sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// clip shortens untrusted text for use in a message.
func clip(s string) string {
	const limit = 80
	if len(s) > limit {
		return s[:limit] + "…"
	}
	return s
}
