// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Code is one PIN slot of a lock, without the PIN.
type Code struct {
	Slot    int       `json:"slot"`
	InUse   bool      `json:"in_use"`
	Enabled bool      `json:"enabled"`
	State   string    `json:"state" enum:"free,in_force,writing,has_to_go,found" doc:"found: nobody of ours put it there"`
	Person  string    `json:"person,omitempty" doc:"Whose it is"`
	Since   time.Time `json:"since,omitzero" doc:"Since when it is in that state"`
	Ends    time.Time `json:"ends,omitzero" doc:"When it ends"`
	InLock  bool      `json:"ends_in_lock,omitempty" doc:"The lock itself ends it; otherwise the store node does"`
}

// CodeWait is a PIN that is to be in a lock and is not.
type CodeWait struct {
	Person  string    `json:"person"`
	Since   time.Time `json:"since"`
	Why     string    `json:"why,omitempty"`
	Refused bool      `json:"refused,omitempty" doc:"The lock would not take it"`
}

type codesAnswer struct {
	Body struct {
		Data      []Code     `json:"data"`
		Pending   []CodeWait `json:"pending"`
		FreshAt   time.Time  `json:"revocations_up_to" doc:"Every revocation up to then is in force at the opening of the lock"`
		Revoking  int        `json:"revoking" doc:"Codes at that opening that a lock has to forget and has not"`
		Writeable bool       `json:"writeable" doc:"PINs can be written into this lock from here"`
	}
}

// CodeRef is the address of a PIN slot.
type CodeRef struct {
	Ref  string `path:"ref" maxLength:"200" doc:"Device: identifier"`
	Slot int    `path:"slot" minimum:"1" maximum:"65535"`
}

type adoptCodeInput struct {
	CodeRef
	Body struct {
		Person string `json:"person" minLength:"1" maxLength:"100" doc:"Whose it is: slug or identifier"`
	}
}

// CodeClaim says whose the code in a slot is.
type CodeClaim struct {
	Slot   int    `json:"slot" minimum:"1" maximum:"65535"`
	Person string `json:"person" minLength:"1" maxLength:"100" doc:"Slug or identifier"`
}

type claimCodesInput struct {
	Ref  string `path:"ref" maxLength:"200" doc:"Device: identifier"`
	Body struct {
		Claims []CodeClaim `json:"claims" minItems:"1" maxItems:"1000"`
		DryRun bool        `json:"dry_run,omitempty" doc:"Only tell whether it could be done"`
	}
}

type claimCodesAnswer struct {
	Body struct {
		Claims []CodeClaim `json:"claims"`
		Done   bool        `json:"done" doc:"False after a dry run"`
	}
}

func (a *API) codeRoutes() {
	tags := []string{"devices"}
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodGet, Path: "/v1/devices/{ref}/codes", OperationID: "list-code", Tags: tags,
		Summary: "Which PIN slots of a lock are in use, by whom and since when", Description: "The lock is asked. The PINs themselves are never read.",
	}, a.codes)
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/devices/{ref}/codes/{slot}", OperationID: "remove-code", Tags: tags,
		Summary: "Have a lock forget a code that somebody else put there", Description: "It is gone when the list says so.",
	}, func(ctx context.Context, in *CodeRef) (*struct{}, error) {
		d, err := a.deviceOf(ctx, in.Ref)
		if err != nil {
			return nil, err
		}
		return nil, a.Codes.Condemn(ctx, caller(ctx).ID, d, in.Slot)
	})
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPut, Path: "/v1/devices/{ref}/codes/{slot}/person", OperationID: "adopt-code", Tags: tags,
		Summary: "Say whose a code is that somebody else put into a lock", Description: "It is kept there as long as they may open the lock.",
	}, func(ctx context.Context, in *adoptCodeInput) (*struct{}, error) {
		d, err := a.deviceOf(ctx, in.Ref)
		if err != nil {
			return nil, err
		}
		var who sashlock.Person
		if err := a.view(ctx, func(q store.Query) (err error) { who, err = people.Find(q, in.Body.Person); return err }); err != nil {
			return nil, wrongField(err, "person")
		}
		return nil, a.Codes.Adopt(ctx, caller(ctx).ID, d, codes.Claims{in.Slot: who.ID})
	})
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPut, Path: "/v1/devices/{ref}/codes/people", OperationID: "adopt-codes", Tags: tags,
		Summary: "Say whose several codes are that somebody else put into a lock, all of them or none", Description: "Each is kept there as long as its owner may open the lock.",
	}, a.claimCodes)
}

