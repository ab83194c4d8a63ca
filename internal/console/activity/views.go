// SPDX-License-Identifier: Apache-2.0

package activity

import (
	"net/http"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/search"
	"github.com/sashlock/sashlock/internal/store"
)

// mostViews is how many searches one operator can keep.
const mostViews = 50

// view is a search that an operator keeps under a name.
type view struct{ ID, Name, Search string }

// views lists those of an operator, by name.
func views(q store.Query, of sashlock.OperatorID) ([]view, error) {
	return store.Rows(q, func(scan store.Scan) (v view, err error) {
		return v, scan(&v.ID, &v.Name, &v.Search)
	}, `SELECT id, name, search FROM views WHERE operator = ? ORDER BY name`, of)
}

// keep saves the search that is shown.
func (p pages) keep(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := p.Form(w, r); err != nil {
		return err
	}
	v := view{Name: strings.TrimSpace(r.FormValue("name")), Search: r.FormValue("q")}
	if fix := sashlock.CheckName(v.Name); fix != "" {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "keeping search", Subject: "name", Hint: fix}
	}
	if _, err := search.Parse(v.Search); err != nil {
		return err
	}
	who := console.Who(ctx).Operator.ID
	_, err := p.Hall.Change(ctx, flow.Change{Operator: who, Make: func(tx *store.Tx) (flow.Edit, error) {
		have, err := views(tx, who)
		if err != nil {
			return flow.Edit{}, err
		}
		v.ID = "view_" + strings.ToLower(ulid.MustNew(ulid.Timestamp(tx.Now()), ulid.DefaultEntropy()).String())
		for _, old := range have {
			if old.Name == v.Name {
				v.ID = old.ID
			}
		}
		if len(have) >= mostViews {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Limit, Op: "keeping search", Hint: lang.T(ctx, "50 searches are kept already: remove one first")}
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.ViewSaved, Subject: v.ID}}},
			tx.Put("views", "id", store.Fields{"id": v.ID, "operator": who, "name": v.Name, "search": v.Search, "created": store.Micros(time.Now())})
	}})
	if err != nil {
		return err
	}
	return console.Back(w, r, asked{}.address("/activity", v.Search, 0))
}

// forget removes a search that was kept.
func (p pages) forget(w http.ResponseWriter, r *http.Request) error {
	who := console.Who(r.Context()).Operator.ID
	id := r.PathValue("id")
	_, err := p.Hall.Change(r.Context(), flow.Change{Operator: who, Make: func(tx *store.Tx) (flow.Edit, error) {
		done, err := tx.Exec(`DELETE FROM views WHERE id = ? AND operator = ?`, id, who)
		if err != nil {
			return flow.Edit{}, err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "removing search", Subject: id, Hint: "there is no such search"}
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.ViewRemoved, Subject: id}}}, nil
	}})
	if err != nil {
		return err
	}
	return console.Back(w, r, "/activity")
}
