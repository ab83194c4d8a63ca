// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
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
}

func (a *API) compareLog(ctx context.Context, in *compareInput) (*struct{ Body Compared }, error) {
	book := a.Hall.Book()
	zone := people.ZoneOf(book)
	if in.Site != "" {
		err := a.view(ctx, func(q store.Query) error {
			id, err := referred(q, estate.Sites, "site", in.Site)
			if err == nil {
				zone, err = schedule.LoadZone(book.Sites[sashlock.SiteID(id)].Zone)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	doors := map[string]string{}
	for _, line := range in.Door {
		some, wrong := cutover.ReadDoors(line)
		if len(wrong) > 0 {
			return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "comparing log", Subject: "door", Hint: "write its name there, an equals sign and the short name here: Front door=entrance"}
		}
		for theirs, ours := range some {
			doors[theirs] = ours
		}
	}
	log := cutover.Read(in.RawBody, zone)
	if log.Wrong > 0 {
		return &struct{ Body Compared }{Compared{Problems: toldOf(log.Problems), Wrong: log.Wrong, Openings: []ComparedOpening{}, Differ: []ComparedLine{}, Doors: []ComparedDoor{}}}, nil
	}
	result, err := cutover.Compare(ctx, a.Store, book, log.Lines, cutover.Options{Doors: doors, Whose: a.Credentials.Owner})
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
