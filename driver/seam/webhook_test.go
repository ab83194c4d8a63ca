// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

var testSecret = []byte("a secret of the test only")

// sign returns the headers of a message.
func sign(secret []byte, prefix, id string, at time.Time, body []byte) http.Header {
	stamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	h := make(http.Header)
	h.Set(prefix+"-id", id)
	h.Set(prefix+"-timestamp", stamp)
	h.Set(prefix+"-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return h
}

// TestVerifyVector is the example of the specification of Standard Webhooks.
func TestVerifyVector(t *testing.T) {
	secret, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	h := make(http.Header)
	h.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	h.Set("webhook-timestamp", "1614265330")
	h.Set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	id, err := verify(secret, h, []byte(`{"test": 2432232314}`), time.Unix(1614265330+299, 0))
	if err != nil || id != "msg_p5jXN8AQM9LWM0D4loKWxJek" {
		t.Errorf("%q, %v", id, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	body := []byte(`{"event_id":"event1"}`)
	for name, test := range map[string]struct {
		spoil func(http.Header) http.Header
		good  bool
	}{
		"good":       {func(h http.Header) http.Header { return h }, true},
		"other name": {func(http.Header) http.Header { return sign(testSecret, "webhook", "msg_1", now, body) }, true},
		"two signatures": {func(h http.Header) http.Header {
			h.Set("svix-signature", "v1,AAAA v1a,BBBB "+h.Get("svix-signature"))
			return h
		}, true},
		"five minutes ago": {func(http.Header) http.Header { return sign(testSecret, "svix", "msg_1", now.Add(-webhookSlack), body) }, true},
		"longer ago": {func(http.Header) http.Header {
			return sign(testSecret, "svix", "msg_1", now.Add(-webhookSlack-time.Second), body)
		}, false},
		"from the future": {func(http.Header) http.Header {
			return sign(testSecret, "svix", "msg_1", now.Add(webhookSlack+time.Second), body)
		}, false},
		"other secret":       {func(http.Header) http.Header { return sign([]byte("another secret of it"), "svix", "msg_1", now, body) }, false},
		"other bytes":        {func(http.Header) http.Header { return sign(testSecret, "svix", "msg_1", now, body[1:]) }, false},
		"other identifier":   {func(h http.Header) http.Header { h.Set("svix-id", "msg_2"); return h }, false},
		"other time":         {func(h http.Header) http.Header { h.Set("svix-timestamp", fmt.Sprint(now.Unix()-1)); return h }, false},
		"no time":            {func(h http.Header) http.Header { h.Del("svix-timestamp"); return h }, false},
		"no identifier":      {func(http.Header) http.Header { return sign(testSecret, "svix", "", now, body) }, false},
		"a strange one":      {func(http.Header) http.Header { return sign(testSecret, "svix", "a.b c", now, body) }, false},
		"no signature":       {func(h http.Header) http.Header { h.Del("svix-signature"); return h }, false},
		"half a signature":   {func(h http.Header) http.Header { h.Set("svix-signature", h.Get("svix-signature")[:20]); return h }, false},
		"no version":         {func(h http.Header) http.Header { h.Set("svix-signature", h.Get("svix-signature")[3:]); return h }, false},
		"nothing to compare": {func(h http.Header) http.Header { h.Set("svix-signature", "v1,"); return h }, false},
	} {
		h := test.spoil(sign(testSecret, "svix", "msg_1", now, body))
		if _, err := verify(testSecret, h, body, now); (err == nil) != test.good {
			t.Errorf("%s: %v, want good=%t", name, err, test.good)
		}
	}
}

// mailbox is a session that receives webhooks, and the address to send them to.
func mailbox(t *testing.T, f *fake) (*drivertest.Recorder, string) {
	t.Helper()
	t.Setenv("SEAM_TEST_SECRET", "whsec_"+base64.StdEncoding.EncodeToString(testSecret))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, rec := open(t, f, func(c *Config) { c.Listen, c.SecretEnv = address, "SEAM_TEST_SECRET" })
	return rec, "http://" + address + webhookPath
}

func post(t *testing.T, url string, h http.Header, body []byte) int {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header = h
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	return a.StatusCode
}

// TestWebhooks: told at once and durable when answered, whatever comes twice or
// is made up.
func TestWebhooks(t *testing.T) {
	f := newFake(t)
	rec, url := mailbox(t, f)
	// Only webhooks bring events from here on.
	f.answers("/events/list", 1<<30, status(http.StatusTooManyRequests, "Retry-After", "60"))
	mark := rec.Mark()
	e := f.moves("yale_1", false, object{"method": "keycode", "access_code_id": "code1"})
	body, _ := json.Marshal(e)
	now := time.Now()

	if got := post(t, url, sign([]byte("another secret of it"), "svix", "msg_0", now, body), body); got != http.StatusUnauthorized {
		t.Errorf("a forged one was answered with %d", got)
	}
	if got := post(t, url, sign(testSecret, "svix", "msg_0", now.Add(-time.Hour), body), body); got != http.StatusUnauthorized {
		t.Errorf("an old one was answered with %d", got)
	}
	if told := changes(rec, mark); len(told) != 0 {
		t.Fatalf("told of refused ones: %+v", told)
	}

	good := sign(testSecret, "svix", "msg_1", now, body)
	if got := post(t, url, good, body); got != http.StatusNoContent {
		t.Errorf("it was answered with %d", got)
	}
	if told := changes(rec, mark); len(told) != 1 || told[0].Slot != slotOf("code1") || told[0].Method != sashlock.ByKeypad {
		t.Fatalf("when it was answered these were told: %+v", told)
	}
	// The same message, the same event in another message, and many at once.
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			h := good
			if i%2 == 1 {
				h = sign(testSecret, "svix", fmt.Sprint("msg_again_", i), now, body)
			}
			if got := post(t, url, h, body); got != http.StatusNoContent {
				t.Errorf("a repeat was answered with %d", got)
			}
		})
	}
	all.Wait()
	if told := changes(rec, mark); len(told) != 1 {
		t.Errorf("told %d times", len(told))
	}
}

