// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"errors"
	"net/url"
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
	url   string
	clear bool // others can listen on the way to the server
	pace  pace
	tap   func(byte, []byte)
	sink  driver.Sink

	life  context.Context // ends with the session
	stop  context.CancelFunc
	group sync.WaitGroup // run, and what it has started

	mu    sync.Mutex
	link  *link         // guarded by mu: nil while the server is away
	nodes map[int]*node // guarded by mu, with all they hold
}

// link is a connection at work.
type link struct {
	client *client
	ctx    context.Context // ends with the connection
	posts  driver.Errands
}

// news is one thing to tell the sink: a device or a report.
type news = driver.News

func start(u *url.URL, p pace, tap func(byte, []byte), sink driver.Sink) *session {
	life, stop := context.WithCancel(context.Background())
	s := &session{url: u.String(), clear: exposed(u), pace: p, tap: tap, sink: sink, life: life, stop: stop, nodes: make(map[int]*node)}
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
	s.mu.Lock()
	var told []news
	for _, d := range s.devices() {
		told = append(told, d.goOffline()...)
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
	return "the connection to the Matter server ended: " + err.Error()
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
	states, err := decodeNodes(body)
	if err != nil {
		return false, unreachable("reading the nodes of the fabric", err)
	}
	// What happened at locks while the server or the way to it was gone. A
	// server that does not know the question has nothing to add.
	var missed []event
	if body, err := c.do(asking, diagnostics()); err == nil {
		if missed, err = decodeHistory(body); err != nil {
			c.Garbled.Add(1)
		}
	}
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	l := &link{client: c, ctx: ctx, posts: make(driver.Errands)}
	s.sink.Gateway(s.life, true, "")
	s.mu.Lock()
	s.link = l
	told := s.takeNodes(l, states)
	for _, e := range missed {
		if n := s.nodes[e.Node]; n != nil {
			told = append(told, s.takeNote(n, *e.Note)...)
		}
	}
	s.mu.Unlock()
	defer s.unlink()
	s.tell(told)
	return true, s.listen(l)
}

func (s *session) unlink() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = nil
	for _, n := range s.nodes {
		// A new subscription may repeat events from long ago. Which are news is
		// told by their numbers, if there was one.
		n.known = n.known && n.last > 0
		for _, d := range n.devices {
			d.forget()
		}
	}
}

// listen hears events and does posted work until the connection ends.
func (s *session) listen(l *link) error {
	life := time.NewTicker(s.pace.pingEvery)
	defer life.Stop()
	call := time.NewTicker(s.pace.callSilent)
	defer call.Stop()
	lost := make(chan error, 1)
	for {
		select {
		case e := <-l.client.Events():
			if e.Name == "server_shutdown" {
				return errors.New("it was stopped")
			}
			s.mu.Lock()
			told := s.take(l, e)
			s.mu.Unlock()
			s.tell(told)
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
		case <-call.C:
			s.callMute(l)
		case err := <-lost:
			return unreachable("waiting for a sign of life of the Matter server", err)
		case <-l.client.Done():
			return l.client.Why()
		case <-s.life.Done():
			return s.life.Err()
		}
	}
}

// take makes news of an event. The caller holds mu.
func (s *session) take(l *link, e event) []news {
	switch e.Name {
	case "node_added", "node_updated":
		return s.takeNode(l, *e.State, false)
	case "node_removed":
		return s.drop(e.Node)
	}
	n := s.nodes[e.Node]
	if n == nil {
		return nil
	}
	told := s.heardFrom(l, n)
	if d := n.devices[e.endpoint()]; d != nil {
		d.words++
	}
	if e.Name == "attribute_updated" {
		return append(told, s.takeAttribute(l, n, e.Path, e.Value)...)
	}
	return append(told, s.takeNote(n, *e.Note)...)
}

// heardFrom makes news of a sign of life of a node that was silent.
func (s *session) heardFrom(l *link, n *node) (told []news) {
	if !n.mute {
		return nil
	}
	n.mute = false
	for _, d := range n.devices {
		if n.state.reachable(d.endpoint) {
			told = append(told, d.comeOnline(false)...)
			s.look(l, n, d)
		}
	}
	return told
}

// takeAttribute makes news of a new value. The caller holds mu.
func (s *session) takeAttribute(l *link, n *node, p path, v value) (told []news) {
	n.state.Attributes[p] = v
	for _, d := range n.devices {
		if p == d.lockState() && d.sort&isLock != 0 {
			some, wait := d.moved(boltOf(v))
			told = append(told, some...)
			if wait {
				s.settle(l, d)
			}
			continue
		}
		if source, ok := n.state.battery(d.endpoint); p.Cluster == clusterPower && (!ok || source != p.Endpoint) {
			continue
		}
		told = append(told, d.sensed(p, v, false)...)
	}
	return append(told, s.describe(l, n, false)...)
}

