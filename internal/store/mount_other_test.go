// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package store

import (
	"os"
	"testing"
)

// mountSmall cannot be done here.
func mountSmall(t *testing.T, _, _ string) {
	t.Helper()
	if os.Getenv("SASHLOCK_REQUIRE") != "" {
		t.Fatal("needs Linux to mount a small file system")
	}
	t.Skip("needs Linux to mount a small file system")
}
