// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

var update = flag.Bool("update", false, "write docs/reference/devices.md and the table of the README anew")

func all(t testing.TB) Catalogue {
	t.Helper()
	c, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheBrandsPeopleAskForAreThere(t *testing.T) {
	c := all(t)
	for _, name := range []string{"August", "Danalock", "Kwikset", "Latch", "Yale", "Schlage", "SALTO", "Nuki", "Aqara"} {
		if b, known := c.Brand(name); !known || len(b.Models) == 0 {
			t.Errorf("%s is not there", name)
		}
	}
	if m, r, known := c.Find("Allegion (Schlage)", "BE469", "zwavejs"); !known || r.Tested != driver.TestedRealStack || m.Best() != r.Tested {
		t.Errorf("a lock of Schlage: %+v %+v", m, r)
	}
	if m, _, known := c.Find("Yale", "YRD256", "zwavejs"); !known || !strings.Contains(m.Name, "YRD226") {
		t.Errorf("one of several names: %+v", m)
	}
	if _, _, known := c.Find("Kwikset", "916", "seam"); known {
		t.Error("a way by which it is not reached")
	}
}

// abilities are what the capabilities of a manifest are called here.
var abilities = map[sashlock.Capability]Ability{
	sashlock.TellsLock: State, sashlock.CanUnlock: Unlock, sashlock.CanLock: Lock, sashlock.CanRelease: Release, sashlock.HasCodes: Codes,
	sashlock.TellsWho: Who, sashlock.TellsPosition: Position, sashlock.TellsBattery: Battery, sashlock.TellsTamper: Tamper,
}

// Nothing is said to be tested that its driver does not say as well, and what a
// driver says of a lock stands here.
func TestTestedMeansWhatTheDriverSays(t *testing.T) {
	c := all(t)
	claimed := map[string]bool{}
	for _, w := range c.Ways {
		if w.Driver == "" {
			continue
		}
		text, err := os.ReadFile("../driver/" + w.Driver + "/manifest.yaml")
		if err != nil {
			t.Fatal(err)
		}
		m, err := driver.ReadManifest(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range m.Models {
			if !slices.Contains(one.Capabilities, sashlock.CanUnlock) || one.Maker == "Sashlock" || one.Maker == "any" {
				continue // a sensor, or what nobody sells under that name
			}
			model, r, known := c.Find(one.Maker, one.Model, w.Name)
			if one.Maker == "Allegion" && !known {
				model, r, known = c.Find("Schlage", one.Model, w.Name)
			}
			if !known {
				t.Errorf("%s: %s %s is in its manifest and in no brand's file", w.Name, one.Maker, one.Model)
				continue
			}
			claimed[w.Name+" "+model.Name] = true
			var want []Ability
			for _, a := range Abilities() {
				if slices.ContainsFunc(one.Capabilities, func(c sashlock.Capability) bool { return abilities[c] == a }) {
					want = append(want, a)
				}
			}
			if diff := cmp.Diff(want, r.Does); diff != "" || r.Tested != one.Tested {
				t.Errorf("%s: %s %s is %s, %v; its manifest says %s (-manifest +here):\n%s", w.Name, one.Maker, one.Model, r.Tested, r.Does, one.Tested, diff)
			}
		}
	}
	for _, b := range c.Brands {
		for _, m := range b.Models {
			for _, r := range m.Ways {
				if r.Tested != driver.NotTested && !claimed[r.Via+" "+m.Name] {
					t.Errorf("%s %s by %s: %s, and no manifest says so", b.Name, m.Name, r.Via, r.Tested)
				}
			}
		}
	}
}

func TestABadFileIsNamed(t *testing.T) {
	const ways = "ways:\n  - {name: zwavejs, title: Z-Wave, through: a server, offline: All., driver: zwavejs, verdict: native, steps: [a]}\n  - {name: matter, title: Matter, through: x, offline: y, verdict: native, steps: [a]}\n"
	brand := func(reach string) string {
		return "brand: X\nsays: y\nsources: [z]\nmodels:\n  - name: A\n    ways:\n      - " + reach + "\n"
	}
	for text, want := range map[string]string{
		brand("{via: smoke, does: [state], tested: not yet}"):         `via "smoke" is no way`,
		brand("{via: zwavejs, does: [fly], tested: not yet}"):         `no ability "fly"`,
		brand("{via: zwavejs, does: [state], tested: surely}"):        `tested "surely"`,
		brand("{via: matter, does: [state], tested: real stack}"):     "without a driver",
		brand("{via: zwavejs, does: [state], tested: not yet, a: b}"): "x.yaml",
		"brand: X\n": "a brand has a name",
	} {
		_, err := read(fstest.MapFS{"ways.yaml": {Data: []byte(ways)}, "models/x.yaml": {Data: []byte(text)}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.yaml") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The reference and the table of the README are what the catalogue says.
func TestFreshReference(t *testing.T) {
	c := all(t)
	const page, readme = "../docs/reference/devices.md", "../README.md"
	compare(t, page, []byte(c.Reference()))
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	const begins, ends = "<!-- locks -->\n", "<!-- end of locks -->"
	before, rest, found := bytes.Cut(text, []byte(begins))
	_, after, closed := bytes.Cut(rest, []byte(ends))
	if !found || !closed {
		t.Fatalf("%s has no place for the table: %s…%s", readme, begins, ends)
	}
	compare(t, readme, fmt.Appendf(nil, "%s%s%s%s%s", before, begins, c.Table(), ends, after))
}

func compare(t *testing.T, name string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(have, want) {
		t.Errorf("%s is not what the catalogue says: run make docs (%v)", name, err)
	}
}
