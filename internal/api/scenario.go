// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// ScenarioNow is what a store does by itself, with how it stands.
type ScenarioNow struct {
	scenario.Scenario
	Rev     int64     `json:"rev" readOnly:"true" doc:"Grows with every change"`
	Running bool      `json:"running" readOnly:"true"`
	Drill   bool      `json:"drill,omitempty" readOnly:"true" doc:"It runs as a drill: nothing moves"`
	Since   time.Time `json:"since,omitzero" readOnly:"true" doc:"When it began, or began last"`
	Why     string    `json:"why,omitempty" readOnly:"true" doc:"What began it, with the values"`
	Ended   time.Time `json:"ended,omitzero" readOnly:"true" doc:"When it ended last"`
	Over    string    `json:"over,omitempty" readOnly:"true" doc:"Why it ended"`
	Held    []string  `json:"held,omitempty" readOnly:"true" doc:"Openings that it holds unlocked now"`
	Locked  []string  `json:"locked,omitempty" readOnly:"true" doc:"Openings that it locks down now"`
	Kept    []string  `json:"kept_from,omitempty" readOnly:"true" doc:"Openings that something keeps it from"`
}

type scenarioAnswer struct{ Body ScenarioNow }

type scenariosInput struct {
	Site string `query:"site" maxLength:"100" doc:"Only those of this site"`
}

type scenariosAnswer struct {
	Body struct {
		Data []ScenarioNow `json:"data"`
	}
}

type saveScenarioInput struct {
	Ref     string `path:"ref" maxLength:"40" doc:"Short name"`
	Why     string `query:"why" maxLength:"500" doc:"Why it is changed; kept with the version"`
	Rev     int64  `query:"rev" minimum:"0" doc:"The revision that was seen; refused when it is no longer the current one"`
	Preview bool   `query:"dry_run" doc:"Only say whether it could be saved"`
	Body    scenario.Scenario
}

type pressInput struct {
	Ref  string `path:"ref" maxLength:"40" doc:"Short name"`
	Body struct {
		Type string `json:"type" enum:"start,drill,stop" doc:"drill: as start, but nothing moves"`
	}
}

type testInput struct {
	Ref  string `path:"ref" maxLength:"40" doc:"Short name"`
	Days int    `query:"days" minimum:"1" maximum:"90" default:"30" doc:"How far back"`
}

// ScenarioTest is what a scenario would have done in the past.
type ScenarioTest struct {
	From  time.Time     `json:"from"`
	Until time.Time     `json:"until"`
	Runs  []ScenarioRun `json:"runs"`
	Cuts  int           `json:"cuts" doc:"How often it would have been kept from beginning once too often"`
	Whole bool          `json:"whole" doc:"False: there was more than could be looked at"`
}

// ScenarioRun is one time that it would have run.
type ScenarioRun struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended,omitzero"`
	Why   string    `json:"why"`
	Over  string    `json:"over,omitempty"`
}

type testAnswer struct{ Body ScenarioTest }

type countInput struct {
	Body struct {
		Site string    `json:"site" minLength:"1" maxLength:"100" doc:"Site: slug or identifier"`
		Kind string    `json:"kind" enum:"sales,footfall" doc:"What was counted"`
		N    int       `json:"n" minimum:"0" maximum:"1000000" doc:"How many; 0 says that somebody counts and nobody came"`
		At   time.Time `json:"at,omitzero" doc:"When; now when not given, and of the last day"`
	}
}

