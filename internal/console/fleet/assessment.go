// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/catalogue"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/table"
)

// assessing is an inventory as its page shows it. Nothing of it is stored: the
// form carries the list, so that it can be corrected and sent again.
type assessing struct {
	List     string
	Figures  map[catalogue.Figure]string // as typed
	Findings table.Findings
	Wrong    string           // why nothing was assessed
	Field    catalogue.Figure // the figure that is wrong; empty: none
	Result   *catalogue.Assessment
	market
}

// fieldOf is the name of a figure's field.
func fieldOf(f catalogue.Figure) string { return "figure-" + string(f) }

func (p pages) assessment(w http.ResponseWriter, r *http.Request) error {
	return p.showAssessment(w, r, &assessing{Figures: map[catalogue.Figure]string{}})
}

func (p pages) showAssessment(w http.ResponseWriter, r *http.Request, a *assessing) error {
	ctx := r.Context()
	known, err := catalogue.All()
	if err != nil {
		return err
	}
	a.Ways = known.Ways
	h := console.Head{
		Title: lang.T(ctx, "What becomes of your locks"), Section: console.InDevices, Styles: []string{"fleet.css"},
		About: lang.T(ctx, "Takes a list of the locks that you have and says of each whether it stays, needs something beside it or has to be replaced, what works then, and what is to be done. It costs what your own figures say; nothing of it is stored."),
	}
	if a.Wrong != "" || a.Findings.Wrong > 0 {
		h.Status = console.Refused
	}
	return p.Show(w, r, h, assessmentPage(a))
}

// assess says what becomes of the locks of a list.
func (p pages) assess(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	a := &assessing{Figures: map[catalogue.Figure]string{}}
	content, as, err := a.received(w, r)
	if err != nil {
		a.Wrong = console.Sentence(err)
		return p.showAssessment(w, r, a)
	}
	figures := catalogue.Figures{}
	for _, f := range catalogue.AllFigures() {
		if err := figures.Read(f, a.Figures[f]); err != nil {
			a.Wrong, a.Field = lang.T(ctx, "A figure cannot be read: write an amount like 1250 or 12.50, up to a million."), f
			return p.showAssessment(w, r, a)
		}
	}
	stock, findings := catalogue.ReadInventory(content)
	if a.Findings = findings; findings.Wrong > 0 {
		return p.showAssessment(w, r, a)
	}
	known, err := catalogue.All()
	if err != nil {
		return err
	}
	result := known.Assess(stock, figures)
	switch as {
	case "csv":
		return p.assessmentTable(w, result)
	case "yaml":
		return assessmentYAML(w, result)
	}
	a.Result, a.List = &result, catalogue.Text(stock)
	return p.showAssessment(w, r, a)
}

// received reads the form: a file or what was typed, and the figures.
func (a *assessing) received(w http.ResponseWriter, r *http.Request) (content []byte, as string, err error) {
	ctx := r.Context()
	missing := &sashlock.Error{Kind: sashlock.Invalid, Op: "reading list", Hint: lang.T(ctx, "choose a file, or type the list")}
	r.Body = http.MaxBytesReader(w, r.Body, 2*catalogue.MaxInventory+console.MaxForm)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, "", missing
	}
	for range 16 {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		var value []byte
		if err == nil {
			value, err = io.ReadAll(io.LimitReader(part, catalogue.MaxInventory+1))
		}
		if err != nil {
			return nil, "", unread(ctx, err)
		}
		switch name := part.FormName(); name {
		case "file":
			content = value
		case "list":
			a.List = string(value)
		case "as":
			as = string(value)
		default:
			if f, is := strings.CutPrefix(name, "figure-"); is {
				a.Figures[catalogue.Figure(f)] = console.Clip(string(value), 20)
			}
		}
	}
	if len(content) == 0 {
		content = []byte(a.List)
	}
	if len(content) == 0 {
		return nil, as, missing
	}
	return content, as, nil
}

func unread(ctx context.Context, err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &sashlock.Error{Kind: sashlock.Limit, Op: "reading list", Hint: lang.T(ctx, "the file is too large: %d MB at most", catalogue.MaxInventory>>20), Err: err}
	}
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading list", Hint: lang.T(ctx, "the file did not arrive whole: send it again"), Err: err}
}

func (p pages) assessmentTable(w http.ResponseWriter, a catalogue.Assessment) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="locks.csv"`)
	if err := csv.NewWriter(w).WriteAll(a.Table()); err != nil {
		p.Log.Warn("table not completed", logkey.Err(err))
	}
	return nil
}

func assessmentYAML(w http.ResponseWriter, a catalogue.Assessment) error {
	text, err := json.Marshal(a)
	if err == nil {
		text, err = yaml.JSONToYAML(text)
	}
	if err != nil {
		return &sashlock.Error{Kind: sashlock.Internal, Op: "writing YAML", Err: err}
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="locks.yaml"`)
	_, err = w.Write(text)
	return err
}

// verdictWords says what becomes of a lock, with its mark and tone.
func verdictWords(v catalogue.Verdict) (word, mark, tone string) {
	switch v {
	case catalogue.Native:
		return lang.Mark("Stays"), "✓", "tone-calm"
	case catalogue.Adapter:
		return lang.Mark("Needs an adapter"), "◐", "tone-watch"
	case catalogue.Replace:
		return lang.Mark("To replace"), "✗", "tone-act"
	}
	return lang.Mark("Not known"), "?", ""
}

// verdictMeans says it in a sentence.
func verdictMeans(v catalogue.Verdict) string {
	switch v {
	case catalogue.Native:
		return lang.Mark("The lock stays and is reached in the store by its own radio.")
	case catalogue.Adapter:
		return lang.Mark("The lock stays; a service between or a device beside it is needed.")
	case catalogue.Replace:
		return lang.Mark("It cannot be unlocked by any way that can be used today.")
	}
	return lang.Mark("The list of locks does not have it.")
}

// figureWords is what a figure is called.
func figureWords(f catalogue.Figure) string {
	return map[catalogue.Figure]string{
		catalogue.PerGateway: lang.Mark("One gateway"), catalogue.PerAdapter: lang.Mark("Adapter for one lock"), catalogue.PerLock: lang.Mark("One new lock"),
		catalogue.PerHour: lang.Mark("One hour of work"), catalogue.WorkNative: lang.Mark("Minutes for a lock that stays"),
		catalogue.WorkAdapter: lang.Mark("Minutes for one with an adapter"), catalogue.WorkReplace: lang.Mark("Minutes to replace one"),
	}[f]
}

// missingWords lists the figures that are missing.
func missingWords(ctx context.Context, all []catalogue.Figure) string {
	said := make([]string, len(all))
	for i, f := range all {
		said[i] = lang.T(ctx, figureWords(f))
	}
	return strings.Join(said, ", ")
}

// placesOf are the first of the openings of a line.
func placesOf(l catalogue.Assessed) string {
	const most = 3
	if len(l.Places) > most {
		return strings.Join(l.Places[:most], ", ") + " …"
	}
	return strings.Join(l.Places, ", ")
}
