// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/detect/duress"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// counter is a small chain over a real store, with locks that are never called.
type counter struct {
	Store *store.Store
	Hall  *flow.Hall
	Data  string // the folder of the store

	t *testing.T
}

// Everything is named after its slug.
func (c *counter) Site(slug string) sashlock.SiteID       { return sashlock.SiteID("site_" + slug) }
func (c *counter) Opening(slug string) sashlock.OpeningID { return sashlock.OpeningID("opn_" + slug) }
func (c *counter) Person(slug string) sashlock.PersonID   { return sashlock.PersonID("prs_" + slug) }
func (c *counter) Ctx() context.Context                   { return c.t.Context() }
func (c *counter) Now() time.Time                         { return time.Now() }

func (c *counter) Must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{t: t, Data: t.TempDir()}
	skey, _, err := note.GenerateKey(rand.Reader, "sashlock.example/test")
	c.Must(err)
	signer, err := note.NewSigner(skey)
	c.Must(err)
	c.Store, err = store.Open(t.Context(), store.Options{
		URL: "sqlite://" + filepath.ToSlash(filepath.Join(c.Data, "store.db")), Signer: signer, Journal: filepath.Join(c.Data, "journal"), JournalSize: 1 << 20,
	})
	c.Must(err)
	t.Cleanup(func() { c.Must(c.Store.Close()) })
	facts, fitted := c.declare()
	book, err := flow.NewBook(facts, fitted)
	c.Must(err)
	c.Hall = flow.New(flow.Options{Store: c.Store, Rules: []detect.Rule{duress.Rule{}}, Now: c.Now, Epoch: 1}, book)
	c.Must(c.Hall.Resume(t.Context()))
	return c
}

// declare puts two sites, four openings and three people into the tables and
// into what the book is made of. Ana and Duarte may open both cases in Lisbon.
func (c *counter) declare() (facts access.Facts, fitted []sashlock.Device) {
	_, err := c.Store.Do(c.Ctx(), func(tx *store.Tx) error {
		for _, slug := range []string{"lisbon", "porto"} {
			facts.Sites = append(facts.Sites, sashlock.Site{ID: c.Site(slug), Slug: slug, Name: slug, Zone: "Europe/Lisbon"})
			if err := tx.Put("sites", "id", store.Fields{"id": c.Site(slug), "slug": slug, "name": slug, "zone": "Europe/Lisbon", "rev": 1}); err != nil {
				return err
			}
		}
		for i, slug := range []string{"case-1", "case-2", "cage-1", "porto-case"} {
			o := sashlock.Opening{
				ID: c.Opening(slug), Slug: slug, Name: slug, Kind: sashlock.Case, Class: sashlock.Standard, Site: c.Site("lisbon"), Egress: sashlock.EgressNone,
				OnFault: sashlock.HoldOnFault, ReleaseTime: 5 * time.Second, Plan: sashlock.Place{X: 300 + 100*i, Y: 400},
			}
			if slug == "porto-case" {
				o.Site = c.Site("porto")
			}
			facts.Openings = append(facts.Openings, o)
			fitted = append(fitted, sashlock.Device{ID: sashlock.DeviceID("dev_" + slug), Opening: o.ID, Capabilities: []sashlock.Capability{sashlock.CanRelease}})
			if err := tx.Put("openings", "id", store.Fields{
				"id": o.ID, "slug": slug, "name": slug, "kind": o.Kind, "class": o.Class, "site": o.Site, "egress": o.Egress, "on_fault": o.OnFault,
				"release_ms": 5000, "open_ms": 0, "unattended_ms": 0, "rev": 1,
			}); err != nil {
				return err
			}
		}
		for _, slug := range []string{"ana", "bob", "duarte"} {
			facts.People = append(facts.People, sashlock.Person{ID: c.Person(slug), Slug: slug, Name: slug})
			if err := tx.Put("people", "id", store.Fields{"id": c.Person(slug), "slug": slug, "name": slug, "rev": 1}); err != nil {
				return err
			}
		}
		return nil
	})
	c.Must(err)
	for _, who := range []string{"ana", "duarte"} {
		for _, what := range []string{"case-1", "case-2"} {
			facts.Grants = append(facts.Grants, sashlock.Grant{ID: sashlock.GrantID("grt_" + who + what), Slug: who + "-" + what, Person: c.Person(who), Opening: c.Opening(what)})
		}
	}
	return facts, fitted
}
