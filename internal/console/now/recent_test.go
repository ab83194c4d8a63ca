// SPDX-License-Identifier: Apache-2.0

package now

import (
	"crypto/rand"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/store"
)

// What is picked from the newest events is what the ledger would answer, whether
// an opening is used once a day or all the time.
func TestRecentAnswersAsTheLedger(t *testing.T) {
	for name, every := range map[string]time.Duration{"busy": time.Minute, "usual": 20 * time.Minute, "quiet": 7 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			skey, _, err := note.GenerateKey(rand.Reader, "sashlock.example/test")
			if err != nil {
				t.Fatal(err)
			}
			signer, err := note.NewSigner(skey)
			if err != nil {
				t.Fatal(err)
			}
			clock := ten
			s, err := store.Open(t.Context(), store.Options{
				URL: "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "store.db")), Now: func() time.Time { return clock }, Signer: signer,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			p := pages{Frame: &console.Frame{Options: console.Options{Store: s}}}
			kinds := []sashlock.EventKind{sashlock.AccessGranted, sashlock.LockUnlocked, sashlock.OpeningOpened, sashlock.OpeningClosed, sashlock.AccessDenied}
			for count := range 3 { // less than are read at once, about as many, more
				for i := range detailEvents*2/3 + 7 {
					clock = clock.Add(every)
					if _, err := s.Do(t.Context(), func(tx *store.Tx) error {
						tx.Append(sashlock.Event{Kind: kinds[i%len(kinds)], Site: site.ID, Opening: "opn_1"})
						if count == 2 {
							tx.Append(sashlock.Event{Kind: sashlock.AlarmRaised, Site: site.ID, Opening: "opn_1"})
						}
						tx.Append(sashlock.Event{Kind: sashlock.LockWasJammed, Site: site.ID, Opening: "opn_2"})
						return nil
					}); err != nil {
						t.Fatal(err)
					}
				}
				compareRecent(t, p, clock)
			}
		})
	}
}

func compareRecent(t *testing.T, p pages, now time.Time) {
	t.Helper()
	r, err := p.recent(t.Context(), "opn_1")
	if err != nil {
		t.Fatal(err)
	}
	same := func(q store.EventQuery, have []sashlock.Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		q.Opening, q.Newest = "opn_1", true
		want, err := p.Store.Events(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, slices.Clone(have)); diff != "" && len(want)+len(have) > 0 {
			t.Errorf("%+v: %s", q, diff)
		}
	}
	for _, ago := range []time.Duration{time.Second, time.Hour, laneHours * time.Hour, 3000 * time.Hour} {
		from := now.Add(-ago)
		found, err := r.since(t.Context(), p.Store, from)
		same(store.EventQuery{Since: from, Limit: laneEvents}, found, err)
		for _, kind := range []string{"lock.", "opening."} {
			found, err := r.of(t.Context(), p.Store, kind, from, 1)
			same(store.EventQuery{Kind: kind, Until: from, Limit: 1}, found, err)
		}
	}
	found, err := r.of(t.Context(), p.Store, "access.", time.Time{}, 3*detailRequests)
	same(store.EventQuery{Kind: "access.", Limit: 3 * detailRequests}, found, err)
}
