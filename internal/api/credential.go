// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// Credential is what somebody presents, without its secret.
type Credential struct {
	ID       string                  `json:"id"`
	Person   string                  `json:"person"`
	Kind     sashlock.CredentialKind `json:"kind" enum:"pin,card,qr,finger"`
	Label    string                  `json:"label"`
	Level    sashlock.Assurance      `json:"level" doc:"How surely it shows who presents it, 1 to 4"`
	Standing sashlock.Reason         `json:"standing" doc:"permitted, or why it is not taken"`
	Openings []string                `json:"openings,omitempty" doc:"Of a PIN: where it is taken"`
	Digits   int                     `json:"digits,omitempty"`
	Duress   bool                    `json:"duress,omitempty" doc:"It has a duress variant"`
	Once     bool                    `json:"once,omitempty" doc:"It is good for one opening"`
	Made     time.Time               `json:"made"`
	From     time.Time               `json:"from,omitzero"`
	Until    time.Time               `json:"until,omitzero"`
	Lost     time.Time               `json:"lost,omitzero"`
	Device   string                  `json:"device,omitempty"`
	Slot     int                     `json:"slot,omitempty"`
	InLocks  bool                    `json:"in_locks,omitempty" doc:"A PIN that is written into the locks of its openings as well"`
	Rev      int64                   `json:"rev"`
}

// MadeCredential is a credential with its secret, shown this once.
type MadeCredential struct {
	Credential
	Secret     string `json:"secret,omitempty" doc:"The PIN, or what the QR code says. It is shown now and never again"`
	DuressCode string `json:"duress_secret,omitempty" doc:"The duress variant of the PIN"`
}

type credentialsInput struct {
	Person string `query:"person" maxLength:"100" doc:"Only those of this person: slug or identifier"`
	Paging
}

type makeCredentialInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Not kept for this route: an answer with a secret is never stored"`
	Body struct {
		Person   string                  `json:"person" minLength:"1" maxLength:"100" doc:"Whose: slug or identifier"`
		Kind     sashlock.CredentialKind `json:"kind" enum:"pin,card,qr,finger"`
		Label    string                  `json:"label" minLength:"1" maxLength:"240" doc:"What people call it"`
		From     time.Time               `json:"from,omitzero" doc:"Not taken before"`
		Until    time.Time               `json:"until,omitzero" doc:"Not taken from then on"`
		Openings []string                `json:"openings,omitempty" maxItems:"1000" doc:"Of a PIN: where it is taken, slugs or identifiers, all of one site"`
		Digits   int                     `json:"digits,omitempty" maximum:"20" minimum:"0" doc:"Of a PIN: 4 to 8; 4 when not given"`
		Duress   bool                    `json:"duress,omitempty" doc:"Of a PIN: with a duress variant, the last digit one higher"`
		InLocks  bool                    `json:"in_locks,omitempty" doc:"Of a PIN: write it into the locks of its openings as well, which then open with it by themselves"`
		Once     bool                    `json:"once,omitempty" doc:"Of a QR code: good for one opening"`
		Bits     string                  `json:"bits,omitempty" maxLength:"600" doc:"Of a card: zeroes and ones, as the reader sends them"`
		Format   string                  `json:"format,omitempty" maxLength:"40" doc:"Or its format: H10301, H10306, C1000-35, H10302, H10304 or C1000-48"`
		Facility uint64                  `json:"facility,omitempty" doc:"with the facility code"`
		Number   uint64                  `json:"number,omitempty" doc:"and the number"`
		Reader   string                  `json:"reader,omitempty" maxLength:"100" doc:"Or the opening where the unknown card was presented in the last two minutes"`
		Side     sashlock.Side           `json:"side,omitempty" enum:"in,out" doc:"On which side"`
		Device   string                  `json:"device,omitempty" maxLength:"100" doc:"Of a finger: the lock that holds it"`
		Slot     int                     `json:"slot,omitempty" minimum:"0" maximum:"65535" doc:"and the slot"`
	}
}

type madeAnswer struct{ Body MadeCredential }

type loseInput struct {
	Ref  string `path:"ref" maxLength:"100" doc:"Person: slug or identifier"`
	Body struct {
		Credentials []string  `json:"credentials,omitempty" maxItems:"100" doc:"Which; all of the person's when not given"`
		Cause       string    `json:"cause" enum:"lost,stolen,returned,copied"`
		Since       time.Time `json:"since,omitzero" doc:"When they were had for sure; now when not given"`
		Phone       bool      `json:"phone,omitempty" doc:"Sign them out of every phone and browser too"`
	}
}

// Loss is what came of losing credentials.
type Loss struct {
	Ended    []string      `json:"ended" doc:"Credentials that nobody is believed with any more"`
	Uses     []LossUse     `json:"uses" doc:"Decisions about them since, newest first"`
	More     bool          `json:"more,omitempty" doc:"There were more than could be looked at"`
	Sessions int           `json:"sessions" doc:"Phones and browsers that were signed out"`
	Pending  []LossPending `json:"pending" doc:"Locks that hold something by themselves and have yet to be told"`
}

