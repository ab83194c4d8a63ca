// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sashlock/sashlock/internal/osdp"
)

// The rules are:
//
//  1. Each reader has a key of its own, in a file of its own that only its owner
//     may read. It is made here, by chance, and by nobody else.
//  2. A new key is on disk before the reader is told of it, under another name.
//     When the reader has taken it, it gets its own. Whatever happens between,
//     one of the two is the reader's.
//  3. A reader that has a key is never given another one by this driver: only
//     who takes the file away begins anew.

// vault keeps the keys of readers in a folder.
type vault struct{ folder string }

func (v vault) path(address byte) string {
	return filepath.Join(v.folder, fmt.Sprintf("reader-%d.key", address))
}

// next is where a key waits that the reader may or may not have taken.
func (v vault) next(address byte) string { return v.path(address) + ".next" }

// keys returns the keys that a reader may have, likeliest first; none: it was
// given none. settled is whether the first one is known to be the reader's.
func (v vault) keys(address byte) (all []osdp.Key, settled bool, err error) {
	for _, path := range []string{v.path(address), v.next(address)} {
		k, err := readKey(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		settled = settled || path == v.path(address)
		all = append(all, k)
	}
	return all, settled, nil
}

// propose returns a new key for a reader that has none. It is on disk already;
// one that was proposed before is proposed again.
func (v vault) propose(address byte) (osdp.Key, error) {
	if k, err := readKey(v.next(address)); !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	var k osdp.Key
	for k.Weak() != "" {
		_, _ = rand.Read(k[:]) // it never fails
	}
	if err := os.MkdirAll(v.folder, 0o700); err != nil {
		return k, err
	}
	f, err := os.OpenFile(v.next(address), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return k, err
	}
	_, err = f.WriteString(hex.EncodeToString(k[:]) + "\n")
	return k, errors.Join(err, f.Sync(), f.Close(), syncFolder(v.folder))
}

// settle notes that the reader has the proposed key.
func (v vault) settle(address byte) error {
	if err := os.Rename(v.next(address), v.path(address)); err != nil {
		return err
	}
	return syncFolder(v.folder)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readKey reads a key. Its errors do not repeat what is in the file.
func readKey(path string) (k osdp.Key, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return k, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return k, fmt.Errorf("%s may be read by others: take that right away (chmod 600)", filepath.Base(path))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return k, err
	}
	b, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(b) != osdp.KeySize {
		return k, fmt.Errorf("%s is no key: it needs %d digits", filepath.Base(path), 2*osdp.KeySize)
	}
	copy(k[:], b)
	if why := k.Weak(); why != "" {
		return k, fmt.Errorf("%s is a weak key: %s", filepath.Base(path), why)
	}
	return k, nil
}
