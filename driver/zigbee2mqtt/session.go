// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"context"
	"errors"
	"slices"
	"strings"
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
	brokerCalls
}

type brokerCalls interface {
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

// session keeps one broker connected and tells the sink what Zigbee2MQTT says
// there. One goroutine, run, makes every call of the sink, so that what is told
// keeps the order in which it was heard.
type session struct {
	config Config
	clear  bool
	pace   pace
	dial   func(context.Context) (broker, error)
	sink   driver.Sink

	life  context.Context // ends with the session
	stop  context.CancelFunc
	group sync.WaitGroup // run, and what it has started

	told gateway       // what the sink was last told; run's own
	list []deviceEntry // the last list heard; run's own

	mu      sync.Mutex
	link    *link              // guarded by mu: nil while the broker is away
	devices map[string]*device // guarded by mu, with all they hold: by address
}

// maxHeld is how many messages wait for the list of devices.
const maxHeld = 1000

type gateway int

const (
	nothingYet gateway = iota
	isUp
	isDown
)

// link is a connection at work. What is not the broker's is run's own.
type link struct {
	broker broker
	ctx    context.Context // ends with the connection
	posts  driver.Errands
	online bool            // Zigbee2MQTT says that it works
	list   []deviceEntry   // what it said is there
	listed bool            // and that it said so
	up     bool            // guarded by session.mu: both
	topics map[string]bool // subscribed to, of devices
	// What was not acknowledged last time comes before it is known whose it is.
	held []mqttlink.Message
}

func start(c Config, p pace, dial func(context.Context) (broker, error), sink driver.Sink) *session {
	life, stop := context.WithCancel(context.Background())
	s := &session{
		config: c, clear: c.link().ClearText(), pace: p, dial: dial, sink: sink,
		life: life, stop: stop, devices: make(map[string]*device),
	}
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
func (s *session) run() {
	driver.Keep(s.life, s.pace.Patience,
		func() (bool, error) { return true, s.serve() },
		func(err error) { s.goDown(words(err)) })
}

// words puts a failure into a sentence for an operator.
func words(err error) string {
	var e *sashlock.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return "the connection to the broker ended: " + err.Error()
}

// goDown tells that the gateway is gone, and every device with it.
func (s *session) goDown(why string) {
	if s.told != isDown {
		s.told = isDown
		s.sink.Gateway(s.life, false, why)
	}
	var told []news
	s.mu.Lock()
	for _, address := range s.addresses() {
		told = append(told, s.devices[address].offline()...)
	}
	s.mu.Unlock()
	s.tell(told)
}

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
	// A broker that was restarted may have forgotten the list, and Zigbee2MQTT
	// publishes it again only when it changes: the last one holds until then.
	l := &link{
		broker: b, ctx: ctx, posts: make(driver.Errands), topics: make(map[string]bool),
		list: s.list, listed: s.list != nil,
	}
	base := s.config.Topic + "/bridge/"
	if err := s.ask(l, func(ctx context.Context) error {
		return b.Subscribe(ctx, base+"state", base+"devices", base+"logging")
	}); err != nil {
		return err
	}
	s.mu.Lock()
	s.link = l
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.link = nil
	}()
	return s.listen(l)
}

// ask bounds what is asked of the broker.
func (s *session) ask(l *link, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(l.ctx, s.pace.broker)
	defer cancel()
	return do(ctx)
}

// listen hears messages and does posted work until the connection ends.
func (s *session) listen(l *link) error {
	quiet := time.NewTimer(s.pace.bridge)
	defer quiet.Stop()
	again := time.NewTicker(s.pace.ask)
	defer again.Stop()
	dead := time.NewTicker(s.pace.callDead)
	defer dead.Stop()
	for {
		select {
		case <-l.broker.Ready():
			m, ok := l.broker.Next()
			if !ok {
				continue
			}
			if err := s.take(l, m); err != nil {
				return err
			}
		case p := <-l.posts:
			p.Run(&s.mu, s.tell)
		case <-quiet.C:
			if !l.online || !l.listed {
				s.goDown("nothing is heard of Zigbee2MQTT below " + s.config.Topic + ": see whether it runs, and uses this broker and topic")
			}
		case <-again.C:
			s.askAgain(l, false)
		case <-dead.C:
			s.askAgain(l, true)
		case <-l.broker.Done():
			return l.broker.Why()
		case <-s.life.Done():
			return s.life.Err()
		}
	}
}

// take does what a message asks for. An error ends the connection.
func (s *session) take(l *link, m mqttlink.Message) error {
	name, ok := strings.CutPrefix(m.Topic, s.config.Topic+"/")
	switch {
	case !ok:
	case name == "bridge/state":
		if online, ok := decodeOnline(m.Payload); ok {
			l.online = online
			if err := s.weigh(l, false); err != nil {
				return err
			}
		}
	case name == "bridge/devices":
		list, err := decodeDevices(m.Payload)
		if err != nil {
			break // the list before stays
		}
		l.list, l.listed, s.list = list, true, list
		if err := s.weigh(l, true); err != nil {
			return err
		}
	case name == "bridge/logging":
		if c, ok := decodeComplaint(m.Payload); ok && !m.Retained {
			s.mu.Lock()
			var told []news
			if d := s.named(c.Name); d != nil {
				told = d.complained(c)
			}
			s.mu.Unlock()
			s.tell(told)
		}
	case !l.up && !m.Retained && len(l.held) < maxHeld: // only this goroutine sets up
		l.held = append(l.held, m)
		return nil
	default:
		s.takeDevice(l, name, m)
		return nil // it acknowledges by itself
	}
	m.Done()
	return nil
}

