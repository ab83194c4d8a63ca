// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/rota"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Shift is a planned stretch of work of one person at one site.
type Shift struct {
	ID         string    `json:"id" example:"shf_01k…"`
	Person     string    `json:"person"`
	Site       string    `json:"site"`
	Role       string    `json:"role,omitempty" doc:"What they work as, where it is not as ever"`
	From       time.Time `json:"from"`
	Until      time.Time `json:"until"`
	ClockedIn  time.Time `json:"clocked_in,omitzero"`
	ClockedOut time.Time `json:"clocked_out,omitzero"`
	Forgotten  bool      `json:"forgotten,omitempty" doc:"Nobody clocked out; it was closed by itself"`
	Cancelled  time.Time `json:"cancelled,omitzero"`
	Source     string    `json:"source,omitempty" doc:"The rota it came from; override: a supervisor allowed it; empty: it was planned here"`
	Ref        string    `json:"ref,omitempty" doc:"What the rota calls it"`
	Planned    string    `json:"planned,omitempty" doc:"Whom the rota has for it, where it was swapped here"`
	Reason     string    `json:"reason,omitempty" doc:"Why a supervisor allowed it"`
	Rev        int64     `json:"rev"`
}

type shiftAnswer struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     Shift
}

type shiftsInput struct {
	Site      string    `query:"site" maxLength:"100" doc:"Only those of a site: slug or identifier"`
	Person    string    `query:"person" maxLength:"100" doc:"Only those of a person: slug or identifier"`
	From      time.Time `query:"from" doc:"Only those that end after it"`
	Until     time.Time `query:"until" doc:"Only those that begin before it"`
	Cancelled bool      `query:"cancelled" doc:"Also those that were called off"`
	Paging
}

type planInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Repeat with the same key to be sure it is done once"`
	Body struct {
		Person string    `json:"person" minLength:"1" maxLength:"100" doc:"Slug or identifier"`
		Site   string    `json:"site" minLength:"1" maxLength:"100" doc:"Slug or identifier"`
		Role   string    `json:"role,omitempty" maxLength:"100" doc:"Slug or identifier"`
		From   time.Time `json:"from"`
		Until  time.Time `json:"until"`
	}
}

type swapInput struct {
	Ref  string `path:"ref" maxLength:"100" doc:"Identifier of the shift"`
	Body struct {
		To   string `json:"to,omitempty" maxLength:"100" doc:"Give it to this person: slug or identifier"`
		With string `json:"with,omitempty" maxLength:"100" doc:"Or exchange people with this shift: identifier"`
	}
}

type takeInput struct {
	Site        string `query:"site" required:"true" maxLength:"100" doc:"Whose shifts they are where the file does not say: slug or identifier"`
	Source      string `query:"source" maxLength:"40" default:"rota" doc:"Name of the rota: what is no longer in the same rota is called off"`
	Weeks       int    `query:"weeks" minimum:"1" maximum:"26" default:"8" doc:"For how many weeks a calendar is spelt out"`
	Plan        string `query:"plan" maxLength:"64" doc:"The plan of the answer without it: does exactly that. Without it, nothing is done"`
	ContentType string `header:"Content-Type" doc:"text/csv or text/calendar; the file itself says which it is"`
	RawBody     []byte `contentType:"text/csv"`
}

// Taken is what a rota does, or would do.
type Taken struct {
	Done     bool           `json:"done" doc:"It was done; false: it would be"`
	Plan     string         `json:"plan" doc:"Hand it in to do exactly this"`
	New      int            `json:"new"`
	Changed  int            `json:"changed"`
	Gone     int            `json:"gone"`
	Same     int            `json:"same"`
	Steps    []TakenStep    `json:"steps"`
	Notes    []FieldProblem `json:"notes,omitempty"`
	Problems []FieldProblem `json:"problems,omitempty" doc:"With any of them nothing is done"`
	Wrong    int            `json:"wrong" doc:"Problems in all; the list of them is cut"`
}

// TakenStep is what a rota does to one shift.
type TakenStep struct {
	What   shifts.Verb `json:"what" enum:"new,changed,gone"`
	Row    int         `json:"row,omitempty" doc:"Line of the file"`
	ID     string      `json:"id,omitempty"`
	Person string      `json:"person"`
	Site   string      `json:"site"`
	From   time.Time   `json:"from"`
	Until  time.Time   `json:"until"`
}

