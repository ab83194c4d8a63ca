// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/latency"
)

// latency shows how quick the locks are that concern whoever is signed in.
func (p pages) latency(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	all, err := p.all(ctx)
	if err != nil {
		return err
	}
	who, book := console.Who(ctx).Operator, p.Hall.Book()
	all = slices.DeleteFunc(all, func(d sashlock.Device) bool {
		at := book.Openings[d.Opening]
		return d.Opening == "" || !who.Sees(at.Site, at.Area)
	})
	lines, err := latency.Read(ctx, p.Store, all, p.Now().Add(-latency.LookBack))
	if err != nil {
		return err
	}
	return p.Show(w, r, console.Head{
		Title: lang.T(ctx, "How quick locks are"), Section: console.InDevices, Styles: []string{"fleet.css"},
		About: lang.T(ctx, "Three times of each order, from when it was decided: until its gateway had taken it, until the lock itself said that its bolt had moved, and until the order was confirmed. From the latest orders of the last 30 days, as the ledger has them."),
	}, latencyPage(lines))
}

// lockOf is what a sort of lock is called.
func lockOf(l latency.Line) string {
	return cmp.Or(strings.TrimSpace(l.Maker+" "+l.Model), l.Driver)
}

// quick is a length of time for a table.
func quick(ctx context.Context, d time.Duration) string {
	if d >= time.Second {
		return lang.T(ctx, "%s s", strconv.FormatFloat(d.Seconds(), 'f', 1, 64))
	}
	return lang.T(ctx, "%d ms", max(1, d.Milliseconds()))
}
