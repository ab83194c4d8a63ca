// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/sashlock/sashlock/catalogue"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
)

// market is what is known of locks that are sold, as far as somebody asked.
type market struct {
	Search string
	Ways   []catalogue.Way
	Brands []catalogue.Brand
	Few    bool // so few that their tables are unfolded
}

// fewBrands is how many brands are shown unfolded.
const fewBrands = 3

func (p pages) market(w http.ResponseWriter, r *http.Request) error {
	all, err := catalogue.All()
	if err != nil {
		return err
	}
	m := market{Search: strings.TrimSpace(r.URL.Query().Get("q")), Ways: all.Ways}
	if len(m.Search) > 80 {
		m.Search = strings.ToValidUTF8(m.Search[:80], "")
	}
	for _, b := range all.Brands {
		if b = asked(b, m.Search); len(b.Models) > 0 {
			m.Brands = append(m.Brands, b)
		}
	}
	m.Few = m.Search != "" && len(m.Brands) <= fewBrands
	ctx := r.Context()
	return p.Show(w, r, console.Head{
		Title: lang.T(ctx, "Locks that work"), Section: console.InDevices, Styles: []string{"fleet.css"},
		About: lang.T(ctx, "What is known of locks that are sold: the ways to each, what works by each way, and how far we tried it ourselves. What a single lock does is asked of the lock when it is adopted."),
	}, marketPage(m))
}

// asked keeps the models of a brand that a search means: all of them when it
// names the brand.
func asked(b catalogue.Brand, search string) catalogue.Brand {
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(search)) }
	if has(b.Name) {
		return b
	}
	b.Models = slices.DeleteFunc(slices.Clone(b.Models), func(m catalogue.Model) bool {
		return !has(m.Name) && !has(m.About) && !slices.ContainsFunc(m.Ways, func(r catalogue.Reach) bool { return has(r.Known) })
	})
	return b
}

// wayTitle is what people call a way.
func (m market) wayTitle(ctx context.Context, name string) string {
	i := slices.IndexFunc(m.Ways, func(w catalogue.Way) bool { return w.Name == name })
	if i < 0 {
		return name
	}
	return lang.T(ctx, m.Ways[i].Title)
}

// slugOf is a name as an anchor has it.
func slugOf(name string) string {
	return strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(name)), "-")
}

// way finds a way by its name.
func (m market) way(name string) catalogue.Way {
	for _, w := range m.Ways {
		if w.Name == name {
			return w
		}
	}
	return catalogue.Way{}
}

// unready says why a way cannot be used today.
func unready(w catalogue.Way) string {
	if w.Agreed {
		return lang.Mark("Once its maker agrees")
	}
	return lang.Mark("Planned")
}

// worksWords says what works by a way.
func worksWords(ctx context.Context, r catalogue.Reach) string {
	var all []string
	for _, a := range r.Does {
		all = append(all, lang.T(ctx, map[catalogue.Ability]string{
			catalogue.State: lang.Mark("state"), catalogue.Unlock: lang.Mark("unlock"), catalogue.Lock: lang.Mark("lock"), catalogue.Release: lang.Mark("release"),
			catalogue.Codes: lang.Mark("PINs"), catalogue.Schedules: lang.Mark("times of PINs"), catalogue.Who: lang.Mark("who opened"),
			catalogue.Position: lang.Mark("door"), catalogue.Battery: lang.Mark("battery"), catalogue.Tamper: lang.Mark("tamper"),
		}[a]))
	}
	return strings.Join(all, ", ")
}

// triedWords says how far something was tried.
func triedWords(ctx context.Context, t driver.Tested) string {
	return lang.T(ctx, map[driver.Tested]string{
		driver.TestedRealStack: lang.Mark("on the real stack"), driver.TestedMakersFake: lang.Mark("on its maker's own fake"),
		driver.TestedSimulated:  lang.Mark("by our own simulation"),
		driver.TestedTranscript: lang.Mark("by a recorded transcript"), driver.NotTested: lang.Mark("not tried yet"),
	}[t])
}