func (a *API) shiftRoutes() {
	op := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: "/v1/shifts" + path, OperationID: id, Summary: summary, Tags: []string{"shifts"}}
	}
	register(a, signin.Read, op(http.MethodGet, "", "list-shift", "List shifts, by their beginning"), a.listShifts)
	register(a, signin.Read, op(http.MethodGet, "/{ref}", "get-shift", "Show one shift"), func(ctx context.Context, in *refInput) (*shiftAnswer, error) {
		var s shifts.Shift
		err := a.view(ctx, func(q store.Query) (err error) { s, err = shifts.Find(q, sashlock.ShiftID(in.Ref)); return err })
		return a.shiftAnswer(s), err
	})
	create := op(http.MethodPost, "", "create-shift", "Plan a shift")
	create.DefaultStatus = http.StatusCreated
	register(a, signin.Access, create, a.planShift)
	remove := op(http.MethodDelete, "/{ref}", "remove-shift", "Call a shift off")
	remove.DefaultStatus = http.StatusNoContent
	register(a, signin.Access, remove, func(ctx context.Context, in *removeInput) (*struct{}, error) {
		rev, err := ifMatch(in.IfMatch)
		if err == nil {
			_, err = a.shift(ctx, func(tx *store.Tx) (shifts.Shift, flow.Edit, error) {
				return shifts.Cancel(tx, sashlock.ShiftID(in.Ref), max(rev, 0))
			})
		}
		return nil, precondition(err)
	})
	register(a, signin.Access, op(http.MethodPost, "/{ref}/clock-in", "clock-in", "Say that the person has come to work"), func(ctx context.Context, in *refInput) (*shiftAnswer, error) {
		return a.shift(ctx, func(tx *store.Tx) (shifts.Shift, flow.Edit, error) {
			s, err := shifts.Find(tx, sashlock.ShiftID(in.Ref))
			if err != nil {
				return s, flow.Edit{}, err
			}
			return shifts.ClockInTo(tx, s.ID, a.Hall.Book().Sites[s.Site])
		})
	})
	register(a, signin.Access, op(http.MethodPost, "/{ref}/clock-out", "clock-out", "Say that the person has gone"), func(ctx context.Context, in *refInput) (*shiftAnswer, error) {
		return a.shift(ctx, func(tx *store.Tx) (shifts.Shift, flow.Edit, error) {
			return shifts.ClockOutOf(tx, sashlock.ShiftID(in.Ref))
		})
	})
	register(a, signin.Access, op(http.MethodPost, "/{ref}/swap", "swap-shift", "Give a shift to somebody, or exchange it with another"), a.swapShift)
	take := op(http.MethodPost, "/import", "import-shifts", "Read a rota in: a list (CSV) or a calendar (iCalendar)")
	take.Description = "Without plan, tells what the rota would do. With the plan of that answer, does exactly that, or nothing."
	take.MaxBodyBytes = rota.MaxFile + 1
	register(a, signin.Access, take, a.takeRota)
}

