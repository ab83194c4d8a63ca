// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/mqttlink"
)

// Room shows openings. All fields are required.
type Room struct {
	Config Config
	// Book is what is declared now.
	Book func() *flow.Book
	// States lists how the openings stand.
	States func(context.Context) ([]sashlock.OpeningState, error)
	// News returns a channel that receives after commits, and how to end that.
	News func() (<-chan struct{}, func())
	Log  *slog.Logger
}

// The pace of the work.
const (
	dialTime   = 10 * time.Second
	readTime   = time.Second            // for what the broker has of ours
	least      = 100 * time.Millisecond // between two looks, however much happens
	backoffMin = time.Second
	backoffMax = time.Minute
)

// Run shows the openings until the context ends. A broker that is away is tried
// again.
func (r *Room) Run(ctx context.Context) {
	pause, said := backoffMin, false
	for ctx.Err() == nil {
		began := time.Now()
		err := r.serve(ctx)
		if ctx.Err() != nil {
			return
		}
		if !said || time.Since(began) > backoffMax {
			r.Log.Warn("openings not announced", logkey.Err(err))
			pause, said = backoffMin, true
		}
		rest(ctx, pause/2+rand.N(pause/2+1))
		pause = min(2*pause, backoffMax)
	}
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// serve works on one connection until it ends. A broker says for us when it
// breaks that what it keeps of ours is old.
func (r *Room) serve(ctx context.Context) error {
	c := r.Config.whole()
	dialling, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	l, err := mqttlink.Dial(dialling, c.link(), &mqttlink.Will{Topic: c.status(), Payload: "offline", Retained: true})
	if err != nil {
		return err
	}
	defer l.Close()
	defer func() {
		if ctx.Err() != nil {
			r.farewell(c, l) // one who leaves leaves no will
		}
	}()
	there, err := r.inventory(ctx, c, l)
	if err != nil {
		return err
	}
	news, stop := r.News()
	defer stop()
	for {
		if err := r.publish(ctx, c, l, there); err != nil {
			return err
		}
		rest(ctx, least)
		select {
		case <-news:
		case <-l.Done():
			return l.Why()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// inventory returns what the broker keeps of this store, so that what is gone
// can be taken back.
func (r *Room) inventory(ctx context.Context, c Config, l *mqttlink.Link) (map[string]string, error) {
	filters := []string{c.Prefix + "/binary_sensor/+/+/config", c.Topic + "/+", c.Topic + "/+/+", c.Topic + "/+/+/attributes"}
	if err := l.Subscribe(ctx, filters...); err != nil {
		return nil, err
	}
	there := make(map[string]string)
	quiet := time.NewTimer(readTime)
	defer quiet.Stop()
	for {
		select {
		case <-l.Ready():
			m, ok := l.Next()
			if !ok {
				continue
			}
			if m.Retained && (strings.HasPrefix(m.Topic, c.Topic+"/") || c.isOurs(m.Topic, m.Payload)) {
				there[m.Topic] = string(m.Payload)
			}
			m.Done()
		case <-quiet.C:
			return there, l.Unsubscribe(ctx, filters...)
		case <-l.Done():
			return nil, l.Why()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// publish brings the broker from what is there to what is wanted, states before
// the announcements that speak of them. there is kept up to date.
func (r *Room) publish(ctx context.Context, c Config, l *mqttlink.Link, there map[string]string) error {
	states, err := r.States(ctx)
	if err != nil {
		return err
	}
	book := r.Book()
	want := wanted(c, facts{Openings: book.Openings, Areas: book.Areas, Devices: book.Devices, States: states})
	want[c.status()] = "online"
	topics := slices.SortedFunc(maps.Keys(want), func(a, b string) int {
		switch x, y := strings.HasSuffix(a, "/config"), strings.HasSuffix(b, "/config"); {
		case x == y:
			return strings.Compare(a, b)
		case x:
			return 1
		}
		return -1
	})
	for _, topic := range topics {
		if had, has := there[topic]; has && had == want[topic] {
			continue
		}
		if err := l.Keep(ctx, topic, []byte(want[topic])); err != nil {
			return err
		}
		there[topic] = want[topic]
	}
	for _, topic := range slices.Sorted(maps.Keys(there)) {
		if _, wanted := want[topic]; wanted {
			continue
		}
		// An empty message takes back what the broker keeps.
		if err := l.Keep(ctx, topic, nil); err != nil {
			return err
		}
		delete(there, topic)
	}
	return nil
}

// farewell says that what the broker keeps is old from now on.
func (r *Room) farewell(c Config, l *mqttlink.Link) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := l.Keep(ctx, c.status(), []byte("offline")); err != nil {
		r.Log.Info("end not announced", logkey.Err(err))
	}
}
