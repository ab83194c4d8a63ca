// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Behalf is whoever is signed in, as the room of approvals asks for them.
func Behalf(ctx context.Context) approvals.By {
	o := Who(ctx).Operator
	return approvals.By{
		ID: o.ID, Person: o.Person,
		May: func(scope string) bool { return o.May(signin.Scope(scope)) },
		Sees: func(site sashlock.SiteID, area sashlock.AreaID) bool {
			if site == "" {
				return len(o.Sites)+len(o.Areas) == 0
			}
			return o.Sees(site, area)
		},
	}
}

// Propose holds a change back until a second operator confirms it, on behalf of
// whoever is signed in, and returns where it waits. What is wrong with the
// reason is an error of kind invalid about the field reason.
func (f *Frame) Propose(ctx context.Context, kind string, form any, rev int64, reason string) (path string, err error) {
	text, err := json.Marshal(form)
	if err != nil {
		return "", &sashlock.Error{Kind: sashlock.Internal, Op: "proposing", Err: err}
	}
	p, err := f.Approvals.Propose(ctx, Behalf(ctx), kind, text, rev, reason)
	return "/access/changes?proposed#" + p.ID, err
}

// ProposeChange lets what somebody changed wait for a second operator, and shows
// where. Rev is the revision of the one object, 0 for a new one.
func (f *Frame) ProposeChange(w http.ResponseWriter, r *http.Request, kind string, change approvals.Change, rev int64) error {
	path, err := f.Propose(r.Context(), kind, change, rev, lang.T(r.Context(), "Changed in the console"))
	if err != nil {
		return err
	}
	return Back(w, r, path)
}

// HintOf is what an error says that whoever caused it can do, to be translated.
func HintOf(err error) string {
	var e *sashlock.Error
	if errors.As(err, &e) && e.Hint != "" {
		return e.Hint
	}
	return Sentence(err)
}

type waitingKey struct{}

// waiting is how much waits for somebody to answer, where whoever is signed in
// sees it. It is looked up when a page asks.
type waiting struct{ requests, changes string }

// Waiting tells the tabs of access how many requests and changes wait.
func Waiting(ctx context.Context) (requests, changes string) {
	if look, known := ctx.Value(waitingKey{}).(func(context.Context) waiting); known {
		w := look(ctx)
		return w.requests, w.changes
	}
	return "", ""
}

// waits counts what waits.
func (f *Frame) waits(ctx context.Context) waiting {
	if f.Approvals == nil {
		return waiting{}
	}
	var n, m int
	err := f.Store.View(ctx, func(q store.Query) (err error) {
		n, m, err = approvals.Tally(q, Behalf(ctx), f.Hall.Book())
		return err
	})
	if err != nil {
		f.Log.Error("waiting requests not counted", logkey.Err(err))
	}
	return waiting{number(n), number(m)}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// HeldWords say that a change waits instead of being made.
func HeldWords(ctx context.Context) string {
	return lang.T(ctx, "A second operator has to confirm this: it waits for them, and nothing changes until then.")
}
