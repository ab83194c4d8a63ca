// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// session keeps the locks of one adapter and tells the sink what it says. One
// goroutine, run, makes every call of the sink, so that what is told keeps the
// order in which it was heard.
type session struct {
	config Config
	pace   pace
	client *client
	sink   driver.Sink

	life  context.Context // ends with the session
	stop  context.CancelFunc
	group sync.WaitGroup // run, and what it has started

	mu    sync.Mutex
	link  *link            // guarded by mu: nil while the adapter is away
	locks map[string]*lock // guarded by mu, with all they hold
}

// link is an adapter at work.
type link struct {
	ctx   context.Context // ends with the link
	posts driver.Errands
	heard chan batch
	fails chan error // holds one
}

// batch is what came with one answer.
type batch struct {
	run    uint64
	events []event
}

func start(c Config, p pace, sink driver.Sink) *session {
	life, stop := context.WithCancel(context.Background())
	s := &session{config: c, pace: p, client: newClient(c, p), sink: sink, life: life, stop: stop, locks: make(map[string]*lock)}
	s.group.Go(func() { driver.Keep(life, p.Patience, s.serve, s.lose) })
	return s
}

// Close ends the session.
func (s *session) Close() error {
	s.stop()
	s.group.Wait()
	s.client.close()
	return nil
}

// lose tells that the adapter is gone, and every lock with it.
func (s *session) lose(why error) {
	s.mu.Lock()
	told := []news{{Gateway: &driver.Gateway{Why: why.Error()}}}
	for _, l := range s.sorted() {
		told = append(told, l.goOffline()...)
	}
	s.mu.Unlock()
	s.tell(told)
}

func (s *session) tell(told []news) { driver.Tell(s.life, s.sink, told) }

// serve asks for the locks, and then for events, until the adapter is gone, and
// says why. up is whether it was said to be there.
func (s *session) serve() (up bool, err error) {
	list, err := s.list(s.life)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(s.life)
	l := &link{ctx: ctx, posts: make(driver.Errands), heard: make(chan batch), fails: make(chan error, 1)}
	var pulling sync.WaitGroup
	defer func() {
		s.unlink()
		cancel()
		pulling.Wait()
	}()
	s.mu.Lock()
	s.link = l
	told := append([]news{{Gateway: &driver.Gateway{Up: true}}}, s.takeList(list.Locks)...)
	s.mu.Unlock()
	pulling.Go(func() { s.pull(l, list.place) })
	s.tell(told)
	return true, s.listen(l)
}

func (s *session) unlink() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = nil
	for _, l := range s.locks {
		l.order, l.echoes = nil, nil
	}
}

func (s *session) list(ctx context.Context) (listing, error) {
	ctx, cancel := context.WithTimeout(ctx, s.pace.call)
	defer cancel()
	body, err := s.client.ask(ctx, http.MethodGet, "/v1/locks", nil)
	if err != nil {
		return listing{}, err
	}
	return decodeLocks(body)
}

// pull asks for events until the link ends. The next question is asked when the
// sink has taken what came of the last.
func (s *session) pull(l *link, at place) {
	for l.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(l.ctx, s.pace.poll+s.pace.call)
		run, events, err := s.events(ctx, at)
		cancel()
		if err != nil {
			l.fails <- err
			return
		}
		if run != at.Run || len(events) > 0 && events[0].Number <= at.Number {
			l.fails <- errors.New("the adapter tells events that were heard, or of another counting")
			return
		}
		if len(events) == 0 {
			continue
		}
		select {
		case l.heard <- batch{run, events}:
			at.Number = events[len(events)-1].Number
		case <-l.ctx.Done():
		}
	}
}

func (s *session) events(ctx context.Context, at place) (uint64, []event, error) {
	body, err := s.client.ask(ctx, http.MethodGet, "/v1/events?run="+strconv.FormatUint(at.Run, 10)+
		"&after="+strconv.FormatUint(at.Number, 10)+"&wait="+strconv.Itoa(int(s.pace.poll.Seconds())), nil)
	if err != nil {
		return 0, nil, err
	}
	return decodeEvents(body)
}

// listen hears events and does posted work until the link ends.
func (s *session) listen(l *link) error {
	for {
		select {
		case b := <-l.heard:
			s.mu.Lock()
			var told []news
			for _, e := range b.events {
				told = append(told, s.take(l, e, b.run)...)
			}
			s.mu.Unlock()
			s.tell(told)
		case p := <-l.posts:
			p.Run(&s.mu, s.tell)
		case err := <-l.fails:
			return err
		case <-s.life.Done():
			return s.life.Err()
		}
	}
}

// take makes news of an event. The caller holds mu.
func (s *session) take(at *link, e event, run uint64) []news {
	if e.Kind == "" {
		return nil
	}
	l := s.locks[e.Lock]
	if l == nil {
		s.again(at) // one that was added
		return nil
	}
	told, again := l.happened(e, run)
	if again {
		s.look(at, l)
	}
	return told
}

// again asks for the list anew. The caller holds mu.
func (s *session) again(at *link) {
	s.group.Go(func() {
		list, err := s.list(at.ctx)
		if err != nil {
			return // that the adapter is gone shows elsewhere
		}
		_ = at.posts.Send(at.ctx, at.ctx, func() []news { return s.takeList(list.Locks) })
	})
}

// takeList makes news of all the locks there are. The caller holds mu.
func (s *session) takeList(entries []lockEntry) (told []news) {
	there := make(map[string]bool)
	for _, e := range entries {
		there[e.ID] = true
		l := s.locks[e.ID]
		if l == nil {
			l = &lock{id: e.ID, turn: make(chan struct{}, 1), slots: make(chan struct{}, 1)}
			s.locks[e.ID] = l
		}
		told = append(told, l.describe(e)...)
		if !e.Online {
			told = append(told, l.goOffline()...)
			continue
		}
		told = append(told, l.comeOnline()...)
		told = append(told, l.stands(e.standing)...)
	}
	for _, l := range s.sorted() {
		if !there[l.id] {
			told = append(told, l.goOffline()...)
			delete(s.locks, l.id)
		}
	}
	return told
}

// sorted returns the locks in order. The caller holds mu.
func (s *session) sorted() (all []*lock) {
	for _, l := range s.locks {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *lock) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return all
}

// lookup finds a lock that can be spoken to.
func (s *session) lookup(op, address string) (*link, *lock, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.locks[address]
	wrong := func(kind sashlock.Kind, hint string) error {
		return &sashlock.Error{Kind: kind, Op: op, Subject: address, Hint: hint}
	}
	switch {
	case s.life.Err() != nil:
		return nil, nil, wrong(sashlock.Unavailable, "the session is closed")
	case l == nil:
		return nil, nil, wrong(sashlock.NotFound, "the adapter has no such lock")
	case s.link == nil:
		return nil, nil, wrong(sashlock.Unavailable, "the adapter cannot be reached")
	case l.online == sashlock.DeviceOffline:
		return nil, nil, wrong(sashlock.Unavailable, "the adapter says that it cannot reach the lock")
	}
	return s.link, l, nil
}
