// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
)

// The rules of webhooks are those of Standard Webhooks, which Seam's sender
// (Svix) keeps:
//
//  1. What is signed is the message's identifier, its time and its bytes.
//     Nothing in it is believed before the signature was checked.
//  2. A time more than webhookSlack away from ours is refused.
//  3. An identifier is taken once. It counts as taken when the sink has what
//     the message says; until then another copy is told to come again.

const (
	webhookSlack = 5 * time.Minute
	webhookPath  = "/webhook"
	maxMessages  = 100_000 // identifiers kept; more in ten minutes is no store
)

// errForged is the refusal of a message that Seam did not sign, or not just now.
var errForged = errors.New("the signature is not Seam's, or the message is too old")

// verify checks a message's headers and bytes. It returns the message's
// identifier.
func verify(secret []byte, h http.Header, body []byte, now time.Time) (id string, err error) {
	get := func(name string) string {
		if v := h.Get("svix-" + name); v != "" {
			return v
		}
		return h.Get("webhook-" + name)
	}
	id, stamp := get("id"), get("timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || !isID(id) {
		return "", errForged
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	good := false
	// While a secret is being changed there is one signature for each.
	for _, one := range strings.Fields(get("signature")) {
		text, ok := strings.CutPrefix(one, "v1,")
		sum, err := base64.StdEncoding.DecodeString(text)
		good = good || ok && err == nil && hmac.Equal(sum, want)
	}
	if away := now.Sub(time.Unix(seconds, 0)); !good || away > webhookSlack || away < -webhookSlack {
		return "", errForged
	}
	return id, nil
}

// receiver takes webhooks.
type receiver struct {
	config Config
	take   func(context.Context, event) error
	server *http.Server
	group  sync.WaitGroup

	mu    sync.Mutex
	taken map[string]time.Time // guarded by mu: identifiers, and when; zero: under way
}

// receive begins to listen.
func receive(ctx context.Context, c Config, take func(context.Context, event) error) (*receiver, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "listening for webhooks of Seam", Subject: "listen", Err: err}
	}
	r := &receiver{config: c, take: take, taken: make(map[string]time.Time)}
	r.server = &http.Server{
		Handler: r, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
	}
	// It ends when it is closed, which is no error.
	r.group.Go(func() { _ = r.server.Serve(l) })
	return r, nil
}

// close ends it. What is under way has lost the session it would tell.
func (r *receiver) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if r.server.Shutdown(ctx) != nil {
		_ = r.server.Close()
	}
	r.group.Wait()
}

// ServeHTTP answers a webhook: 204 when what it says is durable, or was before;
// anything else makes Seam send it again. Nobody is told why one was refused.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	w.WriteHeader(r.serve(q))
}

func (r *receiver) serve(q *http.Request) int {
	if q.URL.Path != webhookPath {
		return http.StatusNotFound
	}
	if q.Method != http.MethodPost {
		return http.StatusMethodNotAllowed
	}
	body, err := io.ReadAll(io.LimitReader(q.Body, maxWebhook+1))
	if err != nil || len(body) > maxWebhook {
		return http.StatusRequestEntityTooLarge
	}
	secret, err := r.config.secret()
	if err != nil {
		return http.StatusServiceUnavailable
	}
	now := time.Now()
	id, err := verify(secret, q.Header, body, now)
	if err != nil {
		return http.StatusUnauthorized
	}
	switch r.begin(id, now) {
	case wasTaken:
		return http.StatusNoContent
	case isUnderWay:
		return http.StatusServiceUnavailable
	}
	e, err := decodeEvent(body)
	if err == nil {
		err = r.take(q.Context(), e)
	} else {
		err = nil // signed, and nothing we know: it will not get better
	}
	r.end(id, err == nil, now)
	if err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusNoContent
}

// place is what is known of a message's identifier.
type place int

const (
	isFresh place = iota
	isUnderWay
	wasTaken
)

// begin notes that a message is under way, unless it was seen before.
func (r *receiver) begin(id string, now time.Time) place {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, seen := r.taken[id]; seen {
		if at.IsZero() {
			return isUnderWay
		}
		return wasTaken
	}
	if len(r.taken) >= maxMessages {
		for other, at := range r.taken {
			if !at.IsZero() && now.Sub(at) > 2*webhookSlack {
				delete(r.taken, other)
			}
		}
		if len(r.taken) >= maxMessages {
			return isUnderWay
		}
	}
	r.taken[id] = time.Time{}
	return isFresh
}

// end notes what became of a message.
func (r *receiver) end(id string, taken bool, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if taken {
		r.taken[id] = at
	} else {
		delete(r.taken, id)
	}
}
