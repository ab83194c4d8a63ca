// SPDX-License-Identifier: Apache-2.0

package assistance_test

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/store"
)

func fixture(r roomtest.Room) sashlock.Opening {
	for _, o := range r.Hall.Book().Openings {
		return o
	}
	return sashlock.Opening{}
}

func TestOneCallStandsAtAnOpening(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		room, o := r.Assistance, fixture(r)
		first, fresh, err := room.Raise(t.Context(), o)
		if err != nil || !fresh {
			t.Fatal(fresh, err)
		}
		again, fresh, err := room.Raise(t.Context(), o)
		if err != nil || fresh || again.ID != first.ID {
			t.Errorf("a second call: %+v %v %v", again, fresh, err)
		}
		if _, err := room.Take(t.Context(), "", "prs_one", first.ID); err != nil {
			t.Error(err)
		}
		if c, err := room.Take(t.Context(), "", "prs_one", first.ID); err != nil || c.TakenBy != "prs_one" {
			t.Error("taking it again:", c, err)
		}
		c, err := room.Take(t.Context(), "", "prs_two", first.ID)
		if !errors.Is(err, assistance.ErrTaken) || !sashlock.IsKind(err, sashlock.Conflict) || c.TakenBy != "prs_one" {
			t.Error("the second who takes it:", c, err)
		}
		if c, err := room.End(t.Context(), "", first.ID, assistance.Gone); err != nil || c.Outcome != assistance.Gone || !c.Served.IsZero() {
			t.Error(c, err)
		}
		if c, err := room.End(t.Context(), "", first.ID, assistance.Served); err != nil || c.Outcome != assistance.Gone {
			t.Error("ended twice:", c, err)
		}
		if _, err := room.Take(t.Context(), "", "prs_two", first.ID); !sashlock.IsKind(err, sashlock.Conflict) {
			t.Error("taking what is over:", err)
		}
		next, fresh, err := room.Raise(t.Context(), o)
		if err != nil || !fresh || next.ID == first.ID {
			t.Error("the next call:", next, fresh, err)
		}
		if _, err := room.End(t.Context(), "", next.ID, assistance.Served); err != nil {
			t.Error(err)
		}
		r.View(func(q store.Query) error {
			waits, err := assistance.Waits(q, o.Site, time.Time{}.AddDate(1970, 0, 0))
			if len(waits) != 1 {
				t.Errorf("waits %v: only who was served counts", waits)
			}
			return err
		})
	})
}

func TestACallEndsByItself(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		c, _, err := r.Assistance.Raise(t.Context(), fixture(r))
		if err != nil {
			t.Fatal(err)
		}
		later := assistance.New(assistance.Options{Store: r.Store, Hall: r.Hall, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return c.Asked.Add(assistance.Patience) }})
		if err := later.Lapse(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.View(func(q store.Query) error {
			c, err := assistance.Find(q, c.ID)
			if c.Outcome != assistance.Lapsed || c.Ended.IsZero() {
				t.Errorf("after its time it is %+v", c)
			}
			all, _ := assistance.Waiting(q, c.Asked)
			if len(all) != 0 {
				t.Error("it still waits")
			}
			return err
		})
	})
}

// service is a push service of the test's own.
type service struct {
	*httptest.Server
	status atomic.Int64
	got    chan *http.Request
	bodies chan []byte
}

func newService(t *testing.T) *service {
	s := &service{got: make(chan *http.Request, 8), bodies: make(chan []byte, 8)}
	s.status.Store(http.StatusCreated)
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		s.got <- r
		s.bodies <- text
		if status := int(s.status.Load()); status == http.StatusFound {
			http.Redirect(w, r, "/elsewhere", status)
		} else {
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

func phone(t *testing.T, endpoint string) assistance.Subscription {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	auth := make([]byte, 16)
	_, _ = rand.Read(auth)
	return assistance.Subscription{
		Operator: "opr_test", Endpoint: endpoint, Device: "Android",
		Auth: base64.RawURLEncoding.EncodeToString(auth), Key: base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()),
	}
}

// told is a room that tells one operator, who sees one site.
func told(r roomtest.Room, site sashlock.SiteID) *assistance.Room {
	return assistance.New(assistance.Options{
		Store: r.Store, Hall: r.Hall, Now: r.Now, Log: slog.New(slog.DiscardHandler),
		Reader: func(store.Query, sashlock.OperatorID) (assistance.Reader, bool, error) {
			return assistance.Reader{Sees: func(s sashlock.SiteID, _ sashlock.AreaID) bool { return s == site }}, true, nil
		},
	})
}

func phones(r roomtest.Room) (all []assistance.Subscription) {
	r.View(func(q store.Query) (err error) { all, err = assistance.Subscriptions(q, "opr_test"); return err })
	return all
}

func onEach(t *testing.T, test func(r roomtest.Room)) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) { test(r) })
}

