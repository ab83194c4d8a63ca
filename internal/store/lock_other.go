// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package store

import (
	"os"

	"github.com/sashlock/sashlock"
)

// lockFile takes an exclusive lock by creating a file. A crash leaves it behind.
func lockFile(path string) (closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		return nil, lockedByOther(path, err)
	}
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "opening the store", Subject: path, Hint: "check that the data folder exists and may be written", Err: err}
	}
	return &createdLock{f}, nil
}

type createdLock struct{ f *os.File }

// Close gives the lock up.
func (l *createdLock) Close() error {
	if err := l.f.Close(); err != nil {
		return err
	}
	return os.Remove(l.f.Name())
}

// freeBytes cannot tell here.
func freeBytes(string) int64 { return -1 }
