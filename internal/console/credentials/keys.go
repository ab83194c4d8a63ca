// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// register is what the page of mechanical keys shows.
type register struct {
	Keys   []keyRow
	Months []bar
	Left   int // keys in use
	Zone   *time.Location
	Now    time.Time

	Form   keyForm
	Places []place
	People []sashlock.Person
	Wrong  map[string]string
	About  string // the key to which Wrong belongs; empty: a new one
	Lost   *credentials.Key
}

type keyRow struct {
	credentials.Key
	At   []sashlock.Opening // what it opens, by name
	Out  []loanRow
	Free int
}

type loanRow struct {
	credentials.Loan
	Who sashlock.Person
}

type keyForm struct{ Slug, Name, Copies, Cost string }

// bar is one month of the burn-down.
type bar struct {
	credentials.Month
	X, Y, Height int
}

func (p pages) keys(w http.ResponseWriter, r *http.Request) error {
	s := &register{Form: keyForm{Copies: "1"}}
	if slug := r.URL.Query().Get("lost"); slug != "" {
		err := p.Store.View(r.Context(), func(q store.Query) error {
			k, err := credentials.FindKey(q, slug)
			if err == nil && p.mine(r.Context(), k) {
				s.Lost = &k
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return p.showKeys(w, r, s)
}

// mine reports whether all that a key opens concerns whoever is signed in.
func (p pages) mine(ctx context.Context, k credentials.Key) bool {
	book := p.Hall.Book()
	return !slices.ContainsFunc(k.Openings, func(id sashlock.OpeningID) bool {
		o := book.Openings[id]
		return !console.Who(ctx).Operator.Sees(o.Site, o.Area)
	})
}

func (p pages) showKeys(w http.ResponseWriter, r *http.Request, s *register) (err error) {
	ctx := r.Context()
	if s.Zone, err = p.zone(r); err != nil {
		return err
	}
	s.Now = p.Now()
	if s.Places == nil {
		s.Places = p.openings(ctx)
	}
	c, err := p.concern(ctx)
	if err != nil {
		return err
	}
	book := p.Hall.Book()
	for _, one := range book.People {
		if sees, _ := c.about(one); sees && !one.Suspended && !one.IsGuest() {
			s.People = append(s.People, one)
		}
	}
	slices.SortFunc(s.People, func(a, b sashlock.Person) int { return console.CompareNames(a.Name, b.Name) })
	var all []credentials.Key
	var out []credentials.Loan
	var lost map[sashlock.CredentialID]int
	err = p.Store.View(ctx, func(q store.Query) (err error) {
		if all, err = credentials.Keys(q); err == nil {
			out, err = credentials.OutNow(q)
		}
		if err == nil {
			lost, err = credentials.LostCopies(q)
		}
		return err
	})
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(k credentials.Key) bool { return !p.mine(ctx, k) })
	for _, k := range all {
		one := keyRow{Key: k, Free: k.Copies - lost[k.ID]}
		for _, o := range k.Openings {
			one.At = append(one.At, book.Openings[o])
		}
		slices.SortFunc(one.At, func(a, b sashlock.Opening) int { return console.CompareNames(a.Name, b.Name) })
		for _, l := range out {
			if l.Key == k.ID {
				one.Out = append(one.Out, loanRow{l, book.People[l.Person]})
				one.Free--
			}
		}
		s.Keys = append(s.Keys, one)
	}
	s.chart(all)
	head := head(ctx, lang.T(ctx, "Mechanical keys"))
	if len(s.Wrong) > 0 {
		head.Status = console.Refused
	}
	return p.Show(w, r, head, keysPage(s))
}

// chart lays out the burn-down: how many keys were in use in each month.
func (s *register) chart(all []credentials.Key) {
	most := 1
	months := credentials.BurnDown(all, s.Now.In(s.Zone), 12)
	for _, m := range months {
		most = max(most, m.Left)
	}
	for i, m := range months {
		height := m.Left * 80 / most
		s.Months = append(s.Months, bar{Month: m, X: 10 + i*50, Y: 100 - height, Height: height})
		s.Left = m.Left
	}
}

func (p pages) saveKey(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	s := &register{Places: marked(p.openings(ctx), r.PostForm["opening"]), Wrong: map[string]string{}, Form: keyForm{
		Slug: console.Clip(r.PostFormValue("slug"), 60), Name: console.Clip(r.PostFormValue("name"), 300),
		Copies: console.Clip(r.PostFormValue("copies"), 12), Cost: console.Clip(r.PostFormValue("cost"), 20),
	}}
	k := credentials.Key{Slug: s.Form.Slug, Name: s.Form.Name, Openings: chosen(s.Places)}
	var err error
	if k.Copies, err = strconv.Atoi(s.Form.Copies); err != nil {
		s.Wrong["copies"] = lang.T(ctx, "write a whole number")
	}
	if s.Form.Cost != "" {
		if k.Cost, err = strconv.ParseInt(s.Form.Cost, 10, 64); err != nil || k.Cost < 0 || k.Cost > 1e9 {
			s.Wrong["cost"] = lang.T(ctx, "write a whole number")
		}
		k.Cost *= 100
	}
	if len(s.Wrong) == 0 {
		err = p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
			_, edit, err := credentials.SaveKey(tx, k, -1)
			return edit, err
		})
		if err == nil {
			return console.Back(w, r, "/keys")
		}
		fields, known := wrong(ctx, err)
		if !known {
			return err
		}
		s.Wrong = fields
	}
	return p.showKeys(w, r, s)
}

// key finds the key of an address, if it concerns whoever is signed in.
func (p pages) key(ctx context.Context, ref string) (k credentials.Key, err error) {
	err = p.Store.View(ctx, func(q store.Query) (err error) { k, err = credentials.FindKey(q, ref); return err })
	if err == nil && !p.mine(ctx, k) {
		err = p.Refuse(ctx, "key "+string(k.ID))
	}
	return k, err
}

func (p pages) handOut(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	k, err := p.key(ctx, r.PathValue("slug"))
	if err != nil {
		return err
	}
	zone, err := p.zone(r)
	if err != nil {
		return err
	}
	s := &register{About: k.Slug, Form: keyForm{Copies: "1"}}
	due, ok := typed(r.PostFormValue("due"), zone)
	if !ok {
		s.Wrong = map[string]string{"due": lang.T(ctx, "write a date and a time")}
		return p.showKeys(w, r, s)
	}
	c, err := p.concern(ctx)
	if err != nil {
		return err
	}
	whose := c.facts.People[sashlock.PersonID(r.PostFormValue("person"))]
	if sees, _ := c.about(whose); !sees {
		whose = sashlock.Person{}
	}
	err = p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		_, edit, err := credentials.HandOut(tx, string(k.ID), whose.ID, due)
		return edit, err
	})
	if err != nil {
		fields, known := wrong(ctx, err)
		if !known {
			return err
		}
		s.Wrong = fields
		return p.showKeys(w, r, s)
	}
	return console.Back(w, r, "/keys")
}

