// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// session keeps one server connected and tells the sink what it says. One
// goroutine, run, makes every call of the sink, so that what is told keeps the
// order in which it was heard.
type session struct {
	url  string
	pace pace
	tap  func(byte, []byte)
	sink driver.Sink

	life  context.Context // ends with the session
	stop  context.CancelFunc
	group sync.WaitGroup // run, and what it has started

	mu      sync.Mutex
	link    *link           // guarded by mu: nil while the server is away
	devices map[int]*device // guarded by mu, with all they hold: the nodes that are locks
}

// link is a connection at work.
type link struct {
	client *client
	ctx    context.Context // ends with the connection
	posts  driver.Errands
}

// news is one thing to tell the sink: a device or a report.
type news = driver.News

func start(url string, p pace, tap func(byte, []byte), sink driver.Sink) *session {
	life, stop := context.WithCancel(context.Background())
	s := &session{url: url, pace: p, tap: tap, sink: sink, life: life, stop: stop, devices: make(map[int]*device)}
	s.group.Go(s.run)
	return s
}

// Close ends the session.
func (s *session) Close() error {
	s.stop()
	s.group.Wait()
	return nil
}

// run connects, and connects again with growing pauses, until the session ends.
func (s *session) run() { driver.Keep(s.life, s.pace.Patience, s.serve, s.lose) }

// lose tells that the gateway is gone, and every device with it.
func (s *session) lose(why error) {
	s.sink.Gateway(s.life, false, words(why))
	var told []news
	s.mu.Lock()
	for _, node := range s.nodes() {
		told = append(told, s.devices[node].offline()...)
	}
	s.mu.Unlock()
	s.tell(told)
}

// words puts a failure into a sentence for an operator.
func words(err error) string {
	var e *sashlock.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return "the connection to the Z-Wave JS server ended: " + err.Error()
}

// serve works on one connection until it ends and says why. up is whether the
// gateway was said to be there.
func (s *session) serve() (up bool, err error) {
	dialling, cancel := context.WithTimeout(s.life, s.pace.dial)
	defer cancel()
	c, err := dial(dialling, s.url, s.tap)
	if err != nil {
		return false, err
	}
	defer c.Close()
	asking, cancel := context.WithTimeout(s.life, s.pace.state)
	defer cancel()
	body, err := c.do(asking, startListening())
	if err != nil {
		return false, err
	}
	state, err := decodeState(body)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	l := &link{client: c, ctx: ctx, posts: make(driver.Errands)}
	s.sink.Gateway(s.life, true, "")
	s.mu.Lock()
	s.link = l
	told := s.takeState(l, state)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.link = nil
		for _, d := range s.devices {
			d.forget()
		}
	}()
	s.tell(told)
	return true, s.listen(l)
}

// listen hears events and does posted work until the connection ends.
func (s *session) listen(l *link) error {
	life := time.NewTicker(s.pace.pingEvery)
	defer life.Stop()
	dead := time.NewTicker(s.pace.pingDead)
	defer dead.Stop()
	lost := make(chan error, 1)
	for {
		select {
		case e := <-l.client.Events():
			s.mu.Lock()
			told, err := s.take(l, e)
			s.mu.Unlock()
			s.tell(told)
			if err != nil {
				return err
			}
		case p := <-l.posts:
			p.Run(&s.mu, s.tell)
		case <-life.C:
			s.group.Go(func() {
				if err := l.client.Alive(l.ctx, s.pace.ping); err != nil {
					select {
					case lost <- err:
					default:
					}
				}
			})
		case <-dead.C:
			s.callDead(l)
		case err := <-lost:
			return unreachable("waiting for a sign of life of the Z-Wave JS server", err)
		case <-l.client.Done():
			return l.client.Why()
		case <-s.life.Done():
			return s.life.Err()
		}
	}
}

// errRestarted ends a connection whose server has built everything anew.
var errRestarted = errors.New("the Z-Wave JS driver restarted")