// weigh brings the gateway up or down, and the devices with it. listed is
// whether the list is new.
func (s *session) weigh(l *link, listed bool) error {
	up := l.online && l.listed
	s.mu.Lock()
	was := l.up
	l.up = up
	s.mu.Unlock()
	if !up {
		if !l.online {
			s.goDown("Zigbee2MQTT has stopped, or lost its radio: see its log")
		}
		return nil
	}
	if !was {
		s.told = isUp
		s.sink.Gateway(s.life, true, "")
	} else if !listed {
		return nil
	}
	s.mu.Lock()
	told, topics := s.takeList(l, !was)
	s.mu.Unlock()
	s.tell(told)
	s.takeHeld(l)
	return s.follow(l, topics, !was)
}

// takeHeld hears what waited. It says what happened and how a device stood
// then: how it stands now is answered by the questions that are on their way.
func (s *session) takeHeld(l *link) {
	if len(l.held) == 0 {
		return
	}
	for _, m := range l.held {
		s.takeDevice(l, strings.TrimPrefix(m.Topic, s.config.Topic+"/"), m)
	}
	l.held = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.devices {
		d.fresh = false
	}
}

// follow subscribes to the topics of the devices there are, and gives up those
// of devices that are gone. With anew the broker sends again what it kept.
func (s *session) follow(l *link, topics []string, anew bool) error {
	keep := make(map[string]bool)
	var more, less []string
	for _, topic := range topics {
		keep[topic] = true
		if anew || !l.topics[topic] {
			more = append(more, topic)
		}
	}
	for topic := range l.topics {
		if !keep[topic] {
			less = append(less, topic)
		}
	}
	l.topics = keep
	return s.ask(l, func(ctx context.Context) error {
		if err := l.broker.Subscribe(ctx, more...); err != nil {
			return err
		}
		return l.broker.Unsubscribe(ctx, less...)
	})
}

// takeList makes news of the list of devices and returns their topics. The
// caller holds mu.
func (s *session) takeList(l *link, anew bool) (told []news, topics []string) {
	there := make(map[string]bool)
	for _, e := range l.list {
		if !e.Ready || !partsOf(e.Features).ofUse() {
			continue
		}
		there[e.Address] = true
		d := s.devices[e.Address]
		isNew := d == nil
		if isNew {
			d = newDevice()
			s.devices[e.Address] = d
		}
		if anew {
			told = append(told, d.forget()...)
			d.away = false // what its availability is follows
		}
		told = append(told, d.describe(e, s.clear, anew || isNew)...)
		if anew || isNew {
			told = append(told, d.comeOnline(true)...)
			s.look(l, d)
		}
		topic := s.config.Topic + "/" + e.Name
		topics = append(topics, topic, topic+"/availability")
	}
	for _, address := range s.addresses() {
		if !there[address] {
			told = append(told, s.devices[address].offline()...)
			delete(s.devices, address)
		}
	}
	return told, topics
}

// takeDevice hears what a device's own topics say.
func (s *session) takeDevice(l *link, name string, m mqttlink.Message) {
	if len(m.Payload) == 0 {
		m.Done() // a topic that was given up
		return
	}
	s.mu.Lock()
	var told []news
	if d := s.named(name); d != nil && l.up {
		st, err := decodeState(m.Payload)
		switch {
		case err != nil:
			told = []news{{Done: m.Done}}
		case m.Retained:
			told = append(d.keptState(st), news{Done: m.Done})
		default:
			var doubting bool
			told, doubting = d.hear(st, m.Done)
			if doubting {
				s.settle(l, d, d.doubt)
			}
		}
	} else {
		if name, ok := strings.CutSuffix(name, "/availability"); ok && l.up {
			if d := s.named(name); d != nil {
				told = s.available(l, d, m.Payload)
			}
		}
		told = append(told, news{Done: m.Done})
	}
	s.mu.Unlock()
	s.tell(told)
}

// available takes over whether a device can be reached. The caller holds mu.
func (s *session) available(l *link, d *device, payload []byte) []news {
	online, ok := decodeOnline(payload)
	if !ok || d.away == !online {
		return nil
	}
	d.away = !online
	if d.away {
		return d.offline()
	}
	s.look(l, d)
	return d.comeOnline(false)
}

// settle tells a change in doubt when its time is over. The caller holds mu.
func (s *session) settle(l *link, d *device, q *doubt) {
	s.group.Go(func() {
		wait := time.NewTimer(s.pace.settle)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-l.ctx.Done():
			return
		}
		// Should the connection end meanwhile, the message comes again.
		_ = s.post(l.ctx, l, func() []news {
			if d.doubt != q {
				return nil
			}
			return d.settle()
		})
	})
}

// named returns the device of a friendly name, or nil. The caller holds mu.
func (s *session) named(name string) *device {
	for _, d := range s.devices {
		if d.entry.Name == name {
			return d
		}
	}
	return nil
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
