// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"crypto/rand"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// house is a hall over a real store with a clock of its own.
type house struct {
	t      testing.TB
	rules  []detect.Rule
	dir    string
	signer note.Signer
	now    time.Time
	store  *store.Store
	hall   *flow.Hall

	mu   sync.Mutex
	sent []sashlock.Command // guarded by mu
}

func newHouse(t testing.TB, rules []detect.Rule) *house {
	t.Helper()
	skey, _, err := note.GenerateKey(rand.Reader, "sashlock.example/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, rules: rules, dir: t.TempDir(), signer: signer, now: day}
	t.Cleanup(func() {
		if h.store != nil {
			h.must(h.store.Close())
		}
	})
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// start opens the store and the hall over it.
func (h *house) start(facts access.Facts, devices []sashlock.Device) {
	h.t.Helper()
	var err error
	h.store, err = store.Open(h.t.Context(), store.Options{
		URL: "sqlite://" + filepath.ToSlash(filepath.Join(h.dir, "store.db")), Now: func() time.Time { return h.now },
		Signer: h.signer, Journal: filepath.Join(h.dir, "journal"), JournalSize: 1 << 20,
	})
	h.must(err)
	book, err := flow.NewBook(facts, devices)
	h.must(err)
	h.hall = flow.New(flow.Options{
		Store: h.store, Rules: h.rules, Now: func() time.Time { return h.now }, Epoch: h.now.UnixMicro(),
		Dispatch: func(c sashlock.Command) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.sent = append(h.sent, c)
		},
	}, book)
	h.must(h.hall.Resume(h.t.Context()))
}

// restart ends this life of the store node and begins another.
func (h *house) restart(facts access.Facts, devices []sashlock.Device) {
	h.t.Helper()
	h.must(h.store.Close())
	h.start(facts, devices)
}

// until lets time pass: every wake-up comes at its own moment.
func (h *house) until(at time.Time) {
	h.t.Helper()
	for {
		next := h.store.NextWakeup()
		if next.IsZero() || next.After(at) {
			break
		}
		h.now = maxTime(next, h.now)
		_, err := h.hall.Tick(h.t.Context())
		h.must(err)
		if h.store.NextWakeup().Equal(next) {
			h.t.Fatalf("the wake-up at %s does not go away", next)
		}
	}
	h.now = maxTime(at, h.now)
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (h *house) do(job func(*store.Tx) error) {
	h.t.Helper()
	_, err := h.store.Do(h.t.Context(), job)
	h.must(err)
}

func (h *house) commands() []sashlock.Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]sashlock.Command(nil), h.sent...)
}
