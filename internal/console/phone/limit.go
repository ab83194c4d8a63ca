// SPDX-License-Identifier: Apache-2.0

package phone

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// How often the customer's button may be pressed. One call stands at a case at
// a time anyway; this is against those who call for fun.
const (
	window     = 10 * time.Minute
	perTag     = 6   // within the window, at one case
	perAddress = 12  // within the window, from one address
	maxTracked = 512 // addresses and tags; beyond them nobody new may call for a while
)

// limit counts what is done in public.
type limit struct {
	mu   sync.Mutex
	seen map[string][]time.Time // guarded by mu
}

func newLimit() *limit { return &limit{seen: map[string][]time.Time{}} }

// take counts one call and reports whether it may go ahead.
func (l *limit) take(now time.Time, tag, address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, all := range l.seen {
		for len(all) > 0 && now.Sub(all[0]) >= window {
			all = all[1:]
		}
		if l.seen[key] = all; len(all) == 0 {
			delete(l.seen, key)
		}
	}
	at, from := "tag "+tag, "address "+address
	if len(l.seen[at]) >= perTag || len(l.seen[from]) >= perAddress || len(l.seen) >= maxTracked {
		return false
	}
	l.seen[at], l.seen[from] = append(l.seen[at], now), append(l.seen[from], now)
	return true
}

func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
