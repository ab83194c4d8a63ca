// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const shownReports = 15

// sheet is what the page of one device shows.
type sheet struct {
	Site     sashlock.Site
	Now      time.Time
	Row      row
	Battery  cell
	Gateway  *devices.GatewayStatus // nil: not configured any more
	Reports  []report
	Test     *trial // the last one; nil: never tested
	Spare    []row  // what could take its place
	Places   []places
	YAML     string     // the opening that it is fitted to, as the estate has it
	Codes    *codeCount // of a lock that holds PINs; nil: of any other device
	Adopted  bool       // just now
	MaySetUp bool
}

// codeCount is how many codes of a lock stand how.
type codeCount struct{ force, found, going, waits int }

// codesOf counts the codes in a lock.
func (p pages) codesOf(ctx context.Context, d sashlock.Device) (*codeCount, error) {
	var l codes.Lock
	err := p.Store.View(ctx, func(q store.Query) (err error) { l, err = codes.Find(q, d.ID); return err })
	if err != nil || !d.Has(sashlock.HasCodes) {
		return nil, err
	}
	n := &codeCount{waits: len(l.Waits)}
	for _, s := range l.Slots {
		switch {
		case !s.Ours:
			n.found++
		case !s.Going.IsZero():
			n.going++
		case s.Sure:
			n.force++
		}
	}
	return n, nil
}

// report is an entry of the ledger about the device.
type report struct {
	Seq  int64
	At   time.Time
	Kind sashlock.EventKind
	Text string // in words; empty: there are none
	Data string
}

// trial is the outcome of a test.
type trial struct {
	At       time.Time
	Answered bool
	Took     time.Duration
	Said     []devices.Said
	Why      string
	Seq      int64
}

func (p pages) device(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	d, err := p.find(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	s, err := p.sheetOf(ctx, d)
	if err != nil {
		return err
	}
	if s.Site.ID == "" { // in the inbox: to be fitted at the site that was looked at last
		if s.Site, err = p.Site(r); err != nil {
			return err
		}
		s.Now = console.LocalTime(s.Site, p.Now())
		s.Places = p.places(ctx, s.Site.ID)
	}
	s.Adopted = r.URL.Query().Get("adopted") == "yes" && d.Opening != ""
	return p.Show(w, r, console.Head{
		Title: s.Row.Called(), Section: console.InDevices, Site: s.Site, Styles: []string{"fleet.css"},
		About: lang.T(ctx, "One device: what it can do, what it last said, and the opening that it is fitted to. Testing asks it how it stands; nothing moves."),
	}, devicePage(s))
}

func (p pages) sheetOf(ctx context.Context, d sashlock.Device) (*sheet, error) {
	rows, err := p.rows(ctx)
	if err != nil {
		return nil, err
	}
	book, concerns := p.Hall.Book(), p.concerns(ctx)
	s := &sheet{Site: book.Sites[book.Openings[d.Opening].Site], MaySetUp: console.May(ctx, signin.Setup)}
	s.Now = console.LocalTime(s.Site, p.Now())
	for _, r := range rows {
		switch {
		case r.Device.ID == d.ID:
			s.Row = r
		case r.Opening == "" && concerns(r.Gateway) && isLock(r.Device) == isLock(d):
			s.Spare = append(s.Spare, r)
		}
	}
	slices.SortFunc(s.Spare, func(a, b row) int {
		return cmp.Or(console.CompareNames(a.Called(), b.Called()), cmp.Compare(a.Device.ID, b.Device.ID))
	})
	for _, g := range p.Devices.Gateways() {
		if g.Name == d.Gateway {
			s.Gateway = &g
		}
	}
	if d.Opening != "" {
		s.YAML = p.yamlOf(book.Openings[d.Opening])
	}
	if s.Row.Has(sashlock.TellsBattery) && d.Opening != "" {
		cells, err := p.foretell(ctx, []row{s.Row}, s.Now)
		if err != nil {
			return nil, err
		}
		s.Battery = cells[0]
	}
	if s.Codes, err = p.codesOf(ctx, d); err != nil {
		return nil, err
	}
	return s, p.history(ctx, s)
}

// yamlOf is an opening as a file of the estate has it.
func (p pages) yamlOf(o sashlock.Opening) string {
	book := p.Hall.Book()
	text, err := estate.Marshal(estate.File{Openings: []estate.Opening{estate.FromOpening(o, func(k estate.Kind, id string) string {
		switch k {
		case estate.Sites:
			return book.Sites[sashlock.SiteID(id)].Slug
		case estate.Areas:
			return book.Sites[o.Site].Slug + "/" + book.Areas[sashlock.AreaID(id)].Slug
		}
		return id
	})}})
	if err != nil {
		return ""
	}
	return string(text)
}

// history reads the last entries about the device, and its last test.
func (p pages) history(ctx context.Context, s *sheet) error {
	zone := s.Now.Location()
	list, err := p.Store.Events(ctx, store.EventQuery{Device: s.Row.Device.ID, Newest: true, Limit: shownReports})
	if err != nil {
		return err
	}
	for _, e := range list {
		one := report{Seq: e.Seq, At: in(e.Heard, zone), Kind: e.Kind, Text: lang.T(ctx, reportWords(e.Kind))}
		switch e.Kind {
		case sashlock.BatteryReported:
			one.Text = lang.T(ctx, "Its battery is at %d %%.", e.Level)
		case sashlock.DeviceDiscovered:
			one.Text = lang.T(ctx, "It was found, or something about it changed.")
		case sashlock.DeviceAdopted:
			one.Text = lang.T(ctx, "It was fitted to its opening.")
		case sashlock.DeviceReleased:
			one.Text = lang.T(ctx, "It was taken away from its opening.")
		case sashlock.DeviceTested:
			one.Text = lang.T(ctx, "It was tested.")
		}
		s.Reports = append(s.Reports, one)
	}
	tests, err := p.Store.Events(ctx, store.EventQuery{Device: s.Row.Device.ID, Kind: string(sashlock.DeviceTested), Newest: true, Limit: 1})
	if err != nil || len(tests) == 0 {
		return err
	}
	var kept devices.Tested
	if json.Unmarshal(tests[0].Data, &kept) == nil {
		s.Test = &trial{
			At: in(tests[0].Heard, zone), Answered: kept.Answered, Took: time.Duration(kept.Took) * time.Millisecond,
			Said: kept.Said, Why: tests[0].Why, Seq: tests[0].Seq,
		}
	}
	return nil
}

// words is one report of an answer.
func said(ctx context.Context, s devices.Said) string {
	if s.Kind == sashlock.BatteryReported {
		return lang.T(ctx, "Its battery is at %d %%.", s.Level)
	}
	if words := reportWords(s.Kind); words != "" {
		return lang.T(ctx, words)
	}
	return string(s.Kind)
}

func areaName(ctx context.Context, name string) string {
	if name == "" {
		return lang.T(ctx, "Without an area")
	}
	return name
}

// securityWords is how the link of a device is protected, in its ecosystem's
// words.
func securityWords(ctx context.Context, r row) string {
	if r.Security == "" {
		return lang.T(ctx, "unknown")
	}
	return linkWords(ctx, r.Security)
}