// TestWebhooksAtTheDoor: what is no webhook at all.
func TestWebhooksAtTheDoor(t *testing.T) {
	f := newFake(t)
	rec, url := mailbox(t, f)
	mark := rec.Mark()
	junk := []byte(`{"event_id":7}`)
	if got := post(t, url, sign(testSecret, "svix", "msg_1", time.Now(), junk), junk); got != http.StatusNoContent {
		t.Errorf("what Seam signed and we do not know was answered with %d: it will not get better", got)
	}
	if got := post(t, strings.TrimSuffix(url, webhookPath)+"/", nil, junk); got != http.StatusNotFound {
		t.Errorf("another path: %d", got)
	}
	long := bytes.Repeat([]byte(" "), maxWebhook+1)
	if got := post(t, url, sign(testSecret, "svix", "msg_2", time.Now(), long), long); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a long one: %d", got)
	}
	a, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	if a.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a question: %d", a.StatusCode)
	}
	if told := rec.Reports(mark, func(r driver.Report) bool { return !r.State }); len(told) > 0 {
		t.Errorf("told: %+v", told)
	}
}

// TestWebhookComesAgain: what the sink could not take is asked for again.
func TestWebhookComesAgain(t *testing.T) {
	r := &receiver{taken: make(map[string]time.Time)}
	now := time.Now()
	if r.begin("msg_1", now) != isFresh || r.begin("msg_1", now) != isUnderWay {
		t.Error("while it is under way a copy must come again")
	}
	r.end("msg_1", false, now)
	if r.begin("msg_1", now) != isFresh {
		t.Error("one that came to nothing must be taken when it comes again")
	}
	r.end("msg_1", true, now)
	if r.begin("msg_1", now) != wasTaken {
		t.Error("one that was taken is taken once")
	}
}

// TestPortIsTaken: the session says so and does not begin.
func TestPortIsTaken(t *testing.T) {
	f := newFake(t)
	t.Setenv("SEAM_TEST_SECRET", "whsec_"+base64.StdEncoding.EncodeToString(testSecret))
	_, err := quick().Open(t.Context(), f.config(func(c *Config) { c.Listen, c.SecretEnv = f.addr, "SEAM_TEST_SECRET" }), drivertest.NewRecorder())
	var e *sashlock.Error
	if !errors.As(err, &e) || e.Kind != sashlock.Unavailable || e.Subject != "listen" {
		t.Errorf("opened with %v", err)
	}
}
