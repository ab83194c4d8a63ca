// SPDX-License-Identifier: Apache-2.0

// Package docs holds the documents themselves, so that a store without a
// network has them too: the console shows them under /docs.
package docs

import "embed"

// Files are the documents, by their path below this folder.
//
//go:embed *.md guide runbooks reference decisions
var Files embed.FS
