// SPDX-License-Identifier: Apache-2.0

//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"

	"github.com/sashlock/sashlock"
)

// lockFile takes an exclusive lock that the kernel drops when the process ends,
// however it ends. Readers do not ask for it.
func lockFile(path string) (closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "opening the store", Subject: path, Hint: "check that the data folder exists and may be written", Err: err}
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(lockedByOther(path, err), f.Close())
	}
	return f, nil
}

// freeBytes returns how much an ordinary process may still write to the file
// system that path is on, or -1 if that cannot be told.
func freeBytes(path string) int64 {
	var fs syscall.Statfs_t
	if syscall.Statfs(path, &fs) != nil {
		return -1
	}
	return int64(fs.Bavail) * int64(fs.Bsize)
}