// takeNote makes news of an event of a lock. The caller holds mu.
func (s *session) takeNote(n *node, note note) []news {
	d := n.devices[note.Endpoint]
	fresh := note.Number > n.last
	n.last = max(n.last, note.Number)
	if d == nil || d.sort&isLock == 0 || !fresh || !n.known {
		return nil
	}
	boots, _ := n.state.number(0, clusterDiagnostics, attrReboots)
	ours, _ := n.state.number(0, clusterCredentials, attrFabric)
	return d.noted(note, uint64(max(boots, 0))+1, ours) //nolint:gosec // not negative
}

// takeNodes makes news of all the server knows. The caller holds mu.
func (s *session) takeNodes(l *link, states []nodeState) (told []news) {
	there := make(map[int]bool)
	for _, state := range states {
		there[state.Node] = true
		told = append(told, s.takeNode(l, state, true)...)
	}
	for id := range s.nodes {
		if !there[id] {
			told = append(told, s.drop(id)...)
		}
	}
	return told
}

// takeNode makes news of all the server knows of a node; anew is whether its
// devices are told of although nothing changed. The caller holds mu.
func (s *session) takeNode(l *link, state nodeState, anew bool) []news {
	n := s.nodes[state.Node]
	if n == nil {
		n = &node{devices: make(map[int]*device)}
		s.nodes[state.Node] = n
	}
	was := n.state.Available && !n.mute
	if !state.Available && len(state.Attributes) == 0 {
		state.Attributes = n.state.Attributes // a server that has just started has not read it yet
	}
	if state.Attributes == nil {
		state.Attributes = make(map[path]value)
	}
	n.state = state
	if state.Available {
		n.mute = false
	}
	told := s.describe(l, n, anew)
	for _, d := range s.devicesOf(n) {
		switch {
		case !state.Available || !state.reachable(d.endpoint):
			told = append(told, d.goOffline()...)
		case anew || !was || d.online != sashlock.DeviceOnline:
			told = append(told, d.comeOnline(anew)...)
			s.look(l, n, d)
		}
	}
	return told
}

// describe makes news of the devices of a node, where something about them
// changed or all are to be told.
func (s *session) describe(l *link, n *node, all bool) (told []news) {
	there := n.state.endpoints()
	for _, endpoint := range there {
		d := n.devices[endpoint]
		isNew := d == nil
		if isNew {
			d = &device{node: n.state.Node, endpoint: endpoint, level: -1, turn: make(chan struct{}, 1), slots: make(chan struct{}, 1)}
			n.devices[endpoint] = d
		}
		d.sort = n.state.sortOf(endpoint)
		found := n.state.discover(endpoint, s.clear)
		if isNew || all || !sameDiscovery(found, d.found) {
			d.found = found
			told = append(told, news{Device: &found})
		}
		if !isNew && d.online != "" && n.state.Available && !n.mute {
			told = append(told, s.bridged(l, n, d)...)
		}
	}
	for endpoint, d := range n.devices {
		if !slices.Contains(there, endpoint) {
			told = append(told, d.goOffline()...)
			delete(n.devices, endpoint)
		}
	}
	return told
}

// bridged makes news of a bridge's word that it reaches a device, or does not.
func (s *session) bridged(l *link, n *node, d *device) []news {
	reachable := n.state.reachable(d.endpoint)
	switch {
	case !reachable:
		return d.goOffline()
	case d.online == sashlock.DeviceOffline:
		s.look(l, n, d)
		return d.comeOnline(false)
	}
	return nil
}

func sameDiscovery(a, b driver.Discovery) bool {
	same := slices.Equal(a.Capabilities, b.Capabilities)
	a.Capabilities, b.Capabilities = nil, nil
	return same && a.Address == b.Address && a.Name == b.Name && a.Maker == b.Maker && a.Model == b.Model &&
		a.Firmware == b.Firmware && a.Security == b.Security && a.Weak == b.Weak && a.Asleep == b.Asleep
}

// drop forgets a node that left the fabric.
func (s *session) drop(id int) (told []news) {
	n := s.nodes[id]
	if n == nil {
		return nil
	}
	for _, d := range s.devicesOf(n) {
		told = append(told, d.goOffline()...)
	}
	delete(s.nodes, id)
	return told
}

// devices returns the known devices in order. The caller holds mu.
func (s *session) devices() (all []*device) {
	var ids []int
	for id := range s.nodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		all = append(all, s.devicesOf(s.nodes[id])...)
	}
	return all
}

func (*session) devicesOf(n *node) (all []*device) {
	for _, d := range n.devices {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *device) int { return a.endpoint - b.endpoint })
	return all
}

// post hands work to the session's goroutine and waits until the sink has
// taken what came of it.
func (*session) post(ctx context.Context, l *link, work func() []news) error {
	return l.posts.Send(ctx, l.ctx, work)
}

// tell gives the sink its news, one after the other, each until it is taken.
func (s *session) tell(told []news) { driver.Tell(s.life, s.sink, told) }
