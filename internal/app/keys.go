// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
)

// Keys are the secrets of a store node. They are made by [Init], on the spot:
// no two store nodes share one, and none is ever shipped.
type Keys struct {
	Ledger   note.Signer        // signs checkpoints
	Verifier string             // its public half, for auditors
	Command  ed25519.PrivateKey // signs commands to devices
}

const (
	ledgerKeyFile   = "ledger.key"
	verifierKeyFile = "ledger.pub"
	commandKeyFile  = "command.key"
)

func keyFolder(data string) string { return filepath.Join(data, "keys") }

// ReadKeys reads the keys of a data folder.
func ReadKeys(data string) (Keys, error) {
	read := func(name string) ([]byte, error) {
		text, err := os.ReadFile(filepath.Join(keyFolder(data), name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &sashlock.Error{Kind: sashlock.NotFound, Op: "reading keys", Subject: data, Hint: "this folder was not set up: run sashlock init --data " + data}
		}
		return bytes.TrimSpace(text), err
	}
	var k Keys
	skey, err := read(ledgerKeyFile)
	if err != nil {
		return k, err
	}
	if k.Ledger, err = note.NewSigner(string(skey)); err != nil {
		return k, damaged(ledgerKeyFile, err)
	}
	verifier, err := read(verifierKeyFile)
	if err != nil {
		return k, err
	}
	k.Verifier = string(verifier)
	if v, err := note.NewVerifier(k.Verifier); err != nil || v.KeyHash() != k.Ledger.KeyHash() {
		return k, damaged(verifierKeyFile, errors.Join(err, errors.New("it does not belong to "+ledgerKeyFile)))
	}
	text, err := read(commandKeyFile)
	if err != nil {
		return k, err
	}
	seed, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(seed) != ed25519.SeedSize {
		return k, damaged(commandKeyFile, err)
	}
	k.Command = ed25519.NewKeyFromSeed(seed)
	return k, nil
}

func damaged(name string, err error) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading keys", Subject: name, Hint: "restore this file from a backup: it is not a key", Err: err}
}

// makeKeys writes new keys. It never overwrites one.
func makeKeys(data, origin string) error {
	if err := os.MkdirAll(keyFolder(data), 0o700); err != nil {
		return err
	}
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return err
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return err
	}
	for name, text := range map[string]string{
		ledgerKeyFile: skey, verifierKeyFile: vkey, commandKeyFile: base64.StdEncoding.EncodeToString(seed),
	} {
		if err := writeNew(filepath.Join(keyFolder(data), name), []byte(text+"\n")); err != nil {
			return err
		}
	}
	return nil
}

// writeNew writes a file that only the owner may read, durably, and fails if it
// is there already.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// newOrigin makes a name for a ledger that no other has.
func newOrigin() (string, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return "sashlock.local/" + hex.EncodeToString(b[:]), nil
}
