// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package store

import "os"

// datasync waits until the file is on disk.
func datasync(f *os.File) error { return f.Sync() }
