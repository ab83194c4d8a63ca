// SPDX-License-Identifier: Apache-2.0

package approvals_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

var update = flag.Bool("update", false, "rewrite the expected ledgers of stories")

const storyStore = `sites:
  - {slug: store, name: Store, zone: Europe/Lisbon}
areas:
  - {slug: back, site: store, name: Back}
openings:
  - {slug: stock, name: Stock room, kind: hatch, site: store, area: back}
  - {slug: vault, name: Vault, kind: cage, class: high, site: store, area: back}
roles:
  - {slug: keys, name: Key holder}
people:
  - {slug: ana, name: Ana}
  - {slug: bob, name: Bob}
`

// teller tells a story at a store with a clock of its own. Carla and Dario are
// operators; Ana and Bob work there.
type teller struct {
	*app.House
	t   *testing.T
	now atomic.Int64 // seconds since 1970
	out strings.Builder
}

// TestStories plays what people ask of each other: a timeline, and what the
// ledger says of it. What somebody is told who may not is a line as well.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			head, want, _ := bytes.Cut(text, []byte("-- ledger --\n"))
			_, lines, _ := bytes.Cut(head, []byte("-- timeline --\n"))
			got := newTeller(t).tell(string(lines))
			if *update {
				if err := os.WriteFile(file, slices.Concat(head, []byte("-- ledger --\n"+got)), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the ledger is not as told (-want +got):\n%s", diff)
			}
		})
	}
}

func newTeller(t *testing.T) *teller {
	t.Helper()
	s := &teller{t: t}
	s.clock(8, 0, 0)
	data := t.TempDir()
	_, err := app.Init(data)
	s.must(err)
	s.House, err = app.NewWithClock(t.Context(), app.Config{Data: data, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler), s.at)
	s.must(err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	s.Approvals.Others = nil // Carla and Dario both come to work
	f, err := estate.Parse([]byte(storyStore))
	s.must(err)
	_, err = s.Hall.Change(t.Context(), api.Apply("", estate.Diff(estate.File{}, f, false)))
	s.must(err)
	var locks []sashlock.Device
	for id, o := range s.Hall.Book().Openings {
		locks = append(locks, sashlock.Device{ID: sashlock.DeviceID("dev_" + o.Slug), Opening: id, Capabilities: []sashlock.Capability{sashlock.CanRelease}})
	}
	_, err = s.Hall.Change(t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) { return flow.Edit{Fitted: locks}, nil }})
	s.must(err)
	return s
}

// clock sets what the clock shows, on a Monday.
func (s *teller) clock(hour, minute, second int) {
	s.now.Store(time.Date(2026, 11, 23, hour, minute, second, 0, time.UTC).Unix())
}

func (s *teller) at() time.Time { return time.Unix(s.now.Load(), 0).UTC() }

func (s *teller) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// tell plays a timeline.
func (s *teller) tell(timeline string) string {
	for line := range strings.Lines(timeline) {
		act, why, _ := strings.Cut(strings.TrimSpace(line), ": ")
		words := strings.Fields(act)
		if len(words) < 3 {
			continue
		}
		at, err := time.Parse(time.TimeOnly, words[0])
		s.must(err)
		s.clock(at.Clock())
		from := s.Store.Size()
		if err := s.happens(words[1], words[2], words[3:], why); err != nil {
			var e *sashlock.Error
			if !errors.As(err, &e) {
				s.t.Fatalf("%s: %v", line, err)
			}
			fmt.Fprintf(&s.out, "%s %s is told: %s\n", words[0], words[1], e.Hint)
		}
		s.write(from)
	}
	return s.out.String()
}

