// SPDX-License-Identifier: Apache-2.0

// Package reports is the part of the console that counts: how busy the
// openings were, what was refused and why, which alarms there were, and who
// could open what is most valuable.
//
// # How it fits
//
// Days are counted once from the ledger and kept, as a day that is over does
// not change (count.go). Each report is a page to read, to print and to take
// as a table.
//
// # Promises
//
// Openings are counted by area and hour, not by person: who did what is a
// question for one incident, not for a ranking. Days are those of the site,
// also when clocks change.
package reports

import (
	"cmp"
	"context"
	"encoding/csv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/shopper"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /reports", signin.Read, p.overview)
	f.Handle("GET /reports/review", signin.Read, p.review)
	f.Handle("GET /reports/days.csv", signin.Read, p.table)
}

// spans are how many days a report can be about.
func spans() []int { return []int{7, 14, 28} }

// summary is what the overview shows of a site.
type summary struct {
	Site    sashlock.Site
	Days    []day // oldest first
	Span    int
	Total   day
	Reasons []reason
	Areas   []area
	Busiest int // of an hour of a weekday
	Waits   []waited
}

// waited is how long customers of one kind waited for their case.
type waited struct {
	Text       string
	N          int
	Half, Most time.Duration // half of them, and nine of ten, waited no longer
}

// waitedFor sums waits up, which are in order and in seconds.
func waitedFor(text string, waits []float64) waited {
	w := waited{Text: text, N: len(waits)}
	if len(waits) > 0 {
		w.Half = time.Duration(waits[(len(waits)-1)/2] * float64(time.Second))
		w.Most = time.Duration(waits[(len(waits)-1)*9/10] * float64(time.Second))
	}
	return w
}

// waits tells how long customers waited who were served, and who opened a case
// themselves.
func (p pages) waits(ctx context.Context, s *summary) error {
	return p.Store.View(ctx, func(q store.Query) error {
		assisted, err := assistance.Waits(q, s.Site.ID, s.Days[0].Start)
		if err != nil {
			return err
		}
		alone, err := shopper.Waits(q, s.Site.ID, s.Days[0].Start)
		s.Waits = []waited{waitedFor(lang.T(ctx, "Called somebody"), assisted), waitedFor(lang.T(ctx, "Opened it themselves"), alone)}
		return err
	})
}

type reason struct {
	Text string
	N    int
}

type area struct {
	Name   string
	Alarms int
	Open   time.Duration // how long openings of it stood under an alarm
}

func (p pages) span(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("days"))
	if err != nil || !slices.Contains(spans(), n) {
		return 14
	}
	return n
}

func (p pages) overview(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	s, err := p.summarise(ctx, site, p.span(r))
	if err != nil {
		return err
	}
	head := console.Head{Title: lang.T(ctx, "Reports"), Section: console.InReports, Site: site, Styles: []string{"reports.css"},
		About: lang.T(ctx, "What the last days were like: how busy, what was refused, which alarms. By area and hour, not by person.")}
	return p.Show(w, r, head, overviewPage(s))
}

func (p pages) summarise(ctx context.Context, site sashlock.Site, span int) (*summary, error) {
	s := &summary{Site: site, Span: span}
	var err error
	if s.Days, err = p.days(ctx, site, span); err != nil {
		return nil, err
	}
	reasons := map[sashlock.Reason]int{}
	for _, d := range s.Days {
		s.Total.add(d)
		for why, n := range d.Reasons {
			reasons[why] += n
		}
	}
	for why, n := range reasons {
		s.Reasons = append(s.Reasons, reason{lang.T(ctx, why.Words()), n})
	}
	slices.SortFunc(s.Reasons, func(a, b reason) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Text, b.Text)) })
	for _, row := range s.week() {
		s.Busiest = max(s.Busiest, slices.Max(row[:]))
	}
	if err := p.waits(ctx, s); err != nil {
		return nil, err
	}
	return s, p.alarms(ctx, s)
}

// alarms sums up the alarms of the days by area.
func (p pages) alarms(ctx context.Context, s *summary) error {
	since := s.Days[0].Start
	o := console.Who(ctx).Operator
	book := p.Hall.Book()
	var all []sashlock.Alarm
	err := p.Store.View(ctx, func(q store.Query) (err error) {
		all, err = raised(q, s.Site.ID, since)
		return err
	})
	byArea := map[string]*area{}
	for _, a := range all {
		in := book.Openings[a.Opening].Area
		if !o.Sees(a.Site, in) || !o.Hears(a.Rule) {
			continue
		}
		name := cmp.Or(book.Areas[in].Name, "–")
		if byArea[name] == nil {
			byArea[name] = &area{Name: name}
		}
		end := cmp.Or(a.Cleared, p.Now())
		byArea[name].Alarms++
		byArea[name].Open += end.Sub(a.Raised)
	}
	for _, name := range slices.Sorted(maps.Keys(byArea)) {
		s.Areas = append(s.Areas, *byArea[name])
	}
	slices.SortStableFunc(s.Areas, func(a, b area) int { return cmp.Compare(b.Open, a.Open) })
	return err
}

// week adds the days up to one week: weekday from Monday by hour.
func (s *summary) week() (w [7][24]int) {
	for _, d := range s.Days {
		row := (int(d.Start.Weekday()) + 6) % 7
		for h, n := range d.Opens {
			w[row][h] += n
		}
	}
	return w
}

// table hands out the days as a table for a spreadsheet.
func (p pages) table(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	s, err := p.summarise(ctx, site, p.span(r))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="days.csv"`)
	out := csv.NewWriter(w)
	rows := [][]string{{"day", "opened", "granted", "refused", "alarms"}}
	for _, d := range s.Days {
		rows = append(rows, []string{d.Start.Format("2006-01-02"), strconv.Itoa(d.Opened), strconv.Itoa(d.Granted), strconv.Itoa(d.Refused), strconv.Itoa(d.Alarms)})
	}
	if err := out.WriteAll(rows); err != nil {
		p.Log.Warn("table not completed", logkey.Err(err))
	}
	return nil
}