func (a *API) scenarioRoutes() {
	tags := []string{"scenarios"}
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/scenarios", OperationID: "list-scenario", Tags: tags, Summary: "List scenarios, those that run first",
	}, a.listScenarios)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/scenarios/{ref}", OperationID: "get-scenario", Tags: tags, Summary: "Show one scenario",
	}, func(ctx context.Context, in *refInput) (*scenarioAnswer, error) {
		k, err := a.scenario(ctx, in.Ref)
		return &scenarioAnswer{a.standing(k)}, err
	})
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPut, Path: "/v1/scenarios/{ref}", OperationID: "save-scenario", Tags: tags, Summary: "Save a scenario as its next version",
		Description: "A scenario that could open a guarded opening is refused, and so is one that never goes back.",
	}, a.saveScenario)
	register(a, signin.Access, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/scenarios/{ref}", OperationID: "remove-scenario", Tags: tags, Summary: "End a scenario and remove it",
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *refInput) (*struct{}, error) {
		return nil, a.Scenarios.Remove(ctx, caller(ctx).ID, in.Ref)
	})
	register(a, signin.Release, huma.Operation{
		Method: http.MethodPost, Path: "/v1/scenarios/{ref}/actions", OperationID: "press-scenario", Tags: tags, Summary: "Begin, drill or end a scenario by hand",
		DefaultStatus: http.StatusOK,
	}, func(ctx context.Context, in *pressInput) (*scenarioAnswer, error) {
		k, err := a.Scenarios.Press(ctx, caller(ctx).ID, in.Ref, scenario.Press(in.Body.Type))
		return &scenarioAnswer{a.standing(k)}, err
	})
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/scenarios/{ref}/test", OperationID: "test-scenario", Tags: tags,
		Summary: "Tell when a scenario would have run in the past",
	}, a.testScenario)
	register(a, signin.Release, huma.Operation{
		Method: http.MethodPost, Path: "/v1/counts", OperationID: "count", Tags: tags, Summary: "Tell what a till or a counter at the door counted",
		DefaultStatus: http.StatusNoContent,
	}, a.takeCount)
}

func (a *API) scenario(ctx context.Context, slug string) (k scenarios.Kept, err error) {
	err = a.view(ctx, func(q store.Query) error { k, err = scenarios.Find(q, slug); return err })
	return k, err
}

func (a *API) listScenarios(ctx context.Context, in *scenariosInput) (*scenariosAnswer, error) {
	out := &scenariosAnswer{}
	out.Body.Data = []ScenarioNow{}
	err := a.view(ctx, func(q store.Query) error {
		all, err := scenarios.List(q)
		for _, k := range all {
			if in.Site == "" || in.Site == k.Site || in.Site == string(k.At) {
				out.Body.Data = append(out.Body.Data, a.standing(k))
			}
		}
		return err
	})
	return out, err
}

func (a *API) saveScenario(ctx context.Context, in *saveScenarioInput) (*scenarioAnswer, error) {
	if in.Body.Slug != in.Ref {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "saving scenario", Subject: "slug", Hint: "write the same short name in the address and in the body"}
	}
	if in.Preview {
		p, err := a.Scenarios.Preview(ctx, in.Body)
		if err == nil {
			err = scenario.Refusal(p.Problems)
		}
		return &scenarioAnswer{ScenarioNow{Scenario: in.Body}}, err
	}
	k, err := a.Scenarios.Save(ctx, caller(ctx).ID, in.Body, in.Why, in.Rev)
	return &scenarioAnswer{a.standing(k)}, err
}

func (a *API) testScenario(ctx context.Context, in *testInput) (*testAnswer, error) {
	k, err := a.scenario(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	plan, problems, err := a.Scenarios.Compile(ctx, k.Scenario)
	if err == nil {
		err = scenario.Refusal(problems)
	}
	if err != nil {
		return nil, err
	}
	t, err := a.Scenarios.Test(ctx, plan, time.Duration(in.Days)*24*time.Hour, nil)
	out := ScenarioTest{From: t.From, Until: t.Until, Cuts: t.Cuts, Whole: t.Whole, Runs: []ScenarioRun{}}
	for _, r := range t.Runs {
		out.Runs = append(out.Runs, ScenarioRun(r))
	}
	return &testAnswer{out}, err
}

func (a *API) takeCount(ctx context.Context, in *countInput) (*struct{}, error) {
	var site sashlock.Site
	if err := a.view(ctx, func(q store.Query) (err error) { site, err = sites.FindSite(q, in.Body.Site); return err }); err != nil {
		return nil, err
	}
	return nil, a.Scenarios.Add(ctx, site.ID, scenario.Counted(in.Body.Kind), in.Body.N, in.Body.At)
}

// standing is a scenario with how it stands.
func (a *API) standing(k scenarios.Kept) ScenarioNow {
	book := a.Hall.Book()
	names := func(all []sashlock.OpeningID) (slugs []string) {
		for _, id := range all {
			slugs = append(slugs, book.Openings[id].Slug)
		}
		return slugs
	}
	out := ScenarioNow{
		Scenario: k.Scenario, Rev: k.Rev, Running: k.State.Running, Drill: k.State.Drill, Since: k.State.Since, Why: k.State.Why,
		Ended: k.State.Ended, Over: k.State.Over, Held: names(k.State.Held), Locked: names(k.State.Locked),
	}
	for id := range k.State.Back {
		out.Kept = append(out.Kept, book.Openings[id].Slug)
	}
	slices.Sort(out.Kept)
	return out
}
