// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/cutover"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/schedule"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/table"
	"github.com/sashlock/sashlock/internal/wiegand"
)

type compareInput struct {
	Site        string   `query:"site" maxLength:"100" doc:"By whose clocks the times are read: slug or identifier; by those of all stores when not given, or in UTC where they differ"`
	Door        []string `query:"door,explode" maxItems:"500" doc:"A door that has another name there: “Front door=entrance”"`
	ContentType string   `header:"Content-Type"`
	RawBody     []byte   `contentType:"text/csv"`
}

// Compared is how an older system and this one agree.
type Compared struct {
	ComparedTally
	From        time.Time         `json:"from,omitzero" doc:"The first line"`
	Until       time.Time         `json:"until,omitzero" doc:"The last line"`
	Openings    []ComparedOpening `json:"openings" doc:"Those that differ most first"`
	Differing   int               `json:"differing" doc:"Lines that came out otherwise here, in all"`
	Differ      []ComparedLine    `json:"differ" doc:"The first of them"`
	Doors       []ComparedDoor    `json:"doors" doc:"Doors that are not known here, the first of them"`
	NotCompared int               `json:"not_compared" doc:"Lines at such doors"`
	LeftOut     int               `json:"left_out" doc:"Lines about something else"`
	Problems    []FieldProblem    `json:"problems,omitempty" doc:"With any of them nothing is compared"`
	Wrong       int               `json:"wrong" doc:"Problems in all; the list of them is cut"`
}

// ComparedTally is how often the two agree.
type ComparedTally struct {
	Lines    int `json:"lines" doc:"Compared"`
	Recorded int `json:"recorded" doc:"Of which were asked here at the same moment"`
	Agree    int `json:"agree"`
	Stricter int `json:"stricter" doc:"Let in there, refused here"`
	Looser   int `json:"looser" doc:"Refused there, let in here"`
}

// ComparedOpening is the tally of one opening.
type ComparedOpening struct {
	Opening string `json:"opening"`
	ComparedTally
}

// ComparedLine is a line that came out otherwise here.
type ComparedLine struct {
	Row      int             `json:"row"`
	At       time.Time       `json:"at"`
	Person   string          `json:"person,omitempty" doc:"Empty: nobody who is known here"`
	Opening  string          `json:"opening"`
	Granted  bool            `json:"granted" doc:"By the older system"`
	Reason   sashlock.Reason `json:"reason" doc:"Why it came out otherwise here"`
	Words    string          `json:"words" doc:"The reason as a sentence"`
	Rail     string          `json:"rail,omitempty"`
	Decision string          `json:"decision,omitempty" doc:"The decision, if it was asked here at that moment"`
}

// ComparedDoor is a door that is not known here.
type ComparedDoor struct {
	Name  string `json:"name"`
	Lines int    `json:"lines"`
}

func (a *API) cutoverRoutes() {
	register(a, signin.Read, huma.Operation{
		Method: http.MethodPost, Path: "/v1/cutover/compare", OperationID: "compare-log", Tags: []string{"decisions"},
		Summary:      "How the log of an older system agrees with what was decided here, or would have been",
		Description:  "A table with time, card or person, door and result. Nothing is stored or recorded. What depends on who else was there counts as met.",
		MaxBodyBytes: cutover.MaxLog + 1,
	}, a.compareLog)
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPost, Path: "/v1/people/cards", OperationID: "bring-cards", Tags: []string{"credentials"},
		Summary:      "Bring people and their cards over from an older system, all or nothing",
		Description:  "A table with names or short names, and card numbers; columns can be doors, which become grants. Without a plan it only tells what it would do. A list with PINs is refused.",
		MaxBodyBytes: cutover.MaxCards + 1,
	}, a.bringCards)
}

type bringInput struct {
	Site        string           `query:"site" maxLength:"100" doc:"By whose clocks days begin: slug or identifier"`
	Format      string           `query:"format" maxLength:"40" doc:"Of cards where the list does not say" example:"26"`
	As          wiegand.Notation `query:"as" enum:",number,side_by_side,printed,whole" doc:"How numbers without a facility code of their own are written"`
	Door        []string         `query:"door,explode" maxItems:"100" doc:"A column that is a door, and the opening: “Front Door=entrance”"`
	Plan        string           `query:"plan" maxLength:"64" doc:"The plan of the answer without it: does exactly that. Without it, nothing is done"`
	ContentType string           `header:"Content-Type"`
	RawBody     []byte           `contentType:"text/csv"`
}

// Brought is what a list of cards does, or would do.
type Brought struct {
	Done     bool           `json:"done" doc:"It was done; false: it would be"`
	Plan     string         `json:"plan" doc:"Hand it in to do exactly this"`
	People   int            `json:"people" doc:"New ones"`
	Cards    int            `json:"cards" doc:"New ones"`
	Grants   int            `json:"grants" doc:"New ones, from doors of the list"`
	Dates    int            `json:"dates" doc:"Such grants that get other dates"`
	Same     int            `json:"same" doc:"Cards that are here already"`
	Steps    []BroughtStep  `json:"steps"`
	Notes    []FieldProblem `json:"notes,omitempty"`
	Problems []FieldProblem `json:"problems,omitempty" doc:"With any of them nothing is done"`
	Wrong    int            `json:"wrong" doc:"Problems in all; the list of them is cut"`
}