// LossUse is one decision about a lost credential.
type LossUse struct {
	Seq        int64              `json:"seq" doc:"Number of the ledger entry"`
	At         time.Time          `json:"at"`
	Kind       sashlock.EventKind `json:"kind"`
	Opening    string             `json:"opening"`
	Credential string             `json:"credential"`
}

// LossPending is what a lock has to forget.
type LossPending struct {
	Credential string `json:"credential"`
	Device     string `json:"device"`
	Slot       int    `json:"slot"`
}

type lossAnswer struct{ Body Loss }

type presentInput struct {
	Ref  string `path:"ref" maxLength:"100" doc:"Opening: slug or identifier"`
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Not kept for this route: a PIN is never stored"`
	Body struct {
		Side  sashlock.Side `json:"side,omitempty" enum:"in,out" doc:"On which side; entering when not given"`
		Shown []struct {
			Kind sashlock.CredentialKind `json:"kind" enum:"pin,card,qr"`
			PIN  string                  `json:"pin,omitempty" maxLength:"40"`
			Bits string                  `json:"bits,omitempty" maxLength:"600" doc:"Of a card: zeroes and ones, as the reader sent them"`
			QR   string                  `json:"qr,omitempty" maxLength:"200"`
		} `json:"shown" minItems:"1" maxItems:"2" doc:"What is presented; two of different kinds for a higher level"`
	}
}

func (a *API) credentialRoutes() {
	tags := []string{"credentials"}
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: credentialsPath, OperationID: "list-credential", Tags: tags, Summary: "List credentials, without their secrets",
	}, a.listCredentials)
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPost, Path: credentialsPath, OperationID: "make-credential", Tags: tags, Summary: "Give somebody a credential",
		Description: "The secret in the answer is shown this once.", DefaultStatus: http.StatusCreated,
	}, a.makeCredential)
	register(a, signin.Access, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/credentials/{ref}", OperationID: "remove-credential", Tags: tags, Summary: "Forget a credential",
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *refInput) (*struct{}, error) {
		return nil, a.Credentials.Remove(ctx, caller(ctx).ID, sashlock.CredentialID(in.Ref), 0)
	})
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPost, Path: "/v1/people/{ref}/lost", OperationID: "lose-credential", Tags: tags, DefaultStatus: http.StatusOK,
		Summary:     "End credentials of a person, everywhere and at once",
		Description: "Nothing opens with them once this is answered, but what a lock holds by itself: that is listed as pending.",
	}, a.loseCredentials)
	register(a, signin.Release, huma.Operation{
		Method: http.MethodPost, Path: "/v1/openings/{ref}/present", OperationID: "present", Tags: tags, DefaultStatus: http.StatusAccepted,
		Summary:     "Hand in what somebody presents at an opening",
		Description: "For keypads and readers. A refusal is a 403 with the reason; after too many wrong PINs it is a 429 and the keypad rests.",
	}, a.present)
	a.keyRoutes()
}

const credentialsPath = "/v1/credentials"

// holdsSecret reports whether a call to a path carries or answers a secret:
// nothing of it is stored.
func holdsSecret(path string) bool {
	return path == tokensPath || path == credentialsPath || strings.HasPrefix(path, "/v1/openings/") && strings.HasSuffix(path, "/present")
}

func (a *API) credential(c credentials.Credential) Credential {
	name := naming(a.Hall.Book())
	out := Credential{
		ID: string(c.ID), Person: name(estate.People, string(c.Person)), Kind: c.Kind, Label: c.Label, Level: c.Kind.Level(), Standing: c.Standing(a.Now()),
		Digits: c.Digits, Duress: c.Forced, Once: c.Once, Made: c.Made, From: c.From, Until: c.Until, Lost: c.Lost, Device: string(c.Device), Slot: c.Slot, InLocks: c.InLocks, Rev: c.Rev,
	}
	for _, o := range c.Places {
		out.Openings = append(out.Openings, name(estate.Openings, string(o)))
	}
	return out
}

