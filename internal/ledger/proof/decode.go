// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

// The rules are:
//   - every statement has one meaning: field names are matched exactly (the
//     standard decoder ignores case), once each, and unknown ones are refused
//   - numbers are plain decimals, base64 has one spelling, hashes are 32 bytes
//   - limits are checked before memory is spent on what exceeds them
//   - white space and JSON string escapes are free, for they change no meaning

// DecodeBundle reads an evidence bundle strictly. It checks the form only;
// whether the bundle is true is for [Verify] to find out. The error names the
// sequence number or, where that cannot be read, the place in the list.
func DecodeBundle(data []byte) (*Bundle, error) {
	if len(data) > MaxBundleBytes {
		return nil, fmt.Errorf("the bundle is longer than %d bytes", MaxBundleBytes)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("the bundle is not valid UTF-8")
	}
	if !json.Valid(data) {
		return nil, errors.New("the bundle is not one well-formed JSON value")
	}
	r := &reader{json.NewDecoder(bytes.NewReader(data))}
	r.dec.UseNumber()
	b, err := r.bundle()
	if err != nil {
		return nil, err
	}
	return b, nil
}

// reader walks JSON token by token. Its input is known to be well formed.
type reader struct{ dec *json.Decoder }

func (r *reader) bundle() (*Bundle, error) {
	b := &Bundle{}
	var format string
	err := r.object([]field{
		{"format", required, func() error { return r.text(&format, 64) }},
		{"origin", required, func() error { return r.text(&b.Origin, 1024) }},
		{"checkpoint", required, func() error { return r.text(&b.Checkpoint, MaxCheckpointBytes) }},
		{"verifier_key", optional, func() error { return r.text(&b.VerifierKey, 4096) }},
		{"entries", required, func() error { return r.statements(&b.Entries) }},
		{"consistency", optional, func() error { return r.consistency(&b.Consistency) }},
	})
	switch {
	case format != "" && format != Format:
		return nil, fmt.Errorf("the bundle's format is %q; this program reads %q", clip(format), Format)
	case err != nil:
		return nil, fmt.Errorf("reading the bundle: %w", err)
	case format != Format:
		return nil, errors.New("the bundle's format is empty")
	case len(b.Entries) == 0 && b.Consistency == nil:
		return nil, errors.New("the bundle states nothing: it has no entries and no older checkpoint")
	}
	if b.VerifierKey != "" {
		if _, err := ParseKey(b.VerifierKey); err != nil {
			return nil, fmt.Errorf("reading the bundle: %w", err)
		}
	}
	return b, nil
}

func (r *reader) statements(list *[]Statement) error {
	place := make(map[int64]int)
	return r.array(MaxEntries, func(i int) error {
		s := Statement{Seq: Whole}
		err := r.statement(&s)
		if err == nil {
			err = checkShape(s)
		}
		if err != nil && s.Seq >= 0 {
			return fmt.Errorf("entry %d: %w", s.Seq, err)
		}
		if err != nil {
			return fmt.Errorf("entry at place %d of the list: %w", i+1, err)
		}
		if first, again := place[s.Seq]; again {
			return fmt.Errorf("entry %d appears twice, at places %d and %d of the list", s.Seq, first+1, i+1)
		}
		place[s.Seq] = i
		*list = append(*list, s)
		return nil
	})
}

func (r *reader) statement(s *Statement) error {
	var commitment []byte
	err := r.object([]field{
		{"seq", required, func() error { return r.number(&s.Seq) }},
		{"erased", optional, func() error { return r.yes(&s.Erased) }},
		{"body", optional, func() error { return r.bytes(&s.Body, MaxBodyBytes) }},
		{"salt", optional, func() error { return r.bytes(&s.Salt, SaltSize) }},
		{"commitment", optional, func() error { return r.bytes(&commitment, len(s.Commitment)) }},
		{"proof", required, func() error { return r.hashes((*[]tlog.Hash)(&s.Proof)) }},
	})
	if err != nil {
		return err
	}
	if commitment != nil && (len(commitment) != len(s.Commitment) || Commitment(commitment) == (Commitment{})) {
		return errors.New("the commitment is not a hash of 32 bytes")
	}
	copy(s.Commitment[:], commitment)
	return nil
}