// take makes news of an event. The caller holds mu.
func (s *session) take(l *link, e event) ([]news, error) {
	if e.Name == "driver ready" {
		return nil, errRestarted
	}
	switch e.Name {
	case "ready":
		if e.State.Node == e.Node {
			return s.takeNode(l, *e.State), nil
		}
		return nil, nil
	case "node added", "interview completed":
		s.fetch(l, e.Node)
		return nil, nil
	}
	d := s.devices[e.Node]
	if d == nil {
		return nil, nil
	}
	d.latest = e.place
	if e.Note != nil || e.Value != nil && e.Value.Class == classNotification {
		d.words++ // other values change by our own reading as well
	}
	switch e.Name {
	case "value updated", "value added":
		told, doubt := d.property(*e.Value)
		if doubt {
			s.doubt(l, d)
		}
		return told, nil
	case "notification":
		return d.notified(*e.Note), nil
	case "dead":
		d.status = statusDead
		return d.offline(), nil
	case "alive", "wake up":
		d.status = statusAlive
		s.look(l, d)
		return d.comeOnline(false), nil
	case "sleep":
		d.status = statusAsleep
	case "node removed":
		delete(s.devices, e.Node)
		return d.offline(), nil
	}
	return nil, nil
}

// takeState makes news of all the server knows. The caller holds mu.
func (s *session) takeState(l *link, state networkState) []news {
	var told []news
	there := make(map[int]bool)
	for _, n := range state.Nodes {
		there[n.Node] = true
		told = append(told, s.takeNode(l, n)...)
	}
	for _, node := range s.nodes() {
		if !there[node] {
			told = append(told, s.devices[node].offline()...)
			delete(s.devices, node)
		}
	}
	return told
}

// takeNode makes news of all the server knows of a node. The caller holds mu.
func (s *session) takeNode(l *link, n nodeState) []news {
	endpoint, isLock := lockEndpoint(n)
	if !n.Ready || n.Controller || !isLock {
		return nil
	}
	d := s.devices[n.Node]
	if d == nil || d.endpoint != endpoint {
		d = &device{node: n.Node, endpoint: endpoint, level: -1, turn: make(chan struct{}, 1), slots: make(chan struct{}, 1)}
		s.devices[n.Node] = d
	}
	told := d.describe(n)
	if d.status != statusDead {
		s.look(l, d)
	}
	return told
}

// nodes returns the numbers of the known locks in order. The caller holds mu.
func (s *session) nodes() []int {
	var nodes []int
	for node := range s.devices {
		nodes = append(nodes, node)
	}
	slices.Sort(nodes)
	return nodes
}

// fetch asks the server for a node it has something new about.
func (s *session) fetch(l *link, node int) {
	s.group.Go(func() {
		ctx, cancel := context.WithTimeout(l.ctx, s.pace.answer)
		defer cancel()
		body, err := l.client.do(ctx, nodeStateOf(node))
		if err != nil {
			return // it went away again; its own event tells
		}
		n, err := decodeNodeAnswer(body)
		if err != nil {
			l.client.Garbled.Add(1)
			return
		}
		s.post(l.ctx, l, func() []news { return s.takeNode(l, *n) })
	})
}

// look reads how a lock stands and tells it as a statement. The caller holds mu.
func (s *session) look(l *link, d *device) {
	s.group.Go(func() {
		ctx, cancel := context.WithTimeout(l.ctx, s.pace.answer)
		defer cancel()
		// What cannot be read now is read when the device says it is there.
		_ = s.read(ctx, l, d, func(r lockReport) []news { return d.stands(r) })
	})
}

// callDead tries devices that are offline: the server tells when one answers.
func (s *session) callDead(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, node := range s.nodes() {
		if s.devices[node].status != statusDead {
			continue
		}
		s.group.Go(func() {
			ctx, cancel := context.WithTimeout(l.ctx, s.pace.answer)
			defer cancel()
			_, _ = l.client.do(ctx, ping(node)) // an answer comes as an event
		})
	}
}

// post hands work to the session's goroutine and waits until the sink has
// taken what came of it.
func (*session) post(ctx context.Context, l *link, work func() []news) error {
	return l.posts.Send(ctx, l.ctx, work)
}

// tell gives the sink its news, one after the other, each until it is taken.
func (s *session) tell(told []news) { driver.Tell(s.life, s.sink, told) }
