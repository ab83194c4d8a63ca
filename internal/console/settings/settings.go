// SPDX-License-Identifier: Apache-2.0

// Package settings is a part of the console that has no pages yet.
package settings

import "github.com/sashlock/sashlock/internal/console"

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) { _ = pages{f} }
