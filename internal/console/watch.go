// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
)

// Parts returns the parts of a page as they stand.
type Parts func(context.Context) ([]Part, error)

// view is how a page stood at one moment.
type view struct {
	number int // of the watch's views, from 1
	parts  []Part
	at     string // its fingerprint
	news   []byte // what brings a tab that has the view before it to this one
}

// watch looks at a page for the tabs that show it. It has one goroutine, from
// the first tab until the last has left.
type watch struct {
	frame *Frame
	key   string // among the shared ones; empty: it is alone
	parts Parts
	stop  context.CancelFunc

	tabs int // guarded by the frame's mutex of watches

	mu      sync.Mutex
	now     *view         // guarded by mu; nil before the first look
	changed chan struct{} // guarded by mu; closed when there is another view, or no more of them
	over    bool          // guarded by mu: the page could not be looked at; its tabs ask anew
}

// watches are the shared ones.
type watches struct {
	mu    sync.Mutex
	byKey map[string]*watch // guarded by mu

	standing sync.Map // session cookie and operator -> stood
}

// stood is what a look at a session found.
type stood struct {
	at    time.Time
	stays bool
}

// stands reports whether the session of a request still stands, as it was at
// most a second ago: the tabs of one session share the look.
func (f *Frame) stands(r *http.Request) bool {
	secret := ""
	if c, err := r.Cookie(SessionCookie); err == nil {
		secret = c.Value
	}
	key := fmt.Sprintf("%s %s %d", secret, Who(r.Context()).Operator.ID, Who(r.Context()).Operator.Rev)
	now := time.Now()
	if was, known := f.watches.standing.Load(key); known && now.Sub(was.(stood).at) < standsFor {
		return was.(stood).stays
	}
	found := stood{now, f.Alive(r)}
	f.watches.standing.Store(key, found)
	f.watches.standing.Range(func(key, was any) bool {
		if now.Sub(was.(stood).at) > 2*beatEvery {
			f.watches.standing.Delete(key)
		}
		return true
	})
	return found.stays
}

func (f *Frame) watchAlone(ctx context.Context, parts Parts) *watch {
	return f.begin(ctx, "", parts)
}

// watchTogether joins the watch of a page, or begins it. The key holds all that
// its parts may depend on.
func (f *Frame) watchTogether(r *http.Request, parts Parts) *watch {
	o := Who(r.Context()).Operator
	q := r.URL.Query()
	q.Del("at")
	site := ""
	if c, err := r.Cookie(siteCookie); err == nil && !q.Has("site") {
		site = c.Value
	}
	key := fmt.Sprintf("%s?%s|%s|%s|%s|%v|%v", r.URL.Path, q.Encode(), site, lang.Of(r.Context()), o.Role, o.Sites, o.Areas)
	f.watches.mu.Lock()
	defer f.watches.mu.Unlock()
	w := f.watches.byKey[key]
	if w == nil {
		w = f.begin(r.Context(), key, parts)
		f.watches.byKey[key] = w
	}
	w.tabs++
	return w
}

func (f *Frame) begin(ctx context.Context, key string, parts Parts) *watch {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &watch{frame: f, key: key, parts: parts, stop: stop, changed: make(chan struct{})}
	go w.run(running)
	return w
}

// leave is for a tab that goes away.
func (w *watch) leave() {
	if w.key == "" {
		w.stop()
		return
	}
	w.frame.watches.mu.Lock()
	defer w.frame.watches.mu.Unlock()
	if w.tabs--; w.tabs == 0 {
		w.stop()
		if w.frame.watches.byKey[w.key] == w {
			delete(w.frame.watches.byKey, w.key)
		}
	}
}

// latest is how the page stands, and what is closed when that has changed; no
// view and nothing to wait for when the watch is over.
func (w *watch) latest() (*view, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return nil, nil
	}
	return w.now, w.changed
}

// end makes the tabs of a page that cannot be looked at ask anew.
func (w *watch) end() {
	if w.key != "" {
		w.frame.watches.mu.Lock()
		if w.frame.watches.byKey[w.key] == w {
			delete(w.frame.watches.byKey, w.key)
		}
		w.frame.watches.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	close(w.changed)
}

func (w *watch) run(ctx context.Context) {
	news, stop := w.frame.Store.Subscribe()
	defer stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		sent, err := w.look(ctx)
		if err != nil {
			w.frame.Log.Warn("page not looked at", logkey.Err(err))
			w.end()
			return
		}
		if !pause(ctx, time.Duration(max(sent, 1))*perPart) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-look.C:
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// look takes another view if the page has changed, and returns by how many
// parts.
func (w *watch) look(ctx context.Context) (int, error) {
	parts, err := w.parts(ctx)
	if err != nil {
		return 0, err
	}
	old, _ := w.latest()
	now := &view{number: 1, parts: parts, at: At(parts)}
	sent := len(parts)
	if old != nil {
		list := changed(old.parts, "", parts)
		if len(list) == 0 {
			return 0, nil
		}
		if now.news, err = news(ctx, list, now.at); err != nil {
			return 0, err
		}
		now.number, sent = old.number+1, len(list)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = now
	close(w.changed)
	w.changed = make(chan struct{})
	return sent, nil
}
