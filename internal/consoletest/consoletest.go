// SPDX-License-Identifier: Apache-2.0

// Package consoletest is a small store with people, devices and operators, and
// a browser of the simplest kind in front of its console, for the tests of
// pages.
//
// # How it fits
//
// A page's tests live in its folder, in a package of their own (now_test), and
// call [New]. What is built is a real house over a real database with simulated
// devices: two sites, four openings, five people, one operator for each role.
package consoletest

import (
	"context"
	_ "embed" // for the estate
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/sim"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

//go:embed estate.yaml
var estateText string

const simulated = `{"store": "pages", "latency_ms": 5, "devices": [
	{"address": "case-1", "name": "Lock of case 1", "kind": "lock+contact"},
	{"address": "case-2", "name": "Lock of case 2", "kind": "lock+contact"},
	{"address": "cage-1", "name": "Lock of the cage", "kind": "lock+contact"},
	{"address": "porto-case", "name": "Lock of the case in Porto", "kind": "lock+contact"},
	{"address": "spare", "name": "Spare lock", "kind": "lock"}]}`

// Counter is a running store with a browser in front of it.
type Counter struct {
	*app.House
	World  *sim.World
	Server *httptest.Server

	t       *testing.T
	frame   *console.Frame
	cookies map[signin.Role]*http.Cookie
	ids     map[signin.Role]string // of their sessions
	as      *http.Cookie           // who is signed in; nil: nobody
}

// New builds a store and starts it. The browser is signed in as its owner.
func New(t *testing.T) *Counter {
	t.Helper()
	c := &Counter{t: t, cookies: map[signin.Role]*http.Cookie{}, ids: map[signin.Role]string{}}
	data := t.TempDir()
	_, err := app.Init(data)
	c.Must(err)
	c.House, err = app.New(t.Context(), app.Config{Data: data, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler))
	c.Must(err)
	c.Must(c.Start(t.Context()))
	c.MountPages(func(f *console.Frame) { c.frame = f })
	c.Server = httptest.NewServer(c.Handler())
	t.Cleanup(func() {
		c.Server.CloseClientConnections()
		c.Server.Close()
		c.Must(c.Stop())
	})
	c.furnish()
	c.admit()
	c.As(signin.Owner)
	return c
}

// Must ends the test on an error.
func (c *Counter) Must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// Ctx ends with the test.
func (c *Counter) Ctx() context.Context { return c.t.Context() }

func (c *Counter) furnish() {
	f, err := estate.Parse([]byte(estateText))
	c.Must(err)
	_, err = c.Hall.Change(c.t.Context(), api.Apply("", estate.Diff(estate.File{}, f, false)))
	c.Must(err)
	d := sim.New(nil)
	c.World, err = d.World(json.RawMessage(simulated))
	c.Must(err)
	c.Must(c.Devices.Open(c.t.Context(), "sim", d, json.RawMessage(simulated)))
	var found []sashlock.Device
	c.Until("the locks are found", func() bool {
		c.Must(c.Store.View(c.t.Context(), func(q store.Query) (err error) { found, err = devices.List(q); return err }))
		return len(found) == 5
	})
	for _, one := range found {
		if to := c.Opening(one.Address); to != "" {
			_, err = c.Devices.Adopt(c.t.Context(), "", string(one.ID), to)
			c.Must(err)
		}
	}
	c.Until("the locks said how they stand", func() bool {
		for id := range c.Hall.Book().Openings {
			if s := c.State(id); s.Lock != sashlock.Locked || s.Position != sashlock.Closed {
				return false
			}
		}
		return true
	})
}

// admit makes an operator for each role. All but the owner are for Lisbon only;
// the associate is Ana.
func (c *Counter) admit() {
	for _, role := range signin.Roles() {
		o := signin.Operator{Name: "The " + string(role), Role: role}
		if role != signin.Owner {
			o.Sites = []sashlock.SiteID{c.Site("lisbon")}
		}
		if role == signin.Associate {
			o.Person = c.Person("ana")
		}
		o, err := c.Signin.SaveOperator(c.t.Context(), "", o)
		c.Must(err)
		session, secret, err := c.Signin.Begin(c.t.Context(), o.ID, "test", "test browser")
		c.Must(err)
		c.ids[role] = session.ID
		c.cookies[role] = &http.Cookie{Name: console.SessionCookie, Value: secret}
	}
}

// As signs the browser in as the operator of a role; as nobody with "".
func (c *Counter) As(role signin.Role) *Counter {
	c.as = c.cookies[role]
	return c
}

// Secret is the session secret of a role's operator, for a browser of another
// kind.
func (c *Counter) Secret(role signin.Role) string { return c.cookies[role].Value }

// Proved makes it so long ago that the operator of a role proved to be there.
// After [signin.FreshFor] a dangerous act asks them to do it again.
func (c *Counter) Proved(role signin.Role, ago time.Duration) {
	c.t.Helper()
	_, err := c.Store.Do(c.t.Context(), func(tx *store.Tx) error {
		bodies, err := store.Rows(tx, func(scan store.Scan) (body string, err error) { return body, scan(&body) }, `SELECT body FROM sessions WHERE id = ?`, c.ids[role])
		if err != nil {
			return err
		}
		var s signin.Session
		if err := json.Unmarshal([]byte(bodies[0]), &s); err != nil {
			return err
		}
		s.Proved = tx.Now().Add(-ago)
		body, err := json.Marshal(s)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE sessions SET body = ? WHERE id = ?`, string(body), c.ids[role])
		return err
	})
	c.Must(err)
}

// Patterns lists every pattern of the console, "GET /people/{slug}".
func (c *Counter) Patterns() []string { return c.frame.Patterns() }

// Acts lists the patterns of all that can be done in the console, "POST
// /people/{slug}/lift", without the method.
func (c *Counter) Acts() (acts []string) {
	for _, pattern := range c.frame.Patterns() {
		if method, path, _ := strings.Cut(pattern, " "); method == http.MethodPost {
			acts = append(acts, path)
		}
	}
	return acts
}

// Site finds a site by its slug; empty: there is none.
func (c *Counter) Site(slug string) sashlock.SiteID {
	for id, s := range c.Hall.Book().Sites {
		if s.Slug == slug {
			return id
		}
	}
	return ""
}

// Opening finds an opening by its slug; empty: there is none.
func (c *Counter) Opening(slug string) sashlock.OpeningID {
	for id, o := range c.Hall.Book().Openings {
		if o.Slug == slug {
			return id
		}
	}
	return ""
}

// Person finds a person by their slug; empty: there is none.
func (c *Counter) Person(slug string) sashlock.PersonID {
	for id, p := range c.Hall.Book().People {
		if p.Slug == slug {
			return id
		}
	}
	return ""
}

// State is how an opening stands.
func (c *Counter) State(id sashlock.OpeningID) sashlock.OpeningState {
	s, err := c.Store.State(c.t.Context(), id)
	c.Must(err)
	return s
}

// Until waits for a condition, looking again after every commit.
func (c *Counter) Until(what string, holds func() bool) {
	c.t.Helper()
	news, stop := c.Store.Subscribe()
	defer stop()
	for !holds() {
		select {
		case <-news:
		case <-c.t.Context().Done():
			c.t.Fatal("never: " + what)
		}
	}
}

// Get asks for a page. It follows no redirection.
func (c *Counter) Get(path string) (status int, page string) {
	c.t.Helper()
	r, page := c.Send(http.MethodGet, path, nil, nil)
	return r.StatusCode, page
}

// Post sends a form and returns the status and where the browser is sent.
func (c *Counter) Post(path string, form url.Values) (status int, to, page string) {
	c.t.Helper()
	r, page := c.Send(http.MethodPost, path, nil, form)
	return r.StatusCode, r.Header.Get("Location"), page
}

// Send sends a request as the browser would, with headers of the test's own.
func (c *Counter) Send(method, path string, header http.Header, form url.Values) (*http.Response, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.Server.URL+path, strings.NewReader(form.Encode()))
	c.Must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if c.as != nil {
		r.AddCookie(c.as)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	c.Must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	c.Must(err)
	return answer, string(text)
}

var markup = regexp.MustCompile(`(?s)<script.*?</script>|<style.*?</style>|<[^>]*>|\s+`)

// Words is the text of a page without its markup.
func Words(page string) string {
	return strings.Join(strings.Fields(markup.ReplaceAllString(page, " ")), " ")
}

// Sees fails the test for each text that a page does not say.
func (c *Counter) Sees(page string, all ...string) {
	c.t.Helper()
	said := Words(page)
	for _, s := range all {
		if !strings.Contains(said, s) {
			c.t.Errorf("the page does not say %q:\n%s", s, said)
		}
	}
}
