// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/mqttlink"
)

// broker is a connection to one, as a session needs it.
type broker interface {
	Ready() <-chan struct{}
	Next() (mqttlink.Message, bool)
	Done() <-chan struct{}
	Why() error
	Subscribe(ctx context.Context, topics ...string) error
	Unsubscribe(ctx context.Context, topics ...string) error
	Publish(ctx context.Context, topic string, qos byte, payload []byte) error
	Close()
}

func dialBroker(c mqttlink.Config) func(context.Context) (broker, error) {
	return func(ctx context.Context) (broker, error) {
		l, err := mqttlink.Dial(ctx, c, nil)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
}

// session keeps one broker connected and tells the sink what is said there. One
// goroutine, run, makes every call of the sink.
type session struct {
	config Config
	clear  bool
	pace   pace
	dial   func(context.Context) (broker, error)
	sink   driver.Sink

	life  context.Context // ends with the session
	stop  context.CancelFunc
	group sync.WaitGroup // run
	mouth chan struct{}  // holds one while the sink is told something

	mu       sync.Mutex
	closed   bool               // guarded by mu
	told     *driver.Gateway    // guarded by mu: what the sink was last told of the broker
	broker   broker             // guarded by mu: nil while it is away
	entities map[string]entity  // guarded by mu: by where they were announced
	uses     map[string][]use   // guarded by mu: what topics are about
	devices  map[string]*device // guarded by mu, with all they hold: by address
}

// use is what a topic is about: an entity's state, or one of its availabilities.
type use struct {
	key      string
	presence int // -1: its state
}

func start(c Config, p pace, dial func(context.Context) (broker, error), sink driver.Sink) *session {
	life, stop := context.WithCancel(context.Background())
	s := &session{
		config: c, clear: c.link().ClearText(), pace: p, dial: dial, sink: sink, life: life, stop: stop,
		mouth: make(chan struct{}, 1), entities: make(map[string]entity), uses: make(map[string][]use), devices: make(map[string]*device),
	}
	s.group.Go(s.run)
	return s
}

// Close ends the session.
func (s *session) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.group.Wait()
	return nil
}

// run connects, and connects again with growing pauses, until the session ends.
func (s *session) run() {
	driver.Keep(s.life, s.pace.Patience,
		func() (bool, error) { return true, s.serve() },
		func(err error) { s.goDown(sentence(err)) })
}

// sentence puts a failure into a sentence for an operator.
func sentence(err error) string {
	var e *sashlock.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return "the connection to the broker ended: " + err.Error()
}

// goDown tells that the broker is gone, and every device with it.
func (s *session) goDown(why string) {
	_ = s.post(s.life, func() []news {
		told := s.now(driver.Gateway{Why: why})
		for _, address := range s.addresses() {
			told = append(told, s.devices[address].offline()...)
		}
		return told
	})
}

// link is a connection at work. All of it is run's own.
type link struct {
	broker broker
	ctx    context.Context // ends with the connection
	// What was not acknowledged last time comes before it is known whose it is.
	held    []mqttlink.Message
	settled bool
	fresh   map[string]bool // topics to subscribe to
	stale   map[string]bool // topics to give up
}

// maxHeld is how many messages wait for the announcements.
const maxHeld = 1000

// serve works on one connection until it ends and says why.
func (s *session) serve() error {
	dialling, cancel := context.WithTimeout(s.life, s.pace.dial)
	defer cancel()
	b, err := s.dial(dialling)
	if err != nil {
		return err
	}
	defer b.Close()
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	l := &link{broker: b, ctx: ctx, fresh: make(map[string]bool), stale: make(map[string]bool)}
	if err := s.post(ctx, func() []news { return s.begin(l) }); err != nil {
		return err
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.broker = nil
	}()
	prefix := s.config.Prefix
	if err := s.ask(l, func(ctx context.Context) error {
		return b.Subscribe(ctx, prefix+"/+/+/config", prefix+"/+/+/+/config")
	}); err != nil {
		return err
	}
	if err := s.follow(l); err != nil {
		return err
	}
	return s.listen(l)
}

// begin makes news of a connection that has come about. What was announced
// before holds until it is announced anew or taken back: a broker that was
// restarted may have forgotten it. The caller holds mu.
func (s *session) begin(l *link) (told []news) {
	s.broker = l.broker
	told = s.now(driver.Gateway{Up: true})
	for _, address := range s.addresses() {
		d := s.devices[address]
		clear(d.reached)
		d.last, d.kept = -1, nil
		told = append(told, d.reach(true)...)
	}
	for topic := range s.uses {
		l.fresh[topic] = true
	}
	return told
}

