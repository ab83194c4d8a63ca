// SPDX-License-Identifier: Apache-2.0

package proving

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// standing is the ledger as it is sealed now.
type standing struct {
	Size        int64
	Root        string // in base64; empty: there is no entry yet
	Checkpoint  string
	Origin      string
	Key         string
	Fingerprint string
	Sealed      time.Time // when the last entry was recorded, in the zone of the site
}

// sealed reads the newest checkpoint.
func (p pages) sealed(ctx context.Context, zone *time.Location) (s standing, err error) {
	if s.Checkpoint, s.Size, err = p.Store.Checkpoint(ctx); err != nil {
		return s, err
	}
	key, err := proof.ParseKey(p.Verifier)
	if err != nil {
		return s, err
	}
	s.Key, s.Fingerprint, s.Origin = key.String(), key.Fingerprint(), key.Name()
	if s.Size == 0 {
		return s, nil
	}
	if lines := strings.Split(s.Checkpoint, "\n"); len(lines) > 2 {
		s.Root = lines[2]
	}
	last, err := p.Store.EventAt(ctx, s.Size-1)
	if err == nil {
		s.Sealed = last.Heard.In(zone)
	}
	return s, nil // a last entry that cannot be read is for the verification to name
}

// view is all that the page shows.
type view struct {
	Site   sashlock.Site
	Now    time.Time
	State  standing
	Check  checked
	Known  map[int64]told // what the entries named by problems say, as far as they are the operator's to see
	Tree   *tree
	Bundle *bundleCheck // what a bundle that was sent to be checked says
}

// told is an entry in words.
type told struct {
	Text lang.Phrase
	At   time.Time
}

// shownProblems is how many problems are told one by one.
const shownProblems = 20

func (p pages) view(ctx context.Context, site sashlock.Site, leaf int64) (*view, error) {
	v := &view{Site: site, Now: console.LocalTime(site, p.Now()), Check: p.run.look(), Known: map[int64]told{}}
	var err error
	if v.State, err = p.sealed(ctx, v.Now.Location()); err != nil {
		return nil, err
	}
	p.tell(ctx, v)
	if v.State.Size > 0 {
		v.Tree, err = p.tree(ctx, v.State, leaf)
	}
	return v, err
}

// tell puts the entries that problems are about into words.
func (p pages) tell(ctx context.Context, v *view) {
	for _, x := range v.Check.Problems[:min(len(v.Check.Problems), shownProblems)] {
		if x.Seq < 0 {
			continue
		}
		if e, err := p.Store.EventAt(ctx, x.Seq); err == nil && p.sees(ctx, e) {
			v.Known[x.Seq] = told{p.words(e), e.Heard.In(v.Now.Location())}
		}
	}
}

// words says an event in plain words, or names its kind.
func (p pages) words(e sashlock.Event) lang.Phrase {
	if line, is := console.Tell(p.Hall.Book(), e); is {
		return line.Text
	}
	return lang.Say("Recorded: %s", string(e.Kind))
}

// sees says whether the content of an entry concerns whoever is signed in.
// What is about no place is for everybody who may read.
func (p pages) sees(ctx context.Context, e sashlock.Event) bool {
	o, book := console.Who(ctx).Operator, p.Hall.Book()
	if len(o.Sites) == 0 && len(o.Areas) == 0 {
		return true
	}
	site, area := e.Site, sashlock.AreaID("")
	if opening, known := book.Openings[e.Opening]; known {
		site, area = opening.Site, opening.Area
	}
	subject := e.Subject
	if x, is := book.Sites[sashlock.SiteID(subject)]; is {
		site = x.ID
	}
	if x, is := book.Areas[sashlock.AreaID(subject)]; is {
		site, area = x.Site, x.ID
	}
	if x, is := book.Openings[sashlock.OpeningID(subject)]; is {
		site, area = x.Site, x.Area
	}
	if site != "" {
		return o.Sees(site, area)
	}
	// Changes of what has no site of its own name others: of these, only what is
	// about nobody's store in particular.
	return e.Opening == "" && e.Device == "" && e.Grant == "" && !placed(e)
}

// placed says that a change without a site may be about one.
func placed(e sashlock.Event) bool {
	kind := string(e.Kind)
	return slices.ContainsFunc([]string{"grant.", "site.", "area.", "opening.", "device.", "tag.", "plan.", "picture.", "incident.", "call.", "alarm.", "evidence."}, func(s string) bool {
		return strings.HasPrefix(kind, s)
	})
}

// parts are the pieces of the page that are kept up to date.
func (v *view) parts() []console.Part {
	return []console.Part{
		{ID: "verdict", Key: fmt.Sprintf("%+v %d", v.Check.key(), len(v.Known)), Body: verdictPart(v)},
		{ID: "ledger", Key: fmt.Sprintf("%+v", v.State), Body: ledgerPart(v)},
	}
}

// key changes when a verification gets on.
func (c checked) key() string {
	return fmt.Sprint(c.Running, c.Began, c.Done, c.Total, int(c.Speed), c.Took, c.Report.Found, c.Failed)
}

func (p pages) head(ctx context.Context, site sashlock.Site) console.Head {
	return console.Head{
		Title: lang.T(ctx, "Proof"), Section: console.InProof, Site: site, Styles: []string{"proving.css"}, Scripts: []string{"proving.js"},
		About: lang.T(ctx, "Everything that happens is entered into a ledger that is sealed with a signature after every entry. Here anybody may check that no entry was changed, removed or added since, without having to believe this program."),
	}
}

// proof is the page about the ledger.
func (p pages) proof(w http.ResponseWriter, r *http.Request) error {
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	leaf, err := strconv.ParseInt(r.URL.Query().Get("leaf"), 10, 64)
	if err != nil {
		leaf = -1
	}
	v, err := p.view(r.Context(), site, leaf)
	if err != nil {
		return err
	}
	return p.show(w, r, v)
}

func (p pages) show(w http.ResponseWriter, r *http.Request, v *view) error {
	head := p.head(r.Context(), v.Site)
	head.Live, head.At = "/proof/live", console.At(v.parts())
	if v.Site.Slug != "" {
		head.Live += "?" + url.Values{"site": {v.Site.Slug}}.Encode()
	}
	return p.Show(w, r, head, proofPage(v))
}

func (p pages) stream(w http.ResponseWriter, r *http.Request) error {
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	return p.Stream(w, r, func(ctx context.Context) ([]console.Part, error) {
		v := &view{Site: site, Now: console.LocalTime(site, p.Now()), Check: p.run.look(), Known: map[int64]told{}}
		var err error
		if v.State, err = p.sealed(ctx, v.Now.Location()); err != nil {
			return nil, err
		}
		p.tell(ctx, v)
		return v.parts(), nil
	})
}

// number writes a number with its thousands apart.
func number(n int64) string {
	digits := []byte(strconv.FormatInt(n, 10))
	for i := len(digits) - 3; i > 0 && n >= 10_000; i -= 3 {
		digits = slices.Insert(digits, i, []byte("\u202f")...)
	}
	return string(digits)
}
