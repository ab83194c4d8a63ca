// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Format is the value of the "format" field of an evidence bundle.
const Format = "sashlock-evidence/1"

// Limits of an evidence bundle. They are generous for evidence of one incident
// and keep a hostile file from exhausting the auditor's machine.
const (
	MaxBundleBytes = 64 << 20 // length of the whole file
	MaxEntries     = 100_000  // statements in one bundle
	MaxBodyBytes   = 1 << 20  // length of one body
)

// Bundle is an evidence bundle: statements about entries of one ledger, and all
// that is needed to check them offline, except the key to trust.
type Bundle struct {
	Origin     string // name of the ledger
	Checkpoint string // signed note that every proof of the bundle leads to
	// VerifierKey is the key the sender says is the store's. It informs only:
	// a forger would put his own key here. May be empty.
	VerifierKey string
	Entries     []Statement
	Consistency *Consistency // nil if the bundle refers to no older checkpoint
}

// Statement says of one entry that it is in the ledger. An entry that was not
// erased has Body and Salt, an erased one has only its Commitment.
type Statement struct {
	Seq    int64  // sequence number, from 0
	Erased bool   // body and salt were erased; Commitment is what is left
	Body   []byte // exact bytes of the event, nil if erased
	Salt   []byte // [SaltSize] bytes, nil if erased
	Proof  tlog.RecordProof
	// Commitment is required for erased entries. For others it may be zero; if
	// it is given, it must agree, and tells an altered body from a wrong proof.
	Commitment Commitment
}

// Consistency ties the bundle's checkpoint to an older one of the same ledger,
// for instance one that the auditor wrote down last year.
type Consistency struct {
	Checkpoint string         // the older signed note
	Proof      tlog.TreeProof // RFC 6962 consistency proof from the older size to the newer
}

// bundleFile, statementFile and consistencyFile are the JSON shape of a bundle,
// used to write it. Reading goes through the strict decoder in decode.go.
type bundleFile struct {
	Format      string           `json:"format"`
	Origin      string           `json:"origin"`
	Checkpoint  string           `json:"checkpoint"`
	VerifierKey string           `json:"verifier_key,omitempty"`
	Entries     []statementFile  `json:"entries"`
	Consistency *consistencyFile `json:"consistency,omitempty"`
}

type statementFile struct {
	Seq        int64       `json:"seq"`
	Erased     bool        `json:"erased,omitempty"`
	Body       []byte      `json:"body,omitempty"`
	Salt       []byte      `json:"salt,omitempty"`
	Commitment []byte      `json:"commitment,omitempty"`
	Proof      []tlog.Hash `json:"proof"`
}

type consistencyFile struct {
	Checkpoint string      `json:"checkpoint"`
	Proof      []tlog.Hash `json:"proof"`
}

// Encode returns the bundle as the indented JSON that [DecodeBundle] reads. It
// fails if the bundle is one that DecodeBundle would refuse.
func (b *Bundle) Encode() ([]byte, error) {
	file := bundleFile{
		Format: Format, Origin: b.Origin, Checkpoint: b.Checkpoint, VerifierKey: b.VerifierKey,
		Entries: make([]statementFile, 0, len(b.Entries)),
	}
	for _, s := range b.Entries {
		f := statementFile{Seq: s.Seq, Erased: s.Erased, Body: s.Body, Salt: s.Salt, Proof: hashes(s.Proof)}
		if s.Commitment != (Commitment{}) {
			f.Commitment = s.Commitment[:]
		}
		file.Entries = append(file.Entries, f)
	}
	if c := b.Consistency; c != nil {
		file.Consistency = &consistencyFile{Checkpoint: c.Checkpoint, Proof: hashes(c.Proof)}
	}
	data, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return nil, fmt.Errorf("writing the evidence bundle: %w", err)
	}
	data = append(data, '\n')
	if _, err := DecodeBundle(data); err != nil {
		return nil, fmt.Errorf("writing the evidence bundle: %w", err)
	}
	return data, nil
}

// hashes returns h as a list that encodes as [] rather than null when empty.
func hashes[T ~[]tlog.Hash](h T) []tlog.Hash {
	if h == nil {
		return []tlog.Hash{}
	}
	return h
}
