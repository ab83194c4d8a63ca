// SPDX-License-Identifier: Apache-2.0

package fleet_test

import (
	"fmt"
	"html"
	"image"
	"image/color"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
)

var (
	drawing = regexp.MustCompile(`(?s)class="whose">([^<]*)<.*?viewBox="0 0 (\d+) \d+"[^>]*aria-label="([^"]*)".*?<path d="([^"]*)"`)
	stripe  = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
)

// TestLabelsSayWhatTheyLeadTo draws each code on the page of labels and reads it
// with a decoder that is not ours.
func TestLabelsSayWhatTheyLeadTo(t *testing.T) {
	c := consoletest.New(t).As(signin.Engineer)
	if status, _, text := c.Post("/devices/labels?site=lisbon", url.Values{}); status != http.StatusSeeOther {
		t.Fatal(status, consoletest.Words(text))
	}
	staff, customers := 0, 0
	for _, one := range drawing.FindAllStringSubmatch(page(t, c, "/devices/labels?site=lisbon"), -1) {
		whose, address := one[1], html.UnescapeString(one[3])
		if got := decoded(t, one[2], one[4]); got != address {
			t.Errorf("for %s: a phone reads %q, not %q", whose, got, address)
		}
		tag := address[strings.LastIndex(address, "/")+1:]
		switch {
		case whose == "For staff" && address == c.Server.URL+"/c/"+tag:
			staff++
		case whose == "For customers" && address == c.Server.URL+"/help/"+tag:
			customers++
			if _, text := c.Get("/help/" + tag); !strings.Contains(text, "Call somebody") {
				t.Errorf("%s does not let customers call: %s", address, consoletest.Words(text))
			}
		default:
			t.Errorf("for %s: %s", whose, address)
		}
	}
	book := c.Hall.Book()
	all, serving := 0, 0
	for _, o := range book.Openings {
		if book.Sites[o.Site].Slug == "lisbon" {
			all++
			if !slices.Contains([]sashlock.OpeningKind{sashlock.Door, sashlock.Cage}, o.Kind) {
				serving++
			}
		}
	}
	if staff != all || customers != serving || customers == 0 || customers == staff {
		t.Errorf("%d codes for staff and %d for customers, for %d openings of which %d have customers", staff, customers, all, serving)
	}
}

// decoded is what a code says whose outline is given, at four dots a square.
func decoded(t *testing.T, size, path string) string {
	t.Helper()
	var squares int
	if _, err := fmt.Sscan(size, &squares); err != nil {
		t.Fatal(err)
	}
	const dots = 4
	picture := image.NewGray(image.Rect(0, 0, dots*squares, dots*squares))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for _, s := range stripe.FindAllStringSubmatch(path, -1) {
		var x, y, n int
		if _, err := fmt.Sscan(s[1]+" "+s[2]+" "+s[3], &x, &y, &n); err != nil || s[3] != s[4] {
			t.Fatal(s[0], err)
		}
		for px := dots * x; px < dots*(x+n); px++ {
			for py := dots * y; py < dots*(y+1); py++ {
				picture.SetGray(px, py, color.Gray{})
			}
		}
	}
	return consoletest.ReadQR(t, picture)
}
