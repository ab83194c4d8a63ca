// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// maxWait is the longest that Prefer: wait holds an answer back.
const maxWait = 15 * time.Second

// Action tracks a command to its physical end.
type Action struct {
	ID       string                `json:"id" example:"act_01k…"`
	Type     string                `json:"type" enum:"release,unlock,lock"`
	Opening  string                `json:"opening"`
	Person   string                `json:"person,omitempty"`
	Device   string                `json:"device"`
	State    sashlock.CommandState `json:"state" enum:"pending,accepted,succeeded,failed,expired,refused" doc:"succeeded only when the lock itself said that it did it"`
	Reason   sashlock.Reason       `json:"reason,omitempty"`
	Detail   string                `json:"detail,omitempty" doc:"The reason in words"`
	Decision string                `json:"decision,omitempty"`
	Issued   time.Time             `json:"issued"`
	Expires  time.Time             `json:"expires"`
	Ended    time.Time             `json:"ended,omitzero"`
	Receipt  *Receipt              `json:"receipt,omitempty" doc:"Given with the answer to the request"`
}

// Receipt says where in the ledger something is, as signed by the store at
// once.
type Receipt struct {
	First      int64  `json:"first" doc:"Number of the first entry"`
	Last       int64  `json:"last" doc:"Number of the last entry"`
	Checkpoint string `json:"checkpoint,omitempty" doc:"Signed checkpoint that covers them (C2SP tlog-checkpoint); empty while the emergency journal stands in"`
}

func receipt(r store.Receipt) *Receipt {
	if r.Last < r.First {
		return nil
	}
	return &Receipt{First: r.First, Last: r.Last, Checkpoint: r.Checkpoint}
}

type actionInput struct {
	Ref    string `path:"ref" maxLength:"100" doc:"Opening: slug or identifier"`
	Prefer string `header:"Prefer" maxLength:"200" doc:"wait=5 holds the answer back until the lock has confirmed, at most that many seconds (RFC 7240)"`
	Key    string `header:"Idempotency-Key" maxLength:"255" doc:"Repeat with the same key to be sure it is done once"`
	Body   struct {
		Type   string `json:"type" enum:"release" doc:"What to do"`
		Person string `json:"person" minLength:"1" maxLength:"100" doc:"For whom: slug or identifier"`
	}
}

type actionAnswer struct {
	Status   int
	Location string `header:"Location"`
	Body     Action
}

func (a *API) actionRoutes() {
	register(a, signin.Release, huma.Operation{
		Method: http.MethodPost, Path: "/v1/openings/{ref}/actions", OperationID: "act", Tags: []string{"openings"},
		Summary: "Release an opening for a person", DefaultStatus: http.StatusAccepted,
		Description: "The request is decided by the grants. A refusal is a 403 with the reason and the decision's number. " +
			"At an opening on trial nothing is sent to the lock: the answer to a granted request has the state refused and the reason on_trial. " +
			"Granted, it becomes an action that ends with what the lock itself reports.",
	}, a.act)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/actions/{ref}", OperationID: "get-action", Tags: []string{"openings"},
		Summary: "How far an action got",
	}, func(ctx context.Context, in *refInput) (*actionAnswer, error) {
		c, err := a.Store.Command(ctx, sashlock.CommandID(in.Ref))
		return &actionAnswer{Status: http.StatusOK, Body: a.action(c)}, err
	})
}

func (a *API) act(ctx context.Context, in *actionInput) (*actionAnswer, error) {
	wait, err := preferredWait(in.Prefer)
	if err != nil {
		return nil, err
	}
	q := sashlock.Request{Operator: caller(ctx).ID, Method: sashlock.ByRemote, Level: sashlock.AssuranceCard} // a token is something that is held
	if err := a.view(ctx, func(v store.Query) error {
		o, err := sites.FindOpening(v, in.Ref)
		q.Opening = o.ID
		return err
	}); err != nil {
		return nil, err
	}
	if q.Person, err = a.personID(ctx, in.Body.Person); sashlock.IsKind(err, sashlock.NotFound) {
		q.Person = "" // a stranger's request is decided, refused and recorded like any other
	} else if err != nil {
		return nil, err
	}
	answer, err := a.Hall.Request(ctx, q)
	if err != nil {
		return nil, err
	}
	if !answer.Decision.Granted {
		return nil, refusal(answer.Decision)
	}
	if answer.Decision.Trial {
		return &actionAnswer{Status: http.StatusOK, Body: a.tried(answer)}, nil
	}
	c := a.await(ctx, answer.Command, wait)
	out := &actionAnswer{Status: http.StatusAccepted, Location: "/v1/actions/" + string(c.ID), Body: a.action(c)}
	if c.State.Final() {
		out.Status = http.StatusOK
	}
	out.Body.Receipt = receipt(answer.Receipt)
	return out, nil
}

