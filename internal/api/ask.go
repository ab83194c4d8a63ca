// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Ask is access that somebody asks for.
type Ask struct {
	ID        string    `json:"id"`
	State     string    `json:"state" enum:"asked,approved,denied,lapsed"`
	Person    string    `json:"person"`
	Site      string    `json:"site"`
	Opening   string    `json:"opening,omitempty" doc:"One of these two"`
	Area      string    `json:"area,omitempty"`
	Length    string    `json:"length" doc:"For how long, from the approval on"`
	Reason    string    `json:"reason"`
	By        string    `json:"by" doc:"Operator who filed it"`
	Filed     time.Time `json:"filed"`
	Approvals []string  `json:"approvals,omitempty" doc:"Operators who approved it; what is worth most takes two"`
	Needs     int       `json:"needs" doc:"How many have to approve it"`
	Answered  time.Time `json:"answered,omitzero"`
	Answer    string    `json:"answer,omitempty" doc:"Why it was turned down"`
	Grant     string    `json:"grant,omitempty" doc:"The grant that it became"`
	Until     time.Time `json:"until,omitzero" doc:"When that grant ends"`
	Auto      bool      `json:"auto,omitempty" doc:"Granted at once, as before"`
	Rev       int64     `json:"rev"`
}

type askAnswer struct{ Body Ask }

type asksInput struct {
	State string `query:"state" enum:"asked,all" default:"asked" doc:"asked: those that wait; all: the newest 200"`
	Paging
}

type fileInput struct {
	Body struct {
		Person  string `json:"person" minLength:"1" maxLength:"100" doc:"Who asks: slug or identifier"`
		Opening string `json:"opening,omitempty" maxLength:"100" doc:"One of these two: slug or identifier"`
		Area    string `json:"area,omitempty" maxLength:"100" doc:"site/area, or identifier"`
		Length  string `json:"length,omitempty" maxLength:"20" doc:"For how long, one of those the site offers: \"24h\"; the longest when not given"`
		Reason  string `json:"reason" minLength:"3" maxLength:"300"`
	}
}

type approveInput struct {
	Ref  string `path:"ref" maxLength:"100" doc:"Identifier"`
	Body struct {
		Rev int64 `json:"rev" minimum:"1" doc:"The revision that was seen"`
	}
}

type denyInput struct {
	Ref  string `path:"ref" maxLength:"100" doc:"Identifier"`
	Body struct {
		Rev int64  `json:"rev" minimum:"1" doc:"The revision that was seen"`
		Why string `json:"why" minLength:"3" maxLength:"300" doc:"A word to whoever asked"`
	}
}

// Review goes through grants one by one.
type Review struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	State    string       `json:"state" enum:"running,ended"`
	Reviewer string       `json:"reviewer"`
	Began    time.Time    `json:"began"`
	Due      time.Time    `json:"due"`
	Ended    time.Time    `json:"ended,omitzero"`
	Overdue  bool         `json:"overdue,omitempty"`
	Lines    int          `json:"lines"`
	Kept     int          `json:"kept"`
	Removed  int          `json:"removed"`
	Gone     int          `json:"gone" doc:"No longer there when they were answered"`
	List     []ReviewLine `json:"list,omitempty" doc:"Of one review only"`
}

