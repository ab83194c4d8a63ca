// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// session keeps us signed in at one controller and tells the sink what it says.
// One goroutine, run, makes every call of the sink, so that what is told keeps
// the order in which it was heard.
type session struct {
	config Config
	url    *url.URL
	pace   pace
	sink   driver.Sink

	life  context.Context // ends with the session
	stop  context.CancelFunc
	group sync.WaitGroup // run, and what it has started

	mu    sync.Mutex
	link  *link            // guarded by mu: nil while the controller is away
	doors map[string]*door // guarded by mu, with all they hold: by token
}

// link is a controller at work.
type link struct {
	*controller
	ctx   context.Context // ends with the link
	heard chan []note
	posts driver.Errands
	fails chan error
}

// news is one thing to tell the sink: a device or a report.
type news = driver.News

func start(c Config, u *url.URL, p pace, sink driver.Sink) *session {
	life, stop := context.WithCancel(context.Background())
	s := &session{config: c, url: u, pace: p, sink: sink, life: life, stop: stop, doors: make(map[string]*door)}
	s.group.Go(s.run)
	return s
}

// Close ends the session.
func (s *session) Close() error {
	s.stop()
	s.group.Wait()
	return nil
}

// run signs in, again and again with growing pauses, until the session ends.
func (s *session) run() { driver.Keep(s.life, s.pace.Patience, s.serve, s.lose) }

// lose tells that the gateway is gone, and every door with it.
func (s *session) lose(why error) {
	s.sink.Gateway(s.life, false, why.Error())
	s.mu.Lock()
	var told []news
	for _, d := range s.sorted() {
		told = append(told, d.goOffline()...)
	}
	s.mu.Unlock()
	s.tell(told)
}

// serve works with the controller until it is gone and says why. up is whether
// the gateway was said to be there.
func (s *session) serve() (up bool, err error) {
	password, err := s.config.password()
	if err != nil {
		return false, err
	}
	trust, err := s.config.trust()
	if err != nil {
		return false, err
	}
	c := newCaller(s.config.User, password, trust)
	defer c.close()
	asking, cancel := context.WithTimeout(s.life, 3*s.pace.call)
	defer cancel()
	p, err := reach(asking, s.url, c)
	if err != nil {
		return false, err
	}
	if err := p.subscribe(asking, s.pace.term); err != nil {
		return false, err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(s.life), time.Second)
		defer cancel()
		p.unsubscribe(ending)
	}()
	ctx, cancel := context.WithCancel(s.life)
	l := &link{controller: p, ctx: ctx, heard: make(chan []note), posts: make(driver.Errands), fails: make(chan error, 2)}
	s.sink.Gateway(s.life, true, "")
	told := s.takeDoors(l)
	var pulling sync.WaitGroup
	pulling.Go(func() { s.pull(l) })
	pulling.Go(func() { s.keep(l) })
	defer func() {
		s.unlink()
		cancel()
		pulling.Wait()
	}()
	s.tell(told)
	return true, s.listen(l)
}

func (s *session) unlink() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = nil
	for _, d := range s.doors {
		d.order = nil
		d.echoes.Forget()
	}
}

// pull fetches events until the link ends. The sink takes them before the next
// are asked for.
func (s *session) pull(l *link) {
	for l.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(l.ctx, s.pace.pull+s.pace.call)
		notes, err := l.next(ctx, s.pace.pull)
		cancel()
		if err != nil {
			l.fails <- err
			return
		}
		select {
		case l.heard <- notes:
		case <-l.ctx.Done():
		}
	}
}

// keep renews the pull point until the link ends.
func (s *session) keep(l *link) {
	tick := time.NewTicker(s.pace.term / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(l.ctx, s.pace.call)
		err := l.renew(ctx, s.pace.term)
		cancel()
		var f *fault
		// Some controllers renew by each question and know no other way.
		if err != nil && !errors.As(err, &f) {
			l.fails <- err
			return
		}
	}
}

// listen hears events and does posted work until the link ends.
func (s *session) listen(l *link) error {
	sweep := time.NewTicker(s.pace.sweep)
	defer sweep.Stop()
	for {
		select {
		case notes := <-l.heard:
			s.mu.Lock()
			told := s.take(l, notes)
			s.mu.Unlock()
			s.tell(told)
		case p := <-l.posts:
			p.Run(&s.mu, s.tell)
		case <-sweep.C:
			s.mu.Lock()
			for _, d := range s.sorted() {
				s.look(l, d, false)
			}
			s.mu.Unlock()
		case err := <-l.fails:
			return err
		case <-s.life.Done():
			return s.life.Err()
		}
	}
}

