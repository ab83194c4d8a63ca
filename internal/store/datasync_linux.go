// SPDX-License-Identifier: Apache-2.0

//go:build linux

package store

import (
	"os"
	"syscall"
)

// datasync waits until the file's contents are on disk. The journal's space is
// there and written already, so there is no metadata to wait for.
func datasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return err
		}
	}
}