// ReviewLine is one grant of a review, or one person with a role.
type ReviewLine struct {
	Number int       `json:"number"`
	Grant  string    `json:"grant,omitempty"`
	Person string    `json:"person,omitempty"`
	Role   string    `json:"role,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	Last   time.Time `json:"last_used,omitzero"`
	Uses   int       `json:"uses"`
	Giver  string    `json:"given_by,omitempty"`
	Given  time.Time `json:"given,omitzero"`
	Answer string    `json:"answer,omitempty" enum:"keep,remove,gone"`
	Why    string    `json:"why,omitempty"`
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

type reviewAnswer struct{ Body Review }

func (a *API) askRoutes() {
	tags := []string{"asks"}
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/asks", OperationID: "list-ask", Tags: tags, Summary: "List requests for access, newest first",
	}, a.listAsks)
	register(a, signin.Serve, huma.Operation{
		Method: http.MethodPost, Path: "/v1/asks", OperationID: "file-ask", Tags: tags, Summary: "Ask for access",
		DefaultStatus: http.StatusCreated,
	}, a.fileAsk)
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPost, Path: "/v1/asks/{ref}/approve", OperationID: "approve-ask", Tags: tags, Summary: "Approve a request, which makes the grant",
		Description: "Not by the token that filed it, and not what is worth most: that takes two people in the console.", DefaultStatus: http.StatusOK,
	}, func(ctx context.Context, in *approveInput) (*askAnswer, error) {
		one, err := a.Approvals.Approve(ctx, program(ctx), in.Ref, in.Body.Rev)
		return &askAnswer{a.ask(one)}, err
	})
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPost, Path: "/v1/asks/{ref}/deny", OperationID: "deny-ask", Tags: tags, Summary: "Turn a request down",
		DefaultStatus: http.StatusOK,
	}, func(ctx context.Context, in *denyInput) (*askAnswer, error) {
		one, err := a.Approvals.TurnDown(ctx, program(ctx), in.Ref, in.Body.Why, in.Body.Rev)
		return &askAnswer{a.ask(one)}, err
	})
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/reviews", OperationID: "list-review", Tags: tags, Summary: "List reviews of access",
	}, a.listReviews)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/reviews/{ref}", OperationID: "get-review", Tags: tags, Summary: "Show one review with its lines",
	}, a.getReview)
}

// program is the token that is calling, as the room of approvals asks for it.
func program(ctx context.Context) approvals.By {
	t := caller(ctx)
	return approvals.By{
		ID: t.ID, Program: true,
		May:  func(scope string) bool { return t.May(signin.Scope(scope)) },
		Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true },
	}
}

func (a *API) listAsks(ctx context.Context, in *asksInput) (*pageAnswer[Ask], error) {
	var list []approvals.Ask
	err := a.view(ctx, func(q store.Query) (err error) {
		if in.State == "all" {
			list, err = approvals.Asks(q, 200)
			return err
		}
		list, err = approvals.Standing(q)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Ask, len(list))
	for i, one := range list {
		out[i] = a.ask(one)
	}
	return paged(in.Paging, descending, out, func(one Ask) string { return one.ID })
}

func (a *API) fileAsk(ctx context.Context, in *fileInput) (*askAnswer, error) {
	const unknown = "?" // what was named and is not there
	f := approvals.Filing{Words: in.Body.Reason}
	if in.Body.Length != "" {
		d, err := time.ParseDuration(in.Body.Length)
		if err != nil || d <= 0 {
			return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "asking for access", Subject: "length", Hint: `write a length of time like "24h"`}
		}
		f.Length = d
	}
	if err := a.view(ctx, func(q store.Query) error {
		var failed error
		find := lookup(q, &failed)
		f.Person = sashlock.PersonID(find(estate.People, in.Body.Person))
		if in.Body.Opening != "" {
			f.Opening = sashlock.OpeningID(cmp.Or(find(estate.Openings, in.Body.Opening), unknown))
		}
		if in.Body.Area != "" {
			f.Area = sashlock.AreaID(cmp.Or(find(estate.Areas, in.Body.Area), unknown))
		}
		return failed
	}); err != nil {
		return nil, err
	}
	one, err := a.Approvals.File(ctx, program(ctx), f)
	return &askAnswer{a.ask(one)}, err
}

func (a *API) ask(one approvals.Ask) Ask {
	book := a.Hall.Book()
	name := naming(book)
	out := Ask{
		ID: one.ID, State: string(one.State), Person: name(estate.People, string(one.Person)), Site: name(estate.Sites, string(one.Site)),
		Length: one.Length.String(), Reason: one.Words, By: string(one.By), Filed: one.Filed, Needs: one.Needs(book),
		Answered: one.Answered, Answer: one.Answer, Grant: one.Grant, Until: one.Until, Auto: one.Auto, Rev: one.Rev,
	}
	if one.Opening != "" {
		out.Opening = name(estate.Openings, string(one.Opening))
	}
	if one.Area != "" {
		out.Area = name(estate.Areas, string(one.Area))
	}
	for _, id := range one.Approvals {
		out.Approvals = append(out.Approvals, string(id))
	}
	return out
}

func (a *API) listReviews(ctx context.Context, in *Paging) (*pageAnswer[Review], error) {
	var list []approvals.Review
	if err := a.view(ctx, func(q store.Query) (err error) { list, err = approvals.Reviews(q, 200); return err }); err != nil {
		return nil, err
	}
	out := make([]Review, len(list))
	for i, one := range list {
		out[i] = a.review(one)
	}
	return paged(*in, descending, out, func(one Review) string { return one.ID })
}

func (a *API) getReview(ctx context.Context, in *refInput) (*reviewAnswer, error) {
	out := &reviewAnswer{}
	name := naming(a.Hall.Book())
	err := a.view(ctx, func(q store.Query) error {
		one, err := approvals.FindReview(q, in.Ref)
		if err != nil {
			return err
		}
		out.Body = a.review(one)
		lines, err := approvals.Lines(q, one.ID)
		for l := range slices.Values(lines) {
			line := ReviewLine{
				Number: l.Number, Grant: l.Slug, Until: l.Until, Last: l.Last, Uses: l.Uses, Giver: string(l.Giver), Given: l.Given,
				Answer: l.Answer, Why: l.Words, By: string(l.By), At: l.At,
			}
			if l.Person != "" {
				line.Person = name(estate.People, string(l.Person))
			}
			if l.Role != "" {
				line.Role = name(estate.Roles, string(l.Role))
			}
			out.Body.List = append(out.Body.List, line)
		}
		return err
	})
	return out, err
}

func (a *API) review(v approvals.Review) Review {
	return Review{
		ID: v.ID, Name: v.Name, State: v.State, Reviewer: string(v.Reviewer), Began: v.Began, Due: v.Due, Ended: v.Ended, Overdue: v.Overdue(a.Now()),
		Lines: v.Counts.Lines, Kept: v.Counts.Kept, Removed: v.Counts.Removed, Gone: v.Counts.Gone,
	}
}
