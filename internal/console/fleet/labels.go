// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rsc.io/qr"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tags"
)

// The rules of labels are:
//
//   - An opening has one tag and up to two stickers, which are cut apart: one
//     for staff, that leads to its page, and one for customers, that leads to
//     the page on which they call somebody.
//   - Each says in words for whom it is. Nobody scans both to find out.
//   - What customers do not stand at has none for them.

// label is what sticks on an opening.
type label struct {
	Name, Area, Tag string
	Staff           code
	Customers       code // its address is empty: there is none
}

// code is an address as a QR code.
type code struct {
	Address string
	Size    int    // with its margin, in its squares
	Path    string // of the black squares
}

// labelSheet is what the page of labels shows.
type labelSheet struct {
	Site     sashlock.Site
	Origin   string // where the codes lead
	Labels   []label
	Without  int // openings that have no tag yet
	MaySetUp bool
}

// quietZone is the empty margin that readers need, in squares (ISO/IEC 18004).
const quietZone = 4

func (p pages) labels(w http.ResponseWriter, r *http.Request) error {
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	s := &labelSheet{Site: site, Origin: p.Address(r), MaySetUp: console.May(r.Context(), signin.Setup)}
	var tagged map[sashlock.OpeningID]string
	if err := p.Store.View(r.Context(), func(q store.Query) (err error) { tagged, err = tags.List(q); return err }); err != nil {
		return err
	}
	book := p.Hall.Book()
	for _, o := range p.openings(r.Context(), site.ID) {
		tag := tagged[o.ID]
		if tag == "" {
			s.Without++
			continue
		}
		one := label{Name: o.Name, Area: book.Areas[o.Area].Name, Tag: tag}
		if one.Staff, err = drawn(s.Origin + tags.Path(tag)); err == nil && servesCustomers(o.Kind) {
			one.Customers, err = drawn(s.Origin + helpPath(tag))
		}
		if err != nil {
			return &sashlock.Error{Kind: sashlock.Internal, Op: "drawing label", Subject: o.Slug, Err: err}
		}
		s.Labels = append(s.Labels, one)
	}
	return p.Show(w, r, console.Head{
		Title: lang.T(r.Context(), "Labels"), Section: console.InDevices, Site: site, Styles: []string{"fleet.css"}, Scripts: []string{"fleet.js"},
		About: lang.T(r.Context(), "Two codes for each opening, to be cut apart. Staff who scan theirs come to the page of that case, sign in and unlock. Customers who scan theirs can call somebody, without signing in and without an app. A code opens nothing by itself."),
	}, labelPage(s))
}

// openings lists the openings of a site that concern whoever is signed in, in
// order of area and name.
func (p pages) openings(ctx context.Context, site sashlock.SiteID) []sashlock.Opening {
	who, book := console.Who(ctx).Operator, p.Hall.Book()
	var all []sashlock.Opening
	for _, o := range book.Openings {
		if o.Site == site && who.Sees(o.Site, o.Area) {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b sashlock.Opening) int {
		return cmp.Or(cmp.Compare(book.Areas[a.Area].Name, book.Areas[b.Area].Name), console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
	})
	return all
}

// issue gives each opening of a site that has no tag one.
func (p pages) issue(w http.ResponseWriter, r *http.Request) error {
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	who := console.Who(r.Context()).Operator
	all := p.openings(r.Context(), site.ID)
	_, err = p.Hall.Change(r.Context(), flow.Change{Operator: who.ID, Make: func(tx *store.Tx) (whole flow.Edit, err error) {
		for _, o := range all {
			_, edit, err := tags.Issue(tx, o)
			if err != nil {
				return flow.Edit{}, err
			}
			whole.Events = append(whole.Events, edit.Events...)
		}
		return whole, nil
	}})
	if err != nil {
		return err
	}
	return console.Back(w, r, "/devices/labels?"+url.Values{"site": {site.Slug}}.Encode())
}

// servesCustomers reports whether customers stand at openings of a kind, and
// may want somebody there.
func servesCustomers(k sashlock.OpeningKind) bool { return k != sashlock.Door && k != sashlock.Cage }

// helpPath is the address, on our own origin, at which a customer calls
// somebody to the opening with a tag.
func helpPath(tag string) string { return "/help/" + tag }

// drawn is an address as a QR code: the outline of its black squares, row by
// row.
func drawn(address string) (code, error) {
	squares, err := qr.Encode(address, qr.M)
	if err != nil {
		return code{}, err
	}
	var b strings.Builder
	for y := range squares.Size {
		for x := 0; x < squares.Size; x++ {
			from := x
			for x < squares.Size && squares.Black(x, y) {
				x++
			}
			if n := x - from; n > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quietZone, y+quietZone, n, n)
			}
		}
	}
	return code{Address: address, Size: squares.Size + 2*quietZone, Path: b.String()}, nil
}