func (a *API) listShifts(ctx context.Context, in *shiftsInput) (*pageAnswer[Shift], error) {
	after, err := in.position()
	if err != nil {
		return nil, err
	}
	var all []shifts.Shift
	out := &pageAnswer[Shift]{Body: Page[Shift]{Data: []Shift{}}}
	err = a.view(ctx, func(q store.Query) error {
		f := shifts.Filter{From: in.From, Until: in.Until, Cancelled: in.Cancelled, After: after, Limit: in.Limit + 1}
		site, err := referred(q, estate.Sites, "site", in.Site)
		if err != nil {
			return err
		}
		person, err := referred(q, estate.People, "person", in.Person)
		if err != nil {
			return err
		}
		f.Site, f.Person = sashlock.SiteID(site), sashlock.PersonID(person)
		all, err = shifts.List(q, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Body.HasMore = len(all) > in.Limit
	for _, s := range all[:min(len(all), in.Limit)] {
		out.Body.Data = append(out.Body.Data, a.showShift(s))
	}
	if out.Body.HasMore {
		out.next(in.Paging, shifts.Place(all[in.Limit-1]))
	}
	return out, nil
}

// referred finds what a field refers to; nothing when it is empty.
func referred(q store.Query, k estate.Kind, field, ref string) (id string, err error) {
	if ref == "" {
		return "", nil
	}
	if id = lookup(q, &err)(k, ref); id == "" && err == nil {
		err = &sashlock.Error{Kind: sashlock.Invalid, Op: "reading request", Subject: field, Hint: "there is no such " + field}
	}
	return id, err
}

func (a *API) planShift(ctx context.Context, in *planInput) (*shiftAnswer, error) {
	out, err := a.shift(ctx, func(tx *store.Tx) (s shifts.Shift, edit flow.Edit, err error) {
		var ids [3]string
		for i, one := range []struct {
			kind       estate.Kind
			field, ref string
		}{{estate.People, "person", in.Body.Person}, {estate.Sites, "site", in.Body.Site}, {estate.Roles, "role", in.Body.Role}} {
			if ids[i], err = referred(tx, one.kind, one.field, one.ref); err != nil {
				return s, edit, err
			}
		}
		s.Person, s.Site, s.Role = sashlock.PersonID(ids[0]), sashlock.SiteID(ids[1]), sashlock.RoleID(ids[2])
		s.From, s.Until = in.Body.From, in.Body.Until
		return shifts.Save(tx, s, 0)
	})
	if err == nil {
		out.Location = "/v1/shifts/" + out.Body.ID
	}
	return out, err
}

func (a *API) swapShift(ctx context.Context, in *swapInput) (*shiftAnswer, error) {
	if (in.Body.To == "") == (in.Body.With == "") {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "swapping shifts", Subject: "to", Hint: "give either to, a person, or with, another shift"}
	}
	return a.shift(ctx, func(tx *store.Tx) (shifts.Shift, flow.Edit, error) {
		if in.Body.With != "" {
			s, _, edit, err := shifts.Exchange(tx, sashlock.ShiftID(in.Ref), sashlock.ShiftID(in.Body.With), 0, 0)
			return s, edit, err
		}
		to, err := referred(tx, estate.People, "to", in.Body.To)
		if err != nil {
			return shifts.Shift{}, flow.Edit{}, err
		}
		return shifts.Give(tx, sashlock.ShiftID(in.Ref), sashlock.PersonID(to), 0)
	})
}

// shift does something with a shift and answers with it as it then is.
func (a *API) shift(ctx context.Context, do func(*store.Tx) (shifts.Shift, flow.Edit, error)) (*shiftAnswer, error) {
	var s shifts.Shift
	_, err := a.Hall.Change(ctx, flow.Change{Operator: caller(ctx).ID, Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		s, edit, err = do(tx)
		return edit, err
	}})
	if err != nil {
		return nil, err
	}
	return a.shiftAnswer(s), nil
}

func (a *API) shiftAnswer(s shifts.Shift) *shiftAnswer {
	return &shiftAnswer{ETag: etag(s.Rev), Body: a.showShift(s)}
}

func (a *API) showShift(s shifts.Shift) Shift {
	name := naming(a.Hall.Book())
	return Shift{
		ID: string(s.ID), Person: name(estate.People, string(s.Person)), Site: name(estate.Sites, string(s.Site)), Role: name(estate.Roles, string(s.Role)),
		From: s.From, Until: s.Until, ClockedIn: s.In, ClockedOut: s.Out, Forgotten: s.Forgot, Cancelled: s.Cancelled,
		Source: s.Source, Ref: s.Ref, Planned: name(estate.People, string(s.Planned)), Reason: s.Reason, Rev: s.Rev,
	}
}

func (a *API) takeRota(ctx context.Context, in *takeInput) (*struct{ Body Taken }, error) {
	from := shifts.Source{Name: in.Source, Weeks: in.Weeks, Now: a.Now()}
	err := a.view(ctx, func(q store.Query) error {
		id, err := referred(q, estate.Sites, "site", in.Site)
		from.Site = a.Hall.Book().Sites[sashlock.SiteID(id)]
		return err
	})
	if err != nil {
		return nil, err
	}
	var plan shifts.Plan
	if in.Plan == "" {
		plan, err = shifts.Preview(ctx, a.Store, in.RawBody, from)
	} else {
		plan, err = shifts.Import(ctx, a.Hall, caller(ctx).ID, in.RawBody, from, in.Plan)
	}
	if err != nil && plan.Wrong == 0 {
		return nil, err
	}
	return &struct{ Body Taken }{a.taken(plan, in.Plan != "" && err == nil)}, nil
}

func (a *API) taken(p shifts.Plan, done bool) Taken {
	name := naming(a.Hall.Book())
	out := Taken{Done: done, Plan: p.Hash, New: p.New, Changed: p.Changed, Gone: p.Gone, Same: p.Same, Wrong: p.Wrong, Steps: []TakenStep{}}
	for _, s := range p.Steps {
		out.Steps = append(out.Steps, TakenStep{
			What: s.Verb, Row: s.Row, ID: string(s.ID), Person: name(estate.People, string(s.Person)), Site: name(estate.Sites, string(s.Site)), From: s.From, Until: s.Until,
		})
	}
	out.Problems, out.Notes = told(p.Problems), told(p.Notes)
	return out
}

// told writes what is to be said about a file as other problems are written.
func told(list []rota.Problem) (all []FieldProblem) {
	for _, p := range list {
		all = append(all, FieldProblem{Pointer: p.Where(), Detail: p.Detail.In(lang.English), Suggestion: p.Fix.In(lang.English)})
	}
	return all
}