func (a *API) claimCodes(ctx context.Context, in *claimCodesInput) (*claimCodesAnswer, error) {
	d, err := a.deviceOf(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	claims, places, problems, err := a.readClaims(ctx, in.Body.Claims)
	if err != nil {
		return nil, err
	}
	faults, err := a.Codes.Faults(ctx, d, claims)
	if err != nil {
		return nil, err
	}
	for _, f := range faults {
		problems = append(problems, wrongClaim{places[f.Slot], "slot", "slot " + strconv.Itoa(f.Slot) + " cannot be this person's", f.Why})
	}
	if len(problems) > 0 {
		p := newProblem(sashlock.Invalid, "Nothing was done.")
		p.Errors = problemsOf(problems)
		return nil, p
	}
	out := &claimCodesAnswer{}
	out.Body.Claims = in.Body.Claims
	if in.Body.DryRun {
		return out, nil
	}
	out.Body.Done = true
	return out, a.Codes.Adopt(ctx, caller(ctx).ID, d, claims)
}

// readClaims finds the people of claims, and where in the request each slot is.
func (a *API) readClaims(ctx context.Context, said []CodeClaim) (claims codes.Claims, places map[int]int, problems []wrongClaim, err error) {
	claims, places = codes.Claims{}, map[int]int{}
	err = a.view(ctx, func(q store.Query) error {
		for i, c := range said {
			who, err := people.Find(q, c.Person)
			_, twice := places[c.Slot]
			switch {
			case sashlock.IsKind(err, sashlock.NotFound):
				problems = append(problems, wrongClaim{i, "person", "there is no such person", "give a slug or an identifier"})
			case err != nil:
				return err
			case twice:
				problems = append(problems, wrongClaim{i, "slot", "slot " + strconv.Itoa(c.Slot) + " is there twice", "say once whose it is"})
			default:
				claims[c.Slot], places[c.Slot] = who.ID, i
			}
		}
		return nil
	})
	return claims, places, problems, err
}

// wrongClaim is a claim that cannot be, by its place in the request.
type wrongClaim struct {
	place              int
	field, detail, fix string
}

// problemsOf are the claims that cannot be, in the order of the request.
func problemsOf(wrong []wrongClaim) (all []FieldProblem) {
	slices.SortStableFunc(wrong, func(a, b wrongClaim) int { return cmp.Compare(a.place, b.place) })
	for _, w := range wrong {
		all = append(all, FieldProblem{Pointer: "claims[" + strconv.Itoa(w.place) + "]." + w.field, Detail: w.detail, Suggestion: w.fix})
	}
	return all
}

func (a *API) deviceOf(ctx context.Context, ref string) (d sashlock.Device, err error) {
	return d, a.view(ctx, func(q store.Query) (err error) { d, err = devices.Find(q, ref); return err })
}

func (a *API) codes(ctx context.Context, in *deviceInput) (*codesAnswer, error) {
	d, err := a.deviceOf(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	list, err := a.Devices.Codes(ctx, d)
	if err != nil && !sashlock.IsKind(err, sashlock.Denied) {
		return nil, err
	}
	var known codes.Lock
	if err := a.view(ctx, func(q store.Query) (err error) { known, err = codes.Find(q, d.ID); return err }); err != nil {
		return nil, err
	}
	fresh, err := codes.FreshAt(ctx, a.Store, d.Opening, a.Now())
	if err != nil {
		return nil, err
	}
	out := &codesAnswer{}
	out.Body.Data, out.Body.Pending = a.codeViews(list, known), []CodeWait{}
	out.Body.FreshAt, out.Body.Revoking, out.Body.Writeable = fresh.At, fresh.Pending, a.Devices.WritesCodes(d)
	name := naming(a.Hall.Book())
	for _, w := range known.Waits {
		out.Body.Pending = append(out.Body.Pending, CodeWait{name(estate.People, string(w.Person)), w.Since, w.Why, w.Refused()})
	}
	return out, nil
}

// codeViews puts what the lock says beside what is known of its slots. A lock that
// cannot say anything is taken at what it confirmed.
func (a *API) codeViews(list []driver.Code, known codes.Lock) []Code {
	if list == nil {
		for _, s := range known.Slots {
			list = append(list, driver.Code{Slot: s.Number, InUse: true, Enabled: true})
		}
	}
	name := naming(a.Hall.Book())
	all := make([]Code, len(list))
	for i, c := range list {
		all[i] = Code{Slot: c.Slot, InUse: c.InUse, Enabled: c.Enabled, State: "free"}
		if c.InUse {
			all[i].State = "found"
		}
		for _, s := range known.Slots {
			if s.Number == c.Slot {
				all[i].State, all[i].Since, all[i].Ends, all[i].InLock = stateOf(s), s.Since, s.Ends, s.Bounded
				if s.Person != "" {
					all[i].Person = name(estate.People, string(s.Person))
				}
				if !s.Going.IsZero() {
					all[i].Since = s.Going
				}
			}
		}
	}
	return all
}

func stateOf(s codes.Slot) string {
	switch {
	case !s.Ours:
		return "found"
	case !s.Going.IsZero():
		return "has_to_go"
	case !s.Sure:
		return "writing"
	}
	return "in_force"
}
