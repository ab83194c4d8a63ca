// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package main

import "syscall"

// permissionsCount says that file modes tell who may read a file.
const permissionsCount = true

// freeDisk returns how many bytes are free for us where a folder is.
func freeDisk(dir string) (int64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