func (p pages) retire(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	k, err := p.key(ctx, r.PathValue("slug"))
	if err != nil {
		return err
	}
	err = p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		_, edit, err := credentials.RetireKey(tx, string(k.ID), 0)
		return edit, err
	})
	if err != nil {
		return err
	}
	return console.Back(w, r, "/keys")
}

// loan finds the key of a loan, if it concerns whoever is signed in.
func (p pages) loan(ctx context.Context, id string) (credentials.Key, error) {
	var l credentials.Loan
	err := p.Store.View(ctx, func(q store.Query) (err error) { l, err = credentials.FindLoan(q, id); return err })
	if err != nil {
		return credentials.Key{}, err
	}
	return p.key(ctx, string(l.Key))
}

func (p pages) takeBack(w http.ResponseWriter, r *http.Request) error {
	ctx, id := r.Context(), r.PathValue("id")
	if _, err := p.loan(ctx, id); err != nil {
		return err
	}
	err := p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		_, edit, err := credentials.TakeBack(tx, id)
		return edit, err
	})
	if err != nil {
		return err
	}
	return console.Back(w, r, "/keys")
}

func (p pages) loseCopy(w http.ResponseWriter, r *http.Request) error {
	ctx, id := r.Context(), r.PathValue("id")
	k, err := p.loan(ctx, id)
	if err != nil {
		return err
	}
	err = p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		_, edit, err := credentials.LoseCopy(tx, id)
		return edit, err
	})
	if err != nil {
		return err
	}
	return console.Back(w, r, "/keys?lost="+url.QueryEscape(k.Slug))
}

// rotation is a row of what is to be replaced.
type rotation struct {
	credentials.Rotation
	Who     sashlock.Person
	Overdue bool
}

func (p pages) rotations(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	c, err := p.concern(ctx)
	if err != nil {
		return err
	}
	zone, err := p.zone(r)
	if err != nil {
		return err
	}
	var due []credentials.Rotation
	err = p.Store.View(ctx, func(q store.Query) (err error) { due, err = credentials.Rotations(q, p.Now()); return err })
	if err != nil {
		return err
	}
	var rows []rotation
	for _, d := range due {
		who := c.facts.People[d.Person]
		if sees, _ := c.about(who); sees {
			rows = append(rows, rotation{d, who, d.Overdue(p.Now())})
		}
	}
	return p.Show(w, r, head(ctx, lang.T(ctx, "To be replaced")), rotationsPage(rows, zone))
}

// money writes an amount of hundredths.
func money(hundredths int64) string {
	text := strconv.FormatInt(hundredths/100, 10)
	if rest := hundredths % 100; rest != 0 {
		text += "." + strconv.FormatInt(100+rest, 10)[1:]
	}
	return text
}
