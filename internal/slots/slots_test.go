// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
)

func TestNext(t *testing.T) {
	ana, bob, eva := Want{Code: "ana", Mark: "1"}, Want{Code: "bob", Mark: "1"}, Want{Code: "eva", Mark: "1"}
	ours := func(n int, code sashlock.CredentialID, mark string) Slot { return Slot{n, true, code, mark, true} }
	for name, c := range map[string]struct {
		want  []Want
		have  []Slot
		count int
		plan  Plan
	}{
		"nothing to do":               {[]Want{ana}, []Slot{ours(3, "ana", "1")}, 5, Plan{}},
		"the lowest free slot":        {[]Want{ana}, []Slot{{Number: 1}}, 5, Plan{Acts: []Act{{Slot: 2, Code: "ana", Fresh: true}}}},
		"what goes comes first":       {[]Want{ana, bob}, []Slot{ours(1, "eva", "1"), ours(2, "bob", "0")}, 5, Plan{Acts: []Act{{Clear: true, Slot: 1, Code: "eva"}, {Slot: 2, Code: "bob"}, {Slot: 3, Code: "ana", Fresh: true}}}},
		"all taken":                   {[]Want{ana, bob, eva}, []Slot{{Number: 1}}, 2, Plan{Acts: []Act{{Slot: 2, Code: "ana", Fresh: true}}, LeftOut: []sashlock.CredentialID{"bob", "eva"}}},
		"a slot becomes free":         {[]Want{ana, bob}, []Slot{ours(1, "eva", "1")}, 1, Plan{Acts: []Act{{Clear: true, Slot: 1, Code: "eva"}}, LeftOut: []sashlock.CredentialID{"bob"}}},
		"an unsure one again":         {[]Want{ana}, []Slot{{1, true, "ana", "1", false}}, 2, Plan{Acts: []Act{{Slot: 1, Code: "ana"}}}},
		"a refused one rests":         {[]Want{{Code: "ana", Mark: "1", Hold: true}}, []Slot{{1, true, "ana", "1", false}}, 2, Plan{}},
		"told to go":                  {nil, []Slot{{1, true, "", "", true}, {Number: 2}}, 2, Plan{Acts: []Act{{Clear: true, Slot: 1}}}},
		"twice":                       {[]Want{ana}, []Slot{ours(1, "ana", "1"), ours(2, "ana", "1")}, 2, Plan{Acts: []Act{{Clear: true, Slot: 2, Code: "ana"}}}},
		"an adopted one is kept":      {[]Want{{Code: "ana", Slot: 4}}, []Slot{ours(4, "ana", "")}, 5, Plan{}},
		"an adopted one that is gone": {[]Want{{Code: "ana", Slot: 4}}, nil, 5, Plan{}},
		"nobody knows how many":       {[]Want{ana}, []Slot{{Number: 1}, {Number: 2}}, 0, Plan{Acts: []Act{{Slot: 3, Code: "ana", Fresh: true}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.plan, Next(c.want, c.have, c.count)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSeen(t *testing.T) {
	have := []Slot{{1, true, "ana", "1", true}, {2, true, "bob", "1", true}, {3, true, "eva", "1", false}, {4, true, "", "", true}, {Number: 5}, {Number: 6}, {9, true, "ida", "1", true}}
	next, news := Seen(have, []Listed{{1, true, true}, {2, false, false}, {3, false, false}, {4, false, false}, {5, true, true}, {6, false, false}, {7, true, true}, {8, false, false}})
	wantNext := []Slot{{1, true, "ana", "1", true}, {Number: 5}, {Number: 7}, {9, true, "ida", "1", true}}
	wantNews := []News{{have[1], Vanished}, {have[5], Gone}, {Slot{Number: 7}, Found}}
	if diff := cmp.Diff(wantNext, next) + cmp.Diff(wantNews, news); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	next, news = Seen(have[:1], []Listed{{1, true, false}})
	if len(next) != 1 || next[0].Sure || len(news) != 1 || news[0].What != SwitchedOff {
		t.Errorf("switched off: %v, %v", next, news)
	}
}

// world is a lock as it really is, and what we believe of it.
type world struct {
	real map[int]string // slot: "ours ana 1" or "foreign"
	have []Slot
}

// do carries out one act as a lock would: sometimes it fails, and sometimes it
// does it and nobody hears of it.
func (w *world) do(t *rapid.T, a Act, mark string) {
	i := slices.IndexFunc(w.have, func(s Slot) bool { return s.Number == a.Slot })
	outcome := rapid.SampledFrom([]string{"done", "done", "done", "not sent", "lost"}).Draw(t, "outcome")
	if w.real[a.Slot] == "foreign" && !a.Fresh {
		t.Fatalf("%+v falls on a foreign code", a)
	}
	if !a.Clear && i < 0 && outcome != "not sent" { // the intent is kept first
		w.have = append(w.have, Slot{Number: a.Slot, Ours: true, Code: a.Code})
		i = len(w.have) - 1
	}
	switch {
	case outcome == "not sent":
	case a.Clear:
		delete(w.real, a.Slot)
		if outcome == "done" {
			w.have = slices.Delete(w.have, i, i+1)
		}
	case a.Fresh && w.real[a.Slot] == "foreign": // the lock has more than we knew
		w.have[i] = Slot{Number: a.Slot}
	default:
		w.real[a.Slot] = fmt.Sprint("ours ", a.Code, " ", mark)
		w.have[i].Mark, w.have[i].Sure = mark, outcome == "done"
	}
}

func (w *world) listed(count int) (all []Listed) {
	for n := range count {
		all = append(all, Listed{n + 1, w.real[n+1] != "", w.real[n+1] != ""})
	}
	return all
}

func (w *world) foreign() (n int) {
	for _, what := range w.real {
		if what == "foreign" {
			n++
		}
	}
	return n
}

// TestConverges plays grants that come and go, somebody else who writes codes
// into the lock, and a radio that loses words, and checks at each step that no
// foreign code is touched and clears come first; and that all is well in the end.
func TestConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 6).Draw(t, "slots")
		w := &world{real: map[int]string{}}
		var want []Want
		codes := []sashlock.CredentialID{"ana", "bob", "eva", "ida"}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"want", "foreign", "vanish", "list", "act", "act", "act"}).Draw(t, "step") {
			case "want":
				want = nil
				for _, code := range codes {
					if rapid.Bool().Draw(t, string(code)) {
						want = append(want, Want{Code: code, Mark: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "mark")})
					}
				}
			case "foreign":
				// Where nothing stands and nothing of ours is believed: a slot that we
				// are at work on is nobody else's for those seconds.
				n := rapid.IntRange(1, count).Draw(t, "slot")
				if w.real[n] == "" && !slices.ContainsFunc(w.have, func(s Slot) bool { return s.Number == n && s.Ours }) {
					w.real[n] = "foreign"
				}
			case "vanish":
				if n := rapid.IntRange(1, count).Draw(t, "slot"); w.real[n] != "foreign" {
					delete(w.real, n)
				}
			case "list":
				w.have, _ = Seen(w.have, w.listed(count))
			case "act":
				w.step(t, want, count)
			}
		}
		w.settle(t, want, count)
	})
}