// BroughtStep is one thing that a list of cards does.
type BroughtStep struct {
	What    string    `json:"what" enum:"person,card,grant,dates"`
	Row     int       `json:"row"`
	Person  string    `json:"person" doc:"Slug"`
	Name    string    `json:"name"`
	Opening string    `json:"opening,omitempty"`
	From    time.Time `json:"from,omitzero"`
	Until   time.Time `json:"until,omitzero"`
}

// bringCards brings cards over from a list, or tells what that would do.
func (a *API) bringCards(ctx context.Context, in *bringInput) (*struct{ Body Brought }, error) {
	zone, err := a.zoneOf(ctx, in.Site)
	if err != nil {
		return nil, err
	}
	doors, err := doorsOf(in.Door)
	if err != nil {
		return nil, err
	}
	opts := cutover.CardOptions{Zone: zone, Format: in.Format, As: in.As, Doors: doors}
	var plan cutover.Plan
	if in.Plan == "" {
		plan, err = a.Cards.Preview(ctx, in.RawBody, opts)
	} else {
		plan, err = a.Cards.Bring(ctx, caller(ctx).ID, in.RawBody, opts, in.Plan)
	}
	if err != nil && plan.Wrong == 0 {
		return nil, err
	}
	out := Brought{
		Done: in.Plan != "" && err == nil, Plan: plan.Hash, People: plan.Count[cutover.NewPerson], Cards: plan.Count[cutover.NewCard],
		Grants: plan.Count[cutover.NewGrant], Dates: plan.Count[cutover.NewDates], Same: plan.Same, Steps: []BroughtStep{},
		Notes: toldOf(plan.Notes), Problems: toldOf(plan.Problems), Wrong: plan.Wrong,
	}
	for _, s := range plan.Steps {
		out.Steps = append(out.Steps, BroughtStep{What: s.What, Row: s.Row, Person: s.Slug, Name: s.Name, Opening: s.Opening, From: s.From, Until: s.Until})
	}
	return &struct{ Body Brought }{out}, nil
}

// zoneOf is the time zone of a site; of all sites, when none is named.
func (a *API) zoneOf(ctx context.Context, site string) (zone *time.Location, err error) {
	book := a.Hall.Book()
	if site == "" {
		return people.ZoneOf(book), nil
	}
	err = a.view(ctx, func(q store.Query) error {
		id, err := referred(q, estate.Sites, "site", site)
		if err == nil {
			zone, err = schedule.LoadZone(book.Sites[sashlock.SiteID(id)].Zone)
		}
		return err
	})
	return zone, err
}

// doorsOf reads what doors are called.
func doorsOf(lines []string) (map[string]string, error) {
	doors, wrong := cutover.ReadDoors(strings.Join(lines, "\n"))
	if len(wrong) > 0 {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading doors", Subject: "door", Hint: "write its name there, an equals sign and the short name here: Front door=entrance"}
	}
	return doors, nil
}

func (a *API) compareLog(ctx context.Context, in *compareInput) (*struct{ Body Compared }, error) {
	zone, err := a.zoneOf(ctx, in.Site)
	if err != nil {
		return nil, err
	}
	doors, err := doorsOf(in.Door)
	if err != nil {
		return nil, err
	}
	log := cutover.Read(in.RawBody, zone)
	if log.Wrong > 0 {
		return &struct{ Body Compared }{Compared{Problems: toldOf(log.Problems), Wrong: log.Wrong, Openings: []ComparedOpening{}, Differ: []ComparedLine{}, Doors: []ComparedDoor{}}}, nil
	}
	result, err := cutover.Compare(ctx, a.Store, a.Hall.Book(), log.Lines, cutover.Options{Doors: doors, Whose: a.Credentials.Owner})
	if err != nil {
		return nil, err
	}
	return &struct{ Body Compared }{a.compared(result, log.LeftOut)}, nil
}

func (a *API) compared(r cutover.Result, leftOut int) Compared {
	name := naming(a.Hall.Book())
	tally := func(t cutover.Tally) ComparedTally {
		return ComparedTally{Lines: t.Lines, Recorded: t.Recorded, Agree: t.Agree, Stricter: t.Stricter, Looser: t.Looser}
	}
	out := Compared{
		ComparedTally: tally(r.Tally), From: r.From, Until: r.Until, Differing: r.Differing, NotCompared: r.NotCompared, LeftOut: leftOut,
		Openings: []ComparedOpening{}, Differ: []ComparedLine{}, Doors: []ComparedDoor{},
	}
	for _, o := range r.Openings {
		out.Openings = append(out.Openings, ComparedOpening{name(estate.Openings, string(o.Opening)), tally(o.Tally)})
	}
	for _, d := range r.Differ {
		line := ComparedLine{
			Row: d.Row, At: d.At, Opening: name(estate.Openings, string(d.Opening)), Granted: d.Granted,
			Reason: d.Reason, Words: d.Reason.Words(), Rail: d.Rail, Decision: string(d.Decision),
		}
		if d.Person != "" {
			line.Person = name(estate.People, string(d.Person))
		}
		out.Differ = append(out.Differ, line)
	}
	for _, d := range r.Doors {
		out.Doors = append(out.Doors, ComparedDoor{d.Name, d.Lines})
	}
	return out
}

// toldOf writes what is to be said about a table as other problems are written.
func toldOf(list []table.Problem) (all []FieldProblem) {
	for _, p := range list {
		all = append(all, FieldProblem{Pointer: p.Where(), Detail: p.Detail, Suggestion: p.Fix})
	}
	return all
}