// happens is one line: who, what, and the rest.
func (s *teller) happens(who, verb string, rest []string, why string) error {
	ctx, book := s.t.Context(), s.Hall.Book()
	f := reach.New(book, nil)
	opening := func(slug string) sashlock.OpeningID { return sashlock.OpeningID(f.Find(estate.Openings, slug)) }
	by := as("opr_" + who)
	switch verb {
	case "opens":
		return s.opens(sashlock.PersonID(f.Find(estate.People, who)), opening(rest[0]))
	case "wants": // stock for 4h
		length, err := time.ParseDuration(rest[2])
		s.must(err)
		person := sashlock.PersonID(f.Find(estate.People, who))
		_, err = s.Approvals.File(ctx, self("opr_"+who, person), approvals.Filing{Person: person, Opening: opening(rest[0]), Length: length, Words: why})
		return err
	case "approves":
		a := s.asked()
		_, err := s.Approvals.Approve(ctx, by, a.ID, a.Rev)
		return err
	case "turns-down":
		a := s.asked()
		_, err := s.Approvals.TurnDown(ctx, by, a.ID, why, a.Rev)
		return err
	case "wants-two":
		_, err := s.Approvals.SaveSettings(ctx, by, approvals.Settings{Kinds: []string{approvals.GrantKind}}, why)
		return err
	case "grants": // bob vault for 30m
		length, err := time.ParseDuration(rest[3])
		s.must(err)
		g := estate.Grant{Slug: "quick", Person: rest[0], Opening: rest[1], Until: s.at().Add(length).Format(time.RFC3339)}
		return s.save(by, approvals.GrantKind, g, why, func(tx *store.Tx) (flow.Edit, error) { return grants.Save(tx, g, roomtest.Lookup(tx), 0) })
	case "on-fault": // vault release
		d := estate.FromOpening(book.Openings[opening(rest[0])], f.Ref)
		d.OnFault = rest[1]
		return s.save(by, approvals.PlaceKind, approvals.Change{File: estate.File{Openings: []estate.Opening{d}}}, why,
			func(tx *store.Tx) (flow.Edit, error) { return sites.SaveOpening(tx, d, roomtest.Lookup(tx), 0) })
	case "removes": // vault
		return s.save(by, approvals.PlaceKind, approvals.Change{Gone: rest[:1]}, why,
			func(tx *store.Tx) (flow.Edit, error) { return sites.RemoveOpening(tx, rest[0], 0) })
	case "confirms":
		p := s.proposed()
		_, err := s.Approvals.Confirm(ctx, by, p.ID, p.Rev)
		return err
	}
	s.t.Fatalf("nothing is called %q", verb)
	return nil
}

// opens asks for an opening, and waits until the lock, which is not there, was
// told in vain.
func (s *teller) opens(who sashlock.PersonID, what sashlock.OpeningID) error {
	news, stop := s.Store.Subscribe()
	defer stop()
	from := s.Store.Size()
	answer, err := s.Hall.Request(s.t.Context(), sashlock.Request{Person: who, Opening: what})
	for err == nil && answer.Decision.Granted {
		events, failed := s.Store.Events(s.t.Context(), store.EventQuery{From: from, Kind: string(sashlock.CommandEnded), Limit: 1})
		s.must(failed)
		if len(events) > 0 {
			break
		}
		<-news
	}
	return err
}

// save makes a change, or lets it wait, as the pages do.
func (s *teller) save(by approvals.By, kind string, form any, why string, edit func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := s.Hall.Change(s.t.Context(), flow.Change{Operator: by.ID, Make: edit})
	if !errors.Is(err, approvals.ErrHeld) {
		return err
	}
	text, err := json.Marshal(form)
	s.must(err)
	_, err = s.Approvals.Propose(s.t.Context(), by, kind, text, 0, why)
	return err
}

func (s *teller) asked() approvals.Ask {
	return newest(s, approvals.Standing)
}

func (s *teller) proposed() approvals.Proposal {
	return newest(s, approvals.WaitingProposals)
}

// newest is the last of what waits.
func newest[T any](s *teller, list func(store.Query) ([]T, error)) T {
	s.t.Helper()
	var all []T
	s.must(s.Store.View(s.t.Context(), func(q store.Query) (err error) { all, err = list(q); return err }))
	if len(all) == 0 {
		s.t.Fatal("nothing waits")
	}
	return all[len(all)-1]
}

// write adds what the ledger says from an entry on.
func (s *teller) write(from int64) {
	events, err := s.Store.Events(s.t.Context(), store.EventQuery{From: from, Limit: 100})
	s.must(err)
	book := s.Hall.Book()
	for _, e := range events {
		if strings.HasPrefix(string(e.Kind), "command.") {
			continue
		}
		words := []string{e.Heard.Format(time.TimeOnly), string(e.Kind), book.Openings[e.Opening].Slug, book.People[e.Person].Slug}
		if e.Operator != "" {
			words = append(words, "by "+strings.TrimPrefix(string(e.Operator), "opr_"))
		}
		if e.Reason != "" && e.Reason != sashlock.Permitted {
			words = append(words, string(e.Reason))
		}
		if e.Why != "" {
			words = append(words, "("+e.Why+")")
		}
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		fmt.Fprintln(&s.out, strings.Join(words, " "))
	}
}