// takeDoors makes news of the doors of a controller that was just reached.
func (s *session) takeDoors(l *link) (told []news) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = l
	there := make(map[string]bool)
	for _, info := range l.doors {
		there[info.Token] = true
		d := s.doors[info.Token]
		if d == nil {
			d = &door{token: info.Token, turn: make(chan struct{}, 1)}
			s.doors[info.Token] = d
		}
		found := discover(info, l.about, s.url.Scheme != "https")
		if !reflect.DeepEqual(found, d.found) || d.online == "" {
			told = append(told, news{Device: &found})
		}
		d.info, d.found = info, found
		told = append(told, d.comeOnline()...)
		s.look(l, d, true)
	}
	for _, d := range s.sorted() {
		if !there[d.token] {
			told = append(told, d.goOffline()...)
			delete(s.doors, d.token)
		}
	}
	return told
}

// take makes news of events. The caller holds mu.
func (s *session) take(l *link, notes []note) (told []news) {
	// A credential and the bolt it moved come in either order.
	for _, n := range notes {
		if d := s.doors[l.points[n.Source["AccessPointToken"]]]; d != nil && strings.HasPrefix(n.Topic, "AccessControl/AccessGranted/") {
			d.granted = time.Now()
		}
	}
	for _, n := range notes {
		r := driver.Report{State: n.Initial, At: n.At}
		if d := s.doors[l.points[n.Source["AccessPointToken"]]]; d != nil && strings.HasPrefix(n.Topic, "AccessControl/Denied/") && !n.Initial {
			r.Kind, r.Method = sashlock.CodeRefused, sashlock.ByUnknown
			told = append(told, d.report(r))
			continue
		}
		d := s.doors[n.Source["DoorToken"]]
		if d == nil {
			continue
		}
		switch n.Topic {
		case "Door/State/LockPhysicalState":
			kind := boltOf(n.Data["State"])
			if kind != "" && !r.State && d.echoes.Heard(kind) {
				continue // told when it was read
			}
			told = append(told, d.moved(kind, r, s.pace.explain)...)
		case "Door/State/DoorPhysicalState":
			told = append(told, d.opened(positionOf(n.Data["State"]), r)...)
		case "Door/State/DoorTamper":
			told = append(told, d.cover(n.Data["State"], r)...)
		case "Door/State/DoorMode":
			if !n.Initial {
				s.look(l, d, false) // what was ordered; what came of it is read
			}
		}
	}
	return told
}

// look reads how a door stands and tells it, as a statement or as news. The
// caller holds mu.
func (s *session) look(l *link, d *door, state bool) {
	s.group.Go(func() {
		ctx, cancel := context.WithTimeout(l.ctx, s.pace.call)
		defer cancel()
		_ = s.read(ctx, l, d, state) // a controller that is gone is found by its pull point
	})
}

// read reads how a door stands and tells it. An answer that was on its way while
// something else was heard may be older than that: it is dropped, and one that
// was asked for is asked for again.
func (s *session) read(ctx context.Context, l *link, d *door, state bool) error {
	for {
		s.mu.Lock()
		before := d.changes
		s.mu.Unlock()
		now, err := l.state(ctx, d.token)
		if err != nil {
			return err
		}
		late := false
		err = s.post(ctx, l, func() []news {
			if late = d.changes != before; late {
				return nil
			}
			return d.stands(now, state, s.pace.explain, time.Now().Add(s.pace.confirm))
		})
		if err != nil || !late || !state {
			return err
		}
	}
}

// sorted returns the known doors in order. The caller holds mu.
func (s *session) sorted() (all []*door) {
	for _, d := range s.doors {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *door) int { return strings.Compare(a.token, b.token) })
	return all
}

// post hands work to the session's goroutine and waits until the sink has
// taken what came of it.
func (*session) post(ctx context.Context, l *link, work func() []news) error {
	return l.posts.Send(ctx, l.ctx, work)
}

// tell gives the sink its news, one after the other, each until it is taken.
func (s *session) tell(told []news) { driver.Tell(s.life, s.sink, told) }
