// SPDX-License-Identifier: Apache-2.0

package tally

import (
	"context"

	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// Keep counts what there is, as [Run] does.
func Keep(ctx context.Context, s *store.Store, b *flow.Book) error {
	k := newKeeper(s)
	for {
		if more, err := k.advance(ctx, b); err != nil || !more {
			return err
		}
	}
}
