// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/files"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// AppliedFile is a file that was applied under a name, and what has drifted from it.
type AppliedFile struct {
	Name    string              `json:"name" example:"store.yaml"`
	Objects int                 `json:"objects" doc:"How many objects it declares"`
	Applied time.Time           `json:"applied" doc:"When it was applied last"`
	By      sashlock.OperatorID `json:"operator,omitempty" doc:"Who applied it last"`
	Drift   []AppliedStep       `json:"drift" doc:"What applying it again would do; in a change, from is how the object stands"`
}

func (a *API) fileRoutes() {
	tags := []string{"estate"}
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodGet, Path: "/v1/estate/files", OperationID: "list-file", Tags: tags,
		Summary: "Which files declare what, and what has drifted from them",
	}, a.listFiles)
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/estate/files/{ref}", OperationID: "forget-file", Tags: tags,
		Summary: "Forget a file: what it declares stays as it is and belongs to no file", DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *refInput) (*struct{}, error) {
		return nil, a.Forget(ctx, caller(ctx).ID, in.Ref)
	})
}

func (a *API) listFiles(ctx context.Context, in *Paging) (*pageAnswer[AppliedFile], error) {
	all, err := a.Drift(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]AppliedFile, len(all))
	for i, d := range all {
		out[i] = AppliedFile{Name: d.Name, Objects: d.Objects, Applied: d.Applied, By: d.By, Drift: []AppliedStep{}}
		for _, s := range d.Steps {
			out[i].Drift = append(out[i].Drift, AppliedStep{Step: s, Line: s.String()})
		}
	}
	return paged(*in, ascending, out, func(f AppliedFile) string { return f.Name })
}

// Drift compares every file that was applied under a name with what is declared
// at the same moment.
func (a *API) Drift(ctx context.Context) (all []files.Drifted, err error) {
	var have estate.File
	var kept []files.File
	err = a.view(ctx, func(q store.Query) (err error) {
		if kept, err = files.List(q); err != nil || len(kept) == 0 {
			return err
		}
		have, err = declaredNow(q)
		return err
	})
	return files.Drift(have, kept), err
}

// Forget lets go of what a file declares.
func (a *API) Forget(ctx context.Context, by sashlock.OperatorID, name string) error {
	_, err := a.Hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		e, err := files.Forget(tx, name)
		return flow.Edit{Events: []sashlock.Event{e}}, err
	}})
	return err
}
