// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Key is a mechanical key with all its copies.
type Key struct {
	Slug     string    `json:"slug" minLength:"1" maxLength:"40" doc:"What is stamped on it"`
	Name     string    `json:"name" minLength:"1" maxLength:"240"`
	Copies   int       `json:"copies" minimum:"1" maximum:"1000"`
	Cost     int64     `json:"rekey_cost,omitempty" minimum:"0" doc:"Of new cylinders and keys, in hundredths of your money"`
	Openings []string  `json:"openings" minItems:"1" maxItems:"1000" doc:"What it opens"`
	ID       string    `json:"id,omitempty" readOnly:"true"`
	Made     time.Time `json:"made,omitzero" readOnly:"true"`
	Retired  time.Time `json:"retired,omitzero" readOnly:"true"`
	Rev      int64     `json:"rev,omitempty" readOnly:"true"`
	Out      []KeyLoan `json:"out,omitempty" readOnly:"true" doc:"Copies that are handed out, those due first at the front"`
}

// KeyLoan is a copy of a key in somebody's hands.
type KeyLoan struct {
	ID      string    `json:"id"`
	Key     string    `json:"key"`
	Person  string    `json:"person"`
	Taken   time.Time `json:"taken"`
	Due     time.Time `json:"due"`
	Overdue bool      `json:"overdue,omitempty"`
	Back    time.Time `json:"back,omitzero"`
	Lost    time.Time `json:"lost,omitzero"`
}

type keyInput struct{ Body Key }

type savedKeyAnswer struct{ Body Key }

type loanInput struct {
	Ref  string `path:"ref" maxLength:"100" doc:"Key: slug or identifier"`
	Body struct {
		Person string    `json:"person" minLength:"1" maxLength:"100" doc:"To whom: slug or identifier"`
		Due    time.Time `json:"due" doc:"When it has to be back"`
	}
}

type loanAnswer struct{ Body KeyLoan }

type loanEndInput struct {
	Ref  string `path:"ref" maxLength:"100" doc:"Loan: identifier"`
	Body struct {
		Type string `json:"type" enum:"back,lost"`
	}
}

// LostKey is what a lost copy means.
type LostKey struct {
	Loan     KeyLoan  `json:"loan"`
	Openings []string `json:"openings,omitempty" doc:"What whoever finds it can open"`
	Cost     int64    `json:"rekey_cost,omitempty" doc:"What new cylinders and keys come to"`
}

type lostKeyAnswer struct{ Body LostKey }

func (a *API) keyRoutes() {
	tags := []string{"keys"}
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/keys", OperationID: "list-key", Tags: tags, Summary: "List mechanical keys, with the copies that are handed out",
	}, a.listKeys)
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPost, Path: "/v1/keys", OperationID: "save-key", Tags: tags, Summary: "Enter a key into the register, or change it", DefaultStatus: http.StatusOK,
	}, a.saveKey)
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPost, Path: "/v1/keys/{ref}/loans", OperationID: "hand-out-key", Tags: tags, Summary: "Hand out a copy", DefaultStatus: http.StatusCreated,
	}, a.handOut)
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPost, Path: "/v1/keyloans/{ref}/end", OperationID: "end-key-loan", Tags: tags, Summary: "Take a copy back, or report it lost", DefaultStatus: http.StatusOK,
	}, a.endLoan)
	register(a, signin.Access, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/keys/{ref}", OperationID: "retire-key", Tags: tags, Summary: "Take a key out of use", DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *refInput) (*struct{}, error) {
		return nil, a.edit(ctx, func(tx *store.Tx) (flow.Edit, error) {
			_, edit, err := credentials.RetireKey(tx, in.Ref, 0)
			return edit, err
		})
	})
}

// edit carries out a change on behalf of whoever calls.
func (a *API) edit(ctx context.Context, edit func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := a.Hall.Change(ctx, flow.Change{Operator: caller(ctx).ID, Make: edit})
	return err
}

func (a *API) key(k credentials.Key) Key {
	out := Key{Slug: k.Slug, Name: k.Name, Copies: k.Copies, Cost: k.Cost, ID: string(k.ID), Made: k.Made, Retired: k.Retired, Rev: k.Rev, Openings: []string{}}
	name := naming(a.Hall.Book())
	for _, o := range k.Openings {
		out.Openings = append(out.Openings, name(estate.Openings, string(o)))
	}
	return out
}

func (a *API) loan(l credentials.Loan, key string) KeyLoan {
	return KeyLoan{
		ID: l.ID, Key: key, Person: naming(a.Hall.Book())(estate.People, string(l.Person)),
		Taken: l.Taken, Due: l.Due, Overdue: l.Overdue(a.Now()), Back: l.Back, Lost: l.Lost,
	}
}

func (a *API) listKeys(ctx context.Context, in *Paging) (*pageAnswer[Key], error) {
	var all []credentials.Key
	var lent []credentials.Loan
	err := a.view(ctx, func(q store.Query) (err error) {
		if all, err = credentials.Keys(q); err == nil {
			lent, err = credentials.OutNow(q)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Key, len(all))
	for i, k := range all {
		out[i] = a.key(k)
		for _, l := range lent {
			if l.Key == k.ID {
				out[i].Out = append(out[i].Out, a.loan(l, k.Slug))
			}
		}
	}
	return paged(*in, ascending, out, func(k Key) string { return k.Slug })
}

func (a *API) saveKey(ctx context.Context, in *keyInput) (*savedKeyAnswer, error) {
	var k credentials.Key
	err := a.edit(ctx, func(tx *store.Tx) (edit flow.Edit, err error) {
		k = credentials.Key{Slug: in.Body.Slug, Name: in.Body.Name, Copies: in.Body.Copies, Cost: in.Body.Cost}
		if k.Openings, err = openingsOf(tx, in.Body.Openings); err != nil {
			return edit, err
		}
		k, edit, err = credentials.SaveKey(tx, k, 0)
		return edit, err
	})
	return &savedKeyAnswer{a.key(k)}, err
}

func (a *API) handOut(ctx context.Context, in *loanInput) (*loanAnswer, error) {
	var l credentials.Loan
	err := a.edit(ctx, func(tx *store.Tx) (edit flow.Edit, err error) {
		whose, err := people.Find(tx, in.Body.Person)
		if err != nil {
			return edit, wrongField(err, "person")
		}
		l, edit, err = credentials.HandOut(tx, in.Ref, whose.ID, in.Body.Due)
		return edit, err
	})
	return &loanAnswer{a.loan(l, in.Ref)}, err
}

func (a *API) endLoan(ctx context.Context, in *loanEndInput) (*lostKeyAnswer, error) {
	var k credentials.Key
	var l credentials.Loan
	err := a.edit(ctx, func(tx *store.Tx) (edit flow.Edit, err error) {
		if in.Body.Type == "back" {
			l, edit, err = credentials.TakeBack(tx, in.Ref)
			return edit, err
		}
		if k, edit, err = credentials.LoseCopy(tx, in.Ref); err == nil {
			l, err = credentials.FindLoan(tx, in.Ref)
		}
		return edit, err
	})
	out := LostKey{Loan: a.loan(l, string(l.Key)), Cost: k.Cost}
	if k.ID != "" {
		lost := a.key(k)
		out.Openings, out.Loan.Key = lost.Openings, lost.Slug
	}
	return &lostKeyAnswer{out}, err
}