func (a *API) listCredentials(ctx context.Context, in *credentialsInput) (*pageAnswer[Credential], error) {
	var all []credentials.Credential
	err := a.view(ctx, func(q store.Query) (err error) {
		var whose sashlock.Person
		if in.Person != "" {
			if whose, err = people.Find(q, in.Person); err != nil {
				return err
			}
		}
		all, err = credentials.List(q, whose.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Credential, len(all))
	for i, c := range all {
		out[i] = a.credential(c)
	}
	return paged(in.Paging, ascending, out, func(c Credential) string { return c.ID })
}

func (a *API) makeCredential(ctx context.Context, in *makeCredentialInput) (*madeAnswer, error) {
	b := in.Body
	m := credentials.Making{
		Kind: b.Kind, Label: b.Label, From: b.From, Until: b.Until, Digits: b.Digits, Duress: b.Duress, InLocks: b.InLocks, Once: b.Once,
		Format: b.Format, Code: b.Facility, Number: b.Number, At: b.Side, Device: sashlock.DeviceID(b.Device), Slot: b.Slot,
	}
	err := a.view(ctx, func(q store.Query) (err error) {
		whose, err := people.Find(q, b.Person)
		if err != nil {
			return wrongField(err, "person")
		}
		m.Person = whose.ID
		if m.Openings, err = openingsOf(q, b.Openings); err != nil || b.Reader == "" {
			return err
		}
		reader, err := openingsOf(q, []string{b.Reader})
		if err == nil {
			m.Reader = reader[0]
		}
		return err
	})
	if err == nil && b.Bits != "" {
		m.Card, err = wiegand.Parse(b.Bits)
	}
	if err != nil {
		return nil, err
	}
	made, err := a.Credentials.Make(ctx, caller(ctx).ID, m)
	return &madeAnswer{MadeCredential{Credential: a.credential(made.Credential), Secret: made.Secret, DuressCode: made.Duress}}, err
}

// wrongField turns what is not there into wrong input in a field.
func wrongField(err error, field string) error {
	if sashlock.IsKind(err, sashlock.NotFound) {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading request", Subject: field, Hint: "there is no such thing: give a slug or an identifier"}
	}
	return err
}

func openingsOf(q store.Query, refs []string) (all []sashlock.OpeningID, err error) {
	for _, ref := range refs {
		o, err := sites.FindOpening(q, ref)
		if err != nil {
			return nil, wrongField(err, "openings")
		}
		all = append(all, o.ID)
	}
	return all, nil
}

func (a *API) loseCredentials(ctx context.Context, in *loseInput) (*lossAnswer, error) {
	person, err := a.personID(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	l := credentials.Loss{Person: person, Since: in.Body.Since, Cause: in.Body.Cause, Phone: in.Body.Phone}
	for _, id := range in.Body.Credentials {
		l.Credentials = append(l.Credentials, sashlock.CredentialID(id))
	}
	after, err := a.Credentials.Lose(ctx, caller(ctx).ID, l)
	if err != nil {
		return nil, err
	}
	name := naming(a.Hall.Book())
	out := Loss{Ended: []string{}, Uses: []LossUse{}, Pending: []LossPending{}, More: after.More, Sessions: after.Sessions}
	for _, c := range after.Ended {
		out.Ended = append(out.Ended, string(c.ID))
	}
	for _, e := range after.Uses {
		out.Uses = append(out.Uses, LossUse{e.Seq, e.Heard, e.Kind, name(estate.Openings, string(e.Opening)), string(e.Credential)})
	}
	for _, p := range after.Pending {
		out.Pending = append(out.Pending, LossPending{string(p.Credential), string(p.Device), p.Slot})
	}
	return &lossAnswer{out}, nil
}

func (a *API) present(ctx context.Context, in *presentInput) (*actionAnswer, error) {
	p := credentials.Presented{Side: in.Body.Side, Operator: caller(ctx).ID}
	err := a.view(ctx, func(q store.Query) error {
		o, err := sites.FindOpening(q, in.Ref)
		p.Opening = o.ID
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, s := range in.Body.Shown {
		one := credentials.Shown{Kind: s.Kind, PIN: s.PIN, QR: s.QR}
		if s.Bits != "" {
			if one.Card, err = wiegand.Parse(s.Bits); err != nil {
				return nil, err
			}
		}
		p.Shown = append(p.Shown, one)
	}
	out, err := a.Credentials.Present(ctx, p)
	switch {
	case err != nil:
		return nil, err
	case out.Refused != "":
		return nil, unbelieved(out)
	case !out.Decision.Granted:
		return nil, refusal(out.Decision)
	}
	if out.Decision.Trial {
		return &actionAnswer{Status: http.StatusOK, Body: a.tried(out.Answer)}, nil
	}
	c := a.await(ctx, out.Command, 0)
	answer := &actionAnswer{Status: http.StatusAccepted, Location: "/v1/actions/" + string(c.ID), Body: a.action(c)}
	answer.Body.Receipt = receipt(out.Receipt)
	return answer, nil
}

// unbelieved is the answer when what was presented was not taken.
func unbelieved(out credentials.Outcome) *Problem {
	kind := sashlock.Denied
	if out.Refused == sashlock.TooManyTries {
		kind = sashlock.Limit
	}
	words := out.Refused.Words()
	if out.Why != "" {
		words = out.Why
	}
	p := newProblem(kind, words)
	p.Title = "Refused"
	p.Code = string(out.Refused)
	return p
}
