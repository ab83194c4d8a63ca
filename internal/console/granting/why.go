// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The limits of looking for a code that somebody reads out. Several decisions
// may have the same one: the newest is meant.
const (
	codeDays = 14
	codeMost = 2000
)

// why finds a decision by the short code that a refused person reads out.
func (p pages) why(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	code := strings.ToUpper(clip(r.URL.Query().Get("code")))
	if len(code) == 6 {
		o, book := console.Who(ctx).Operator, p.Hall.Book()
		for _, kind := range []sashlock.EventKind{sashlock.AccessDenied, sashlock.AccessDeferred} {
			events, err := p.Store.Events(ctx, store.EventQuery{Kind: string(kind), Since: p.Now().Add(-codeDays * 24 * time.Hour), Newest: true, Limit: codeMost})
			if err != nil {
				return err
			}
			for _, e := range events {
				at := book.Openings[e.Opening]
				if (sashlock.Decision{ID: e.Decision}).Code() == code && o.Sees(at.Site, at.Area) {
					return console.Back(w, r, "/decisions/"+url.PathEscape(string(e.Decision)))
				}
			}
		}
	}
	h := head(ctx, lang.T(ctx, "Why was somebody refused?"))
	return p.Show(w, r, h, whyPage(code))
}
