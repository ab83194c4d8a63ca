// SPDX-License-Identifier: Apache-2.0

//go:build linux

package store

import (
	"os"
	"syscall"
	"testing"
)

// mountSmall mounts a small file system in memory on dir until the end of the
// test.
func mountSmall(t *testing.T, dir, size string) {
	t.Helper()
	if os.Geteuid() != 0 && os.Getenv("SASHLOCK_REQUIRE") != "" {
		t.Fatal("needs root to mount a small file system")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small file system")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
}
