// SPDX-License-Identifier: Apache-2.0

package api

import (
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// routes lists every route there is.
func (a *API) routes() {
	a.declaredRoutes()
	a.openingRoutes()
	a.actionRoutes()
	a.decisionRoutes()
	a.alarmRoutes()
	a.eventRoutes()
	a.deviceRoutes()
	a.latencyRoutes()
	a.codeRoutes()
	a.gatewayRoutes()
	a.ledgerRoutes()
	a.estateRoutes()
	a.fileRoutes()
	a.tokenRoutes()
	a.scenarioRoutes()
	a.askRoutes()
	a.shiftRoutes()
	a.railRoutes()
	a.whatIfRoutes()
	a.cutoverRoutes()
	a.credentialRoutes()
	a.guestRoutes()
	a.healthRoutes()
}

func (a *API) declaredRoutes() {
	declare(a, declared[estate.Site]{
		kind: estate.Sites, path: "/v1/sites", scope: signin.Setup, save: sites.SaveSite, remove: sites.RemoveSite,
		list: listing(sites.ListSites, estate.FromSite), find: finding(sites.FindSite, estate.FromSite),
		kept: func(s estate.Site) estate.Kept { return s.Kept }, held: approvals.PlaceKind,
		form: func(s estate.Site) any { return approvals.Change{File: estate.File{Sites: []estate.Site{s}}} },
	})
	declare(a, declared[estate.Role]{
		kind: estate.Roles, path: "/v1/roles", scope: signin.Access, save: people.SaveRole, remove: people.RemoveRole,
		list: listing(people.ListRoles, unnamed(estate.FromRole)), find: finding(people.FindRole, unnamed(estate.FromRole)),
		kept: func(r estate.Role) estate.Kept { return r.Kept },
	})
	declare(a, declared[estate.Person]{
		kind: estate.People, path: "/v1/people", scope: signin.Access, save: people.Save, remove: people.Remove,
		list: listing(people.List, estate.FromPerson), find: finding(people.Find, estate.FromPerson),
		kept: func(p estate.Person) estate.Kept { return p.Kept }, held: approvals.AccessKind,
		form: func(p estate.Person) any { return approvals.Change{File: estate.File{People: []estate.Person{p}}} },
	})
	declare(a, declared[estate.Schedule]{
		kind: estate.Schedules, path: "/v1/schedules", scope: signin.Access, save: grants.SaveSchedule, remove: grants.RemoveSchedule,
		list: listing(grants.ListSchedules, unnamed(estate.FromSchedule)), find: finding(grants.FindSchedule, unnamed(estate.FromSchedule)),
		kept: func(s estate.Schedule) estate.Kept { return s.Kept }, held: approvals.AccessKind,
		form: func(s estate.Schedule) any {
			return approvals.Change{File: estate.File{Schedules: []estate.Schedule{s}}}
		},
	})
	declare(a, declared[estate.Grant]{
		kind: estate.Grants, path: "/v1/grants", scope: signin.Access, save: grants.Save, remove: grants.Revoke, held: approvals.GrantKind,
		list: listing(grants.List, estate.FromGrant), find: finding(grants.Find, estate.FromGrant),
		kept: func(g estate.Grant) estate.Kept { return g.Kept },
	})
	declare(a, declared[estate.Area]{
		kind: estate.Areas, path: "/v1/areas", scope: signin.Setup, save: sites.SaveArea, remove: sites.RemoveArea,
		list: listing(sites.ListAreas, estate.FromArea), find: finding(sites.FindArea, estate.FromArea),
		kept: func(r estate.Area) estate.Kept { return r.Kept }, held: approvals.PlaceKind,
		form: func(r estate.Area) any { return approvals.Change{File: estate.File{Areas: []estate.Area{r}}} },
	})
}

// listing turns a room's list into a list of declared forms.
func listing[T, D any](list func(store.Query) ([]T, error), from func(T, estate.Naming) D) func(store.Query, estate.Naming) ([]D, error) {
	return func(q store.Query, name estate.Naming) ([]D, error) {
		all, err := list(q)
		out := make([]D, len(all))
		for i, o := range all {
			out[i] = from(o, name)
		}
		return out, err
	}
}

// finding turns a room's object into its declared form.
func finding[T, D any](find func(store.Query, string) (T, error), from func(T, estate.Naming) D) func(store.Query, string, estate.Naming) (D, error) {
	return func(q store.Query, ref string, name estate.Naming) (D, error) {
		o, err := find(q, ref)
		return from(o, name), err
	}
}

// unnamed is for kinds that refer to nothing.
func unnamed[T, D any](from func(T) D) func(T, estate.Naming) D {
	return func(o T, _ estate.Naming) D { return from(o) }
}