// checkShape checks which fields stand together.
func checkShape(s Statement) error {
	switch {
	case s.Erased && (s.Body != nil || s.Salt != nil):
		return errors.New("it is said to be erased, yet has a body or a salt")
	case s.Erased && s.Commitment == (Commitment{}):
		return errors.New("it is said to be erased and lacks its commitment")
	case s.Erased:
		return nil
	case len(s.Body) == 0:
		return errors.New("it has no body and is not said to be erased")
	case len(s.Salt) != SaltSize:
		return fmt.Errorf("its salt is %d bytes long instead of %d", len(s.Salt), SaltSize)
	}
	return nil
}

func (r *reader) consistency(c **Consistency) error {
	v := &Consistency{}
	err := r.object([]field{
		{"checkpoint", required, func() error { return r.text(&v.Checkpoint, MaxCheckpointBytes) }},
		{"proof", required, func() error { return r.hashes((*[]tlog.Hash)(&v.Proof)) }},
	})
	*c = v
	return err
}

// need says whether an object must have a field.
type need bool

const (
	required need = true
	optional need = false
)

// field is one field that an object may have, and how its value is read.
type field struct {
	name string
	need need
	read func() error
}

// object reads an object that has the given fields and no others.
func (r *reader) object(fields []field) error {
	if err := r.open('{', "an object"); err != nil {
		return err
	}
	seen := make([]bool, len(fields))
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		i := indexField(fields, name)
		if i < 0 {
			return fmt.Errorf("unknown field %q", clip(name))
		}
		if seen[i] {
			return fmt.Errorf("the field %q appears twice", name)
		}
		seen[i] = true
		if err := fields[i].read(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for i, f := range fields {
		if f.need == required && !seen[i] {
			return fmt.Errorf("the field %q is missing", f.name)
		}
	}
	_, err := r.dec.Token() // the closing brace
	return err
}

func indexField(fields []field, name string) int {
	for i, f := range fields {
		if f.name == name {
			return i
		}
	}
	return -1
}

// array reads an array of at most limit values.
func (r *reader) array(limit int, item func(i int) error) error {
	if err := r.open('[', "a list"); err != nil {
		return err
	}
	for i := 0; r.dec.More(); i++ {
		if i >= limit {
			return fmt.Errorf("more than %d values", limit)
		}
		if err := item(i); err != nil {
			return err
		}
	}
	_, err := r.dec.Token() // the closing bracket
	return err
}

func (r *reader) open(want json.Delim, what string) error {
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("must be %s", what)
	}
	return nil
}

func (r *reader) text(s *string, limit int) error {
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	v, ok := token.(string)
	if !ok {
		return errors.New("must be a string")
	}
	if v == "" {
		return errors.New("must not be empty")
	}
	if len(v) > limit {
		return fmt.Errorf("is longer than %d bytes", limit)
	}
	*s = v
	return nil
}

func (r *reader) number(n *int64) error {
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	v, ok := token.(json.Number)
	if !ok {
		return errors.New("must be a number")
	}
	i, err := strconv.ParseInt(v.String(), 10, 64)
	if err != nil || i < 0 || i >= MaxTreeSize || strconv.FormatInt(i, 10) != v.String() {
		return fmt.Errorf("must be a whole number from 0 to %d in plain digits", int64(MaxTreeSize)-1)
	}
	*n = i
	return nil
}

func (r *reader) yes(b *bool) error {
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	if token != true {
		return errors.New("must be true, or be left out")
	}
	*b = true
	return nil
}

func (r *reader) bytes(b *[]byte, limit int) error {
	var s string
	if err := r.text(&s, (limit+2)/3*4); err != nil {
		return err
	}
	v, err := decodeBase64(s)
	if err != nil {
		return err
	}
	if len(v) > limit {
		return fmt.Errorf("is longer than %d bytes", limit)
	}
	*b = v
	return nil
}

func (r *reader) hashes(list *[]tlog.Hash) error {
	return r.array(maxProofHashes, func(i int) error {
		var b []byte
		if err := r.bytes(&b, tlog.HashSize); err != nil {
			return fmt.Errorf("hash %d: %w", i+1, err)
		}
		if len(b) != tlog.HashSize {
			return fmt.Errorf("hash %d is %d bytes long instead of %d", i+1, len(b), tlog.HashSize)
		}
		*list = append(*list, tlog.Hash(b))
		return nil
	})
}
