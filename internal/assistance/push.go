// SPDX-License-Identifier: Apache-2.0

package assistance

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/SherClockHolmes/webpush-go"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	keysName   = "push_keys"                            // of the row that holds our keys
	contact    = "https://github.com/sashlock/sashlock" // whom push services may ask about us (RFC 8292 §2.1)
	goodFor    = 120                                    // seconds a push service keeps a message for a phone that is off
	sendAtOnce = 8
)

// keys are what messages are signed with, so that a push service knows that
// all come from the same store (VAPID, RFC 8292).
type keys struct {
	Private string `json:"private"`
	Public  string `json:"public"`
}

// PublicKey is what browsers ask for when they subscribe. The keys are made
// when it is first asked for.
func (r *Room) PublicKey(ctx context.Context) (string, error) {
	k, err := r.keys(ctx)
	return k.Public, err
}

func (r *Room) keys(ctx context.Context) (k keys, err error) {
	err = r.Store.View(ctx, func(q store.Query) error { k, err = readKeys(q); return err })
	if err != nil || k.Public != "" {
		return k, err
	}
	_, err = r.Store.Do(ctx, func(tx *store.Tx) error {
		if k, err = readKeys(tx); err != nil || k.Public != "" {
			return err
		}
		if k.Private, k.Public, err = webpush.GenerateVAPIDKeys(); err != nil {
			return err
		}
		text, err := json.Marshal(k)
		if err != nil {
			return err
		}
		return tx.Put("meta", "name", store.Fields{"name": keysName, "value": string(text)})
	})
	return k, err
}

func readKeys(q store.Query) (k keys, err error) {
	var text string
	err = q.QueryRow(`SELECT value FROM meta WHERE name = ?`, keysName).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal([]byte(text), &k)
}

// message is what a phone is told: that it is worth a look, and where. It names
// nobody and nothing.
type message struct {
	Title string `json:"title"`
	Body  string `json:"body"`
	Path  string `json:"path"`
	Tag   string `json:"tag"` // a later message of the same tag takes its place
}

// news is an event that phones are told of.
type news struct {
	title, body string
	tag         string
	alarm       bool
	rule        string // of the alarm
}

// tell tells the phones of those whom an event concerns.
func (r *Room) tell(ctx context.Context, e sashlock.Event) {
	n, worth := r.newsOf(ctx, e)
	if !worth || r.Reader == nil {
		return
	}
	area := r.Hall.Book().Openings[e.Opening].Area
	err := r.send(ctx, ``, func(s Reader) (message, bool) {
		m := message{Title: lang.Phrase{Text: n.title}.In(s.Language), Body: lang.Phrase{Text: n.body}.In(s.Language), Path: "/serve", Tag: n.tag}
		if n.alarm && s.Alarms != "" {
			m.Path = s.Alarms
		}
		return m, s.Sees(e.Site, area) && (!sashlock.Silent(n.rule) || s.Handles)
	})
	if err != nil && ctx.Err() == nil {
		r.Log.Warn("phones not told", logkey.Err(err))
	}
}

func (r *Room) newsOf(ctx context.Context, e sashlock.Event) (news, bool) {
	switch e.Kind {
	case sashlock.CallRaised:
		return news{title: lang.Mark("A customer waits"), body: lang.Mark("Tap to see where, and to say that you go."), tag: "call"}, true
	case sashlock.AlarmRaised:
		standing, err := r.Store.Alarms(ctx, true, 1000)
		if err != nil {
			return news{}, false
		}
		for _, a := range standing {
			if a.ID == e.Alarm && a.Level == sashlock.Act {
				return news{title: lang.Mark("Something needs you now"), body: lang.Mark("An opening stands as it should not. Tap to see which."), tag: "alarm", alarm: true, rule: a.Rule}, true
			}
		}
	}
	return news{}, false
}