// step carries out the first act of the plan.
func (w *world) step(t *rapid.T, want []Want, count int) bool {
	p := Next(want, w.have, count)
	for i, a := range p.Acts {
		if a.Clear && i > 0 && !p.Acts[i-1].Clear {
			t.Fatalf("something is written before all is cleared: %+v", p.Acts)
		}
	}
	if len(p.Acts) == 0 {
		return false
	}
	before := w.foreign()
	mark := ""
	if found, ok := find(want, p.Acts[0].Code); ok {
		mark = found.Mark
	}
	w.do(t, p.Acts[0], mark)
	if w.foreign() != before {
		t.Fatalf("a foreign code is gone after %+v", p.Acts[0])
	}
	return true
}

// settle goes on until there is nothing to do, and looks at the lock.
func (w *world) settle(t *rapid.T, want []Want, count int) {
	for range 200 {
		w.have, _ = Seen(w.have, w.listed(count))
		if !w.step(t, want, count) {
			break
		}
	}
	p := Next(want, w.have, count)
	if len(p.Acts) > 0 {
		return // the radio lost every word of two hundred: nothing can be said
	}
	stands := 0
	for n, what := range w.real {
		if what == "foreign" {
			continue
		}
		stands++
		if !slices.ContainsFunc(want, func(x Want) bool { return what == fmt.Sprint("ours ", x.Code, " ", x.Mark) }) {
			t.Fatalf("slot %d holds %q, which nobody wants", n, what)
		}
	}
	if stands != min(len(want), count-w.foreign()) || stands+len(p.LeftOut) != len(want) {
		t.Fatalf("%d of %d stand, %d foreign, %d slots, left out %v", stands, len(want), w.foreign(), count, p.LeftOut)
	}
}
