// SPDX-License-Identifier: Apache-2.0

package gateways

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/gateways"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	mostRows  = 64   // of one setting that a form takes
	freeRows  = 2    // that are offered below those in use
	mostTyped = 4000 // bytes of one field
)

// draft is a gateway while it is being set up.
type draft struct {
	New      bool
	Name     string
	Rev      int64
	Manifest driver.Manifest
	Typed    map[string]string // by the path of the setting: "broker", "readers[0].address"
	Rows     map[string]int    // how many rows a setting has
	Wrong    map[string]string // what is wrong, by path; "name" is the gateway's own, "" is about the whole
	Files    []string          // that can be named
	Trial    *gateways.Trial
	YAML     string // as it is kept
	Prove    bool   // a proof of presence is missing
	Theirs   string // what somebody else made of it meanwhile
	Status   int

	values map[string]any
}

func newDraft(m driver.Manifest) *draft {
	return &draft{New: true, Manifest: m, Typed: map[string]string{}, Rows: map[string]int{}, Wrong: map[string]string{}}
}

// draftOf fills the form with what is kept.
func draftOf(m driver.Manifest, g gateways.Gateway) *draft {
	d := newDraft(m)
	d.New, d.Name, d.Rev, d.values = false, g.Name, g.Rev, g.Config
	for _, s := range m.Config {
		if s.Kind != driver.SettingRows {
			d.Typed[s.Key] = s.Typed(g.Config[s.Key])
			continue
		}
		rows, _ := g.Config[s.Key].([]any)
		d.Rows[s.Key] = len(rows)
		for i, one := range rows {
			row, _ := one.(map[string]any)
			for _, f := range s.Fields {
				d.Typed[rowPath(s.Key, i, f.Key)] = f.Typed(row[f.Key])
			}
		}
	}
	return d
}

func rowPath(key string, i int, field string) string { return fmt.Sprintf("%s[%d].%s", key, i, field) }

func (d *draft) gateway() gateways.Gateway {
	return gateways.Gateway{Name: d.Name, Driver: d.Manifest.Name, Config: d.values, Rev: d.Rev}
}

// revOf is the revision that a form was made from; 0: of none.
func revOf(r *http.Request) int64 {
	rev, err := strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	if err != nil || rev < 0 {
		return 0
	}
	return rev
}

// read takes what the form sent.
func (p pages) read(w http.ResponseWriter, r *http.Request) (*draft, error) {
	if err := p.Form(w, r); err != nil {
		return nil, err
	}
	m, err := p.room.Describe(r.PostFormValue("driver"))
	if err != nil {
		return nil, err
	}
	d := newDraft(m)
	d.Rev = revOf(r)
	d.New = d.Rev == 0
	d.Name = console.Clip(r.PostFormValue("name"), 60)
	d.values = map[string]any{}
	for _, s := range m.Config {
		if s.Kind == driver.SettingRows {
			d.readRows(r, s)
			continue
		}
		d.readOne(r.Context(), s, s.Key, clipped(r, s.Key), d.values)
	}
	return d, nil
}

func clipped(r *http.Request, path string) string {
	return console.Clip(strings.ReplaceAll(r.PostFormValue("set."+path), "\r\n", "\n"), mostTyped)
}

// readOne keeps what was typed for one setting, and its value where it has one.
func (d *draft) readOne(ctx context.Context, s driver.Setting, path, typed string, into map[string]any) {
	if s.Kind == driver.SettingYesNo && typed == "" {
		typed = "no" // a box that is not ticked is not sent
	}
	d.Typed[path] = typed
	value, err := s.Value(typed)
	switch {
	case err != nil:
		d.Wrong[path] = lang.T(ctx, console.HintOf(err))
	case value != nil:
		into[s.Key] = value
	}
}

// readRows takes the rows in which something was typed, and closes the gaps.
func (d *draft) readRows(r *http.Request, s driver.Setting) {
	var rows []any
	for i := range mostRows {
		typed, some := make([]string, len(s.Fields)), false
		for j, f := range s.Fields {
			typed[j] = clipped(r, rowPath(s.Key, i, f.Key))
			some = some || typed[j] != ""
		}
		if !some {
			continue
		}
		row := map[string]any{}
		for j, f := range s.Fields {
			d.readOne(r.Context(), f, rowPath(s.Key, len(rows), f.Key), typed[j], row)
		}
		rows = append(rows, row)
	}
	if d.Rows[s.Key] = len(rows); len(rows) > 0 {
		d.values[s.Key] = rows
	}
}