// ask bounds what is asked of the broker.
func (s *session) ask(l *link, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(l.ctx, s.pace.broker)
	defer cancel()
	return do(ctx)
}

// follow subscribes to what is new and gives up what is of no use any more. To
// subscribe again to a topic brings again what the broker keeps of it.
func (s *session) follow(l *link) error {
	var more, less []string
	s.mu.Lock()
	for topic := range l.fresh {
		if len(s.uses[topic]) > 0 {
			more = append(more, topic)
		}
	}
	for topic := range l.stale {
		if len(s.uses[topic]) == 0 {
			less = append(less, topic)
		}
	}
	s.mu.Unlock()
	clear(l.fresh)
	clear(l.stale)
	slices.Sort(more)
	return s.ask(l, func(ctx context.Context) error {
		if len(more) > 0 {
			if err := l.broker.Subscribe(ctx, more...); err != nil {
				return err
			}
		}
		return l.broker.Unsubscribe(ctx, less...)
	})
}

// listen hears messages until the connection ends.
func (s *session) listen(l *link) error {
	quiet, settle := time.NewTimer(s.pace.quiet), time.NewTimer(s.pace.settle)
	defer quiet.Stop()
	defer settle.Stop()
	fade := time.NewTicker(s.pace.fade)
	defer fade.Stop()
	gather, due := time.NewTimer(time.Hour), false
	defer gather.Stop()
	for {
		var err error
		select {
		case <-l.broker.Ready():
			m, ok := l.broker.Next()
			if ok {
				err = s.take(l, m)
			}
		case <-gather.C:
			due = false
			err = s.follow(l)
		case <-settle.C:
			err = s.release(l)
		case <-quiet.C:
			err = s.post(l.ctx, s.hush)
		case now := <-fade.C:
			err = s.post(l.ctx, func() (told []news) {
				for _, address := range s.addresses() {
					told = append(told, s.devices[address].fade(now)...)
				}
				return told
			})
		case <-l.broker.Done():
			return l.broker.Why()
		case <-s.life.Done():
			return s.life.Err()
		}
		if err != nil {
			return err
		}
		if len(l.fresh)+len(l.stale) > 0 && !due {
			due = true
			gather.Reset(s.pace.gather)
		}
	}
}

// hush says so when nothing has announced itself. The caller holds mu.
func (s *session) hush() []news {
	if len(s.entities) > 0 {
		return nil
	}
	return s.now(driver.Gateway{Up: true, Why: "nothing of use announces itself below " + s.config.Prefix + ": see that discovery is switched on there, and uses this broker and prefix"})
}

// release takes the messages that waited for the announcements.
func (s *session) release(l *link) error {
	l.settled = true
	held := l.held
	l.held = nil
	for _, m := range held {
		if err := s.take(l, m); err != nil {
			return err
		}
	}
	return nil
}

// take does what a message asks for and acknowledges it when that is durable.
func (s *session) take(l *link, m mqttlink.Message) error {
	place, announces := placeOf(s.config.Prefix, m.Topic)
	s.mu.Lock()
	unknown := !announces && len(s.uses[m.Topic]) == 0
	s.mu.Unlock()
	if unknown && !l.settled && !m.Retained && len(l.held) < maxHeld {
		l.held = append(l.held, m)
		return nil
	}
	err := s.post(l.ctx, func() []news {
		if announces {
			return s.announced(l, m.Topic, place, m.Payload)
		}
		return s.said(l, m)
	})
	if err == nil {
		m.Done()
	}
	return err
}

// said makes news of what is said on a topic. The caller holds mu.
func (s *session) said(l *link, m mqttlink.Message) (told []news) {
	for _, u := range s.uses[m.Topic] {
		e := s.entities[u.key]
		switch {
		case u.presence >= 0 && e.Role.main():
			d := s.devices[e.Address]
			told = append(told, d.present(u.presence, m.Payload)...)
			s.again(l, d)
		case u.presence >= 0 || len(m.Payload) == 0:
		case e.Role.main():
			told = append(told, s.devices[e.Address].hear(m.Payload, m.Retained)...)
		default:
			for _, d := range s.beside(e.Group) {
				told = append(told, d.beside(e, m.Payload, m.Retained)...)
			}
		}
	}
	return told
}