// Test tells all phones of an operator that messages arrive, and returns how
// many were reached.
func (r *Room) Test(ctx context.Context, by sashlock.OperatorID) (reached int, err error) {
	err = r.send(ctx, by, func(s Reader) (message, bool) {
		return message{
			Title: lang.Phrase{Text: lang.Mark("Messages arrive on this phone")}.In(s.Language),
			Body:  lang.Phrase{Text: lang.Mark("You asked for this one.")}.In(s.Language), Path: "/serve", Tag: "test",
		}, true
	})
	if err != nil {
		return 0, err
	}
	err = r.Store.View(ctx, func(q store.Query) error {
		all, err := Subscriptions(q, by)
		for _, s := range all {
			if s.Trouble == "" {
				reached++
			}
		}
		return err
	})
	return reached, err
}

// send writes to every phone, or to those of one operator, and notes what came
// of it. A phone that is no more is forgotten.
func (r *Room) send(ctx context.Context, only sashlock.OperatorID, write func(Reader) (message, bool)) error {
	out, err := r.outbox(ctx, only, write)
	if err != nil || len(out) == 0 {
		return err
	}
	k, err := r.keys(ctx)
	if err != nil {
		return err
	}
	client := r.client()
	var all sync.WaitGroup
	turns := make(chan struct{}, sendAtOnce)
	for i := range out {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			out[i].deliver(ctx, client, k)
		})
	}
	all.Wait()
	_, err = r.Store.Do(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for _, l := range out {
			if err := l.note(tx); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// letter is a message to one phone.
type letter struct {
	to   Subscription
	text message
	gone bool // the phone is no more
}

func (r *Room) outbox(ctx context.Context, only sashlock.OperatorID, write func(Reader) (message, bool)) (out []letter, err error) {
	err = r.Store.View(ctx, func(q store.Query) error {
		all, err := store.Rows(q, scanSubscription, `SELECT `+subscriptionColumns+` FROM push_subscriptions ORDER BY operator, created`)
		if err != nil {
			return err
		}
		for _, s := range all {
			if only != "" && s.Operator != only {
				continue
			}
			reader, awake, err := r.Reader(q, s.Operator)
			if err != nil {
				return err
			}
			if !awake && only == "" {
				continue
			}
			if m, wanted := write(reader); wanted {
				out = append(out, letter{to: s, text: m})
			}
		}
		return nil
	})
	return out, err
}

// deliver hands the letter to the push service.
func (l *letter) deliver(ctx context.Context, client *http.Client, k keys) {
	l.to.Status, l.to.Trouble = 0, ""
	text, err := json.Marshal(l.text)
	if err != nil {
		l.to.Trouble = lang.Mark("The message could not be written.")
		return
	}
	answer, err := webpush.SendNotificationWithContext(ctx, text, &webpush.Subscription{Endpoint: l.to.Endpoint, Keys: webpush.Keys{Auth: l.to.Auth, P256dh: l.to.Key}}, &webpush.Options{
		HTTPClient: client, RecordSize: 1024, Subscriber: contact, Topic: l.text.Tag, TTL: goodFor, Urgency: webpush.UrgencyHigh,
		VAPIDPublicKey: k.Public, VAPIDPrivateKey: k.Private,
	})
	switch {
	case errors.Is(err, errInside):
		l.to.Trouble = lang.Mark("Its push service is not on the Internet, so nothing was sent.")
		return
	case err != nil:
		l.to.Trouble = lang.Mark("Its push service cannot be reached: this store node has no way to the Internet, or the service is down.")
		return
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10)
	l.to.Status = answer.StatusCode
	switch {
	case answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusGone:
		l.gone = true
	case answer.StatusCode == http.StatusTooManyRequests:
		l.to.Trouble = lang.Mark("Its push service took no more messages for now.")
	case answer.StatusCode >= 300:
		l.to.Trouble = lang.Mark("Its push service refused the message.")
	}
}

// note keeps what came of the letter, unless the phone was taken off meanwhile.
func (l *letter) note(tx *store.Tx) error {
	now, err := store.Rows(tx, scanSubscription, `SELECT `+subscriptionColumns+` FROM push_subscriptions WHERE id = ?`, l.to.ID)
	if err != nil || len(now) == 0 || now[0].Operator != l.to.Operator {
		return err
	}
	if l.gone {
		return tx.Remove("push_subscriptions", "subscription", l.to.ID, l.to.ID)
	}
	l.to.Told = tx.Now()
	return l.to.put(tx)
}