// tried is what became of a granted request at an opening on trial: nothing
// moved, and a program that waits for success never sees it.
func (a *API) tried(answer flow.Answer) Action {
	d, name := answer.Decision, naming(a.Hall.Book())
	return Action{
		Type: "release", Opening: name(estate.Openings, string(d.Opening)), Person: name(estate.People, string(d.Person)),
		State: sashlock.CommandRefused, Reason: sashlock.OnTrial, Detail: sashlock.OnTrial.Words(),
		Decision: string(d.ID), Issued: d.At, Expires: d.At, Ended: d.At, Receipt: receipt(answer.Receipt),
	}
}

// refusal is the answer to a request that was decided against.
func refusal(d sashlock.Decision) *Problem {
	p := newProblem(sashlock.Denied, d.Reason.Words())
	p.Title = "Refused"
	p.Code = string(d.Reason)
	p.Decision = string(d.ID)
	for _, c := range d.Checks {
		if !c.OK {
			p.Errors = append(p.Errors, FieldProblem{Pointer: c.What, Detail: "needed: " + c.Needed + "; actual: " + c.Actual, Suggestion: c.Fix})
		}
	}
	return p
}

// await returns the command once it has ended, or as it stands when the wait is
// over or the caller has gone. It never fails: the command is on its way, and an
// error would be an invitation to send it again.
func (a *API) await(ctx context.Context, id sashlock.CommandID, wait time.Duration) sashlock.CommandRecord {
	news, stop := a.Store.Subscribe()
	defer stop()
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		c, err := a.Store.Command(context.WithoutCancel(ctx), id)
		if err != nil {
			a.Log.Warn("command not read back", logkey.Command(id), logkey.Err(err))
			return sashlock.CommandRecord{Command: sashlock.Command{ID: id}, State: sashlock.CommandPending}
		}
		if c.State.Final() || wait == 0 {
			return c
		}
		select {
		case <-news:
		case <-over.C:
			wait = 0
		case <-ctx.Done():
			return c
		}
	}
}

// preferredWait reads the wait of a Prefer header. Other preferences are none of
// our business and are let pass, as the standard asks.
func preferredWait(header string) (time.Duration, error) {
	for preference := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(preference), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
		if err != nil {
			return 0, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading Prefer", Subject: "Prefer", Hint: "write wait= and a number of seconds, like wait=5"}
		}
		return min(time.Duration(n)*time.Second, maxWait), nil
	}
	return 0, nil
}

func (a *API) action(c sashlock.CommandRecord) Action {
	name := naming(a.Hall.Book())
	out := Action{
		ID: string(c.ID), Type: string(c.Verb), Opening: name(estate.Openings, string(c.Opening)), Device: string(c.Device),
		State: c.State, Reason: c.Reason, Decision: string(c.Decision), Issued: c.Issued, Expires: c.Expires, Ended: c.Ended,
	}
	if c.Person != "" {
		out.Person = name(estate.People, string(c.Person))
	}
	if c.Decision != "" {
		out.Type = "release"
	}
	if c.Reason != "" {
		out.Detail = c.Reason.Words()
	}
	return out
}

// personID finds a person by slug or identifier.
func (a *API) personID(ctx context.Context, ref string) (id sashlock.PersonID, err error) {
	err = a.view(ctx, func(q store.Query) error {
		p, err := people.Find(q, ref)
		id = p.ID
		return err
	})
	return id, err
}