// again makes that the broker is asked for what it keeps of a device that has
// come back, and of the sensors that belong to it. The caller holds mu.
func (s *session) again(l *link, d *device) {
	if !d.again {
		return
	}
	d.again = false
	for _, e := range s.entities {
		if e.State != "" && (e.Address == d.entity.Address || e.Group != "" && e.Group == d.entity.Group && !e.Role.main()) {
			l.fresh[e.State] = true
		}
	}
}

// beside returns the devices of a group. The caller holds mu.
func (s *session) beside(group string) (all []*device) {
	for _, address := range s.addresses() {
		if d := s.devices[address]; group != "" && d.entity.Group == group {
			all = append(all, d)
		}
	}
	return all
}

// announced makes news of an announcement: new, changed, or taken back. One
// that cannot be read changes nothing. The caller holds mu.
func (s *session) announced(l *link, topic string, place announcement, payload []byte) (told []news) {
	var list []entity
	if len(payload) > 0 {
		var err error
		if list, err = decodeAnnouncement(topic, place, payload); err != nil {
			return nil
		}
	}
	there := make(map[string]bool)
	groups := make(map[string]bool)
	for _, e := range list {
		there[e.Key] = true
		was, known := s.entities[e.Key]
		if known && reflect.DeepEqual(was, e) || !known && len(s.entities) >= maxEntities || s.isTaken(e) {
			continue
		}
		if known {
			told = append(told, s.forget(l, was, was.Address == e.Address)...)
		}
		groups[e.Group] = true
		told = append(told, s.learn(l, e)...)
	}
	for key, e := range s.entities {
		if (key == topic || len(key) > len(topic) && key[:len(topic)] == topic && key[len(topic)] == '#') && !there[key] {
			groups[e.Group] = true
			told = append(told, s.forget(l, e, false)...)
		}
	}
	for group := range groups {
		for _, d := range s.beside(group) {
			told = append(told, s.describe(d, false)...)
		}
	}
	if len(s.entities) > 0 {
		told = append(told, s.now(driver.Gateway{Up: true})...)
	}
	return told
}

// isTaken reports whether something else goes by an entity's address. The caller
// holds mu.
func (s *session) isTaken(e entity) bool {
	d := s.devices[e.Address]
	return e.Role.main() && d != nil && d.entity.Key != e.Key
}

// learn takes an entity in. The caller holds mu.
func (s *session) learn(l *link, e entity) []news {
	s.entities[e.Key] = e
	add := func(topic string, u use) {
		if topic != "" {
			s.uses[topic] = append(s.uses[topic], u)
			l.fresh[topic] = true
		}
	}
	add(e.State, use{e.Key, -1})
	if !e.Role.main() {
		return nil
	}
	for i, a := range e.Presence {
		add(a.Topic, use{e.Key, i})
	}
	d := s.devices[e.Address]
	if d == nil {
		d = newDevice()
		s.devices[e.Address] = d
	}
	d.entity = e
	clear(d.reached)
	d.last = -1
	return append(s.describe(d, true), d.reach(true)...)
}

// forget drops an entity, and its device unless it is only changed. The caller
// holds mu.
func (s *session) forget(l *link, e entity, changed bool) (told []news) {
	delete(s.entities, e.Key)
	drop := func(topic string) {
		if topic == "" {
			return
		}
		s.uses[topic] = slices.DeleteFunc(s.uses[topic], func(u use) bool { return u.key == e.Key })
		if len(s.uses[topic]) == 0 {
			delete(s.uses, topic)
			l.stale[topic] = true
		}
	}
	drop(e.State)
	for _, a := range e.Presence {
		drop(a.Topic)
	}
	if d := s.devices[e.Address]; e.Role.main() && d != nil && !changed {
		told = d.offline()
		delete(s.devices, e.Address)
	}
	return told
}

// describe tells what a device is, if that is news. The caller holds mu.
func (s *session) describe(d *device, anew bool) []news {
	var charge, tamper bool
	for _, e := range s.entities {
		if e.Group != "" && e.Group == d.entity.Group && e.State != "" {
			charge, tamper = charge || e.Role == isCharge, tamper || e.Role == isTamper
		}
	}
	found := discover(d.entity, charge, tamper, s.clear, s.config.ReadOnly)
	if !anew && reflect.DeepEqual(found, d.found) {
		return nil
	}
	d.found = found
	return []news{{Device: &found}}
}

// addresses returns the addresses of the known devices in order. The caller
// holds mu.
func (s *session) addresses() []string {
	var all []string
	for address := range s.devices {
		all = append(all, address)
	}
	slices.Sort(all)
	return all
}