func TestAPhoneIsToldOfACallAndOfNothingElse(t *testing.T) {
	onEach(t, func(r roomtest.Room) {
		t, o, s := r.T, fixture(r), newService(r.T)
		room := told(r, o.Site)
		room.Allow(netip.MustParseAddrPort(s.Listener.Addr().String()), s.roots())
		if _, err := room.Subscribe(t.Context(), phone(t, s.URL+"/push/1")); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { room.Run(ctx); close(ended) }()
		defer func() { stop(); <-ended }()
		started(t, r)
		if _, _, err := room.Raise(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		got, body := <-s.got, <-s.bodies
		if got.Header.Get("Content-Encoding") != "aes128gcm" || !strings.HasPrefix(got.Header.Get("Authorization"), "vapid t=") || got.Header.Get("Urgency") != "high" || got.Header.Get("TTL") != "120" {
			t.Errorf("sent with %v", got.Header)
		}
		for _, secret := range []string{o.Name, o.Slug, "customer", string(o.ID)} {
			if strings.Contains(string(body), secret) {
				t.Errorf("the push service reads %q", secret)
			}
		}
	})
}

// TestASilentAlarmIsToldToThoseWhoHandleAlarms: the phone of an associate says
// nothing, because whoever forces them may hold it.
func TestASilentAlarmIsToldToThoseWhoHandleAlarms(t *testing.T) {
	for handles, want := range map[bool]string{true: "alarm", false: "call"} {
		onEach(t, func(r roomtest.Room) {
			t, o, s := r.T, fixture(r), newService(r.T)
			room := assistance.New(assistance.Options{
				Store: r.Store, Hall: r.Hall, Now: r.Now, Log: slog.New(slog.DiscardHandler),
				Reader: func(store.Query, sashlock.OperatorID) (assistance.Reader, bool, error) {
					return assistance.Reader{Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true }, Handles: handles}, true, nil
				},
			})
			room.Allow(netip.MustParseAddrPort(s.Listener.Addr().String()), s.roots())
			if _, err := room.Subscribe(t.Context(), phone(t, s.URL+"/push/1")); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { room.Run(ctx); close(ended) }()
			defer func() { stop(); <-ended }()
			started(t, r)
			_, err := r.Store.Do(t.Context(), func(tx *store.Tx) error {
				a := sashlock.Alarm{ID: "alm_1", Rule: "duress", Level: sashlock.Act, Site: o.Site, Opening: o.ID, Raised: tx.Now()}
				tx.SaveAlarm(a)
				tx.Append(sashlock.Event{Kind: sashlock.AlarmRaised, Site: a.Site, Opening: a.Opening, Alarm: a.ID, Rule: a.Rule})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := room.Raise(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if first := (<-s.got).Header.Get("Topic"); first != want {
				t.Errorf("handling alarms %t: the first message is about %q, want %q", handles, first, want)
			}
		})
	}
}

// started waits until the follower has its place.
func started(t *testing.T, r roomtest.Room) {
	t.Helper()
	news, stop := r.Store.Subscribe()
	defer stop()
	for {
		next, err := r.Store.Cursor(t.Context(), "assistance")
		if err != nil {
			t.Fatal(err)
		}
		if next > 0 {
			return
		}
		select {
		case <-news:
		case <-t.Context().Done():
			t.Fatal("the follower never began")
		}
	}
}

func TestWhatBecameOfAMessageIsKept(t *testing.T) {
	onEach(t, func(r roomtest.Room) {
		t, s := r.T, newService(r.T)
		room := told(r, "")
		room.Allow(netip.MustParseAddrPort(s.Listener.Addr().String()), s.roots())
		if _, err := room.Subscribe(t.Context(), phone(t, s.URL+"/push/1")); err != nil {
			t.Fatal(err)
		}
		for _, one := range []struct {
			status  int
			reached int
			trouble string
		}{
			{http.StatusCreated, 1, ""}, {http.StatusTooManyRequests, 0, "took no more"}, {http.StatusInternalServerError, 0, "refused"},
			{http.StatusFound, 0, "refused"}, // and not followed
		} {
			s.status.Store(int64(one.status))
			reached, err := room.Test(t.Context(), "opr_test")
			if err != nil || reached != one.reached {
				t.Errorf("%d: reached %d, %v", one.status, reached, err)
			}
			all := phones(r)
			if len(all) != 1 || all[0].Status != one.status || !strings.Contains(all[0].Trouble, one.trouble) || all[0].Told.IsZero() {
				t.Errorf("%d: %+v", one.status, all)
			}
			if got := <-s.got; got.URL.Path != "/push/1" {
				t.Errorf("%d: %s was asked for", one.status, got.URL.Path)
			}
			<-s.bodies
		}
		s.Close()
		if _, err := room.Test(t.Context(), "opr_test"); err != nil || !strings.Contains(phones(r)[0].Trouble, "cannot be reached") {
			t.Errorf("without a service: %v %+v", err, phones(r))
		}
	})
}

func TestAPhoneThatIsNoMoreIsForgotten(t *testing.T) {
	onEach(t, func(r roomtest.Room) {
		t := r.T
		for _, status := range []int{http.StatusNotFound, http.StatusGone} {
			s := newService(t)
			s.status.Store(int64(status))
			room := told(r, "")
			room.Allow(netip.MustParseAddrPort(s.Listener.Addr().String()), s.roots())
			if _, err := room.Subscribe(t.Context(), phone(t, s.URL)); err != nil {
				t.Fatal(err)
			}
			if _, err := room.Test(t.Context(), "opr_test"); err != nil {
				t.Fatal(err)
			}
			if all := phones(r); len(all) != 0 {
				t.Errorf("after %d there is %+v", status, all)
			}
		}
	})
}

func TestNothingGoesIntoOurOwnNetwork(t *testing.T) {
	onEach(t, func(r roomtest.Room) {
		t := r.T
		room := told(r, "")
		for _, endpoint := range []string{
			"", "x", "http://push.example/1", "https://127.0.0.1/1", "https://localhost:8443/1", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest",
			"https://[::ffff:127.0.0.1]/", "https://192.168.1.1:443/", "https://100.64.0.1/", "https://[64:ff9b::7f00:1]/", "https://user:pass@push.example/", "https://push.example:22/",
			"https://0.0.0.0/", "file:///etc/passwd", "https://push.example/" + strings.Repeat("x", 2000),
		} {
			if _, err := room.Subscribe(t.Context(), phone(t, endpoint)); !sashlock.IsKind(err, sashlock.Invalid) {
				t.Errorf("%.40q: %v", endpoint, err)
			}
		}
		bad := phone(t, "https://push.example/1")
		bad.Key = bad.Auth
		if _, err := room.Subscribe(t.Context(), bad); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Error("a key that is none:", err)
		}
		// A name that stands for our own network is found out when it is dialled.
		if _, err := room.Subscribe(t.Context(), phone(t, "https://localhost/1")); err != nil {
			t.Fatal(err)
		}
		if _, err := room.Test(t.Context(), "opr_test"); err != nil {
			t.Fatal(err)
		}
		if all := phones(r); len(all) != 1 || !strings.Contains(all[0].Trouble, "not on the Internet") {
			t.Errorf("a name of our own network: %+v", all)
		}
	})
}

func TestTheKeysAreMadeOnce(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		first, err := r.Assistance.PublicKey(t.Context())
		if err != nil || len(first) < 80 {
			t.Fatal(first, err)
		}
		again, err := told(r, "").PublicKey(t.Context())
		if err != nil || again != first {
			t.Error("another room has another key:", again, err)
		}
	})
}