// wrong puts an error next to the field that it names.
func (d *draft) wrong(ctx context.Context, err error) {
	path := ""
	if e, is := errors.AsType[*sashlock.Error](err); is && d.has(e.Subject) {
		path = e.Subject
	} else if is {
		path, _, _ = strings.Cut(e.Subject, "[") // one of a list is wrong
		if !d.has(path) {
			path = ""
		}
	}
	d.Wrong[path] = lang.T(ctx, console.HintOf(err))
}

// has reports whether the form has a field.
func (d *draft) has(path string) bool {
	if path == "name" && d.New {
		return true
	}
	for _, s := range d.Manifest.Config {
		if s.Key == path {
			return true
		}
		for i := range d.Rows[s.Key] {
			for _, f := range s.Fields {
				if rowPath(s.Key, i, f.Key) == path {
					return true
				}
			}
		}
	}
	return false
}

// proved reports whether whoever is signed in showed lately that it is them; if
// not, the form says so.
func (p pages) proved(ctx context.Context, d *draft) bool {
	d.Prove = !console.Who(ctx).Fresh(p.Now())
	if d.Prove {
		d.Status = http.StatusForbidden
	}
	return !d.Prove
}

// try opens the gateway for a few seconds and shows what it found.
func (p pages) try(w http.ResponseWriter, r *http.Request) error {
	d, err := p.read(w, r)
	if sashlock.IsKind(err, sashlock.NotFound) {
		return p.unknown(w, r)
	}
	if err != nil {
		return err
	}
	ctx := r.Context()
	if len(d.Wrong) == 0 && p.proved(ctx, d) {
		t, err := p.room.Try(ctx, d.gateway())
		switch {
		case err == nil:
			d.Trial = &t
		case ctx.Err() != nil:
			return err
		default:
			d.wrong(ctx, err)
		}
	}
	d.refused()
	return p.edit(w, r, d)
}

// unknown says that there is no such driver, and offers those there are.
func (p pages) unknown(w http.ResponseWriter, r *http.Request) error {
	head := p.head(r.Context(), lang.T(r.Context(), "New gateway"))
	head.Status = console.Refused
	name := console.Clip(r.PostFormValue("driver"), 60)
	if name == "" {
		name = "?"
	}
	return p.Show(w, r, head, choicePage(p.room.Described(), name))
}

// refused sets the answer to a form that is not right.
func (d *draft) refused() {
	if len(d.Wrong) > 0 && d.Status == 0 {
		d.Status = console.Refused
	}
}

func (p pages) save(w http.ResponseWriter, r *http.Request) error {
	d, err := p.read(w, r)
	if sashlock.IsKind(err, sashlock.NotFound) {
		return p.unknown(w, r)
	}
	if err != nil {
		return err
	}
	ctx := r.Context()
	if len(d.Wrong) == 0 && p.proved(ctx, d) {
		err := p.room.Save(ctx, console.Who(ctx).Operator.ID, d.gateway(), d.Rev)
		switch {
		case err == nil:
			return console.Back(w, r, home+"?saved="+d.Name)
		case errors.Is(err, store.ErrChanged):
			if err := p.outrun(ctx, d); err != nil {
				return err
			}
		case sashlock.IsKind(err, sashlock.Invalid), sashlock.IsKind(err, sashlock.Conflict), sashlock.IsKind(err, sashlock.Limit):
			d.wrong(ctx, err)
		default:
			return err
		}
	}
	d.refused()
	return p.edit(w, r, d)
}

// outrun shows what somebody else saved meanwhile; saving again takes its place.
func (p pages) outrun(ctx context.Context, d *draft) error {
	g, _, err := p.find(ctx, d.Name)
	if sashlock.IsKind(err, sashlock.NotFound) { // it was removed: what was typed is a new one
		d.New, d.Rev = true, 0
		d.Wrong[""] = lang.T(ctx, "Somebody else removed this gateway while you changed it. Save again to set it up anew.")
		return nil
	}
	if err != nil {
		return err
	}
	d.Theirs, d.Rev, d.Status = p.room.YAML(g), g.Rev, console.Outrun
	return nil
}
