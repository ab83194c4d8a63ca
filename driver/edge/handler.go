// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/devicekeys"
	"github.com/sashlock/sashlock/internal/mqtt"
	"github.com/sashlock/sashlock/internal/mqtt/packet"
)

// enrolling is what the name of a client begins with that has a code and no
// certificate. No address has a colon in it.
const enrolling = "enrol:"

// EnrolUser is the user name of a client that enrols; its password is the code.
const EnrolUser = "enrol"

// handler is the session's side towards the endpoint.
type handler session

// Admit tells whose client it is: the certificate decides, or a code, or where
// nothing is encrypted the client itself. A device may connect several times
// when it calls itself "address/something"; the one that is called by the
// address alone takes the commands and says by being there that it is online.
func (h *handler) Admit(hello mqtt.Hello) (string, error) {
	s := (*session)(h)
	address, _, _ := strings.Cut(hello.ClientID, "/")
	switch {
	case s.keys == nil:
		if !sashlock.ValidSlug(address) {
			return "", &mqtt.Refusal{Code: packet.BadClientID, Why: "the client identifier is no address"}
		}
		return address, nil
	case hello.Certificate == nil:
		return s.admitByCode(hello)
	}
	name, err := s.keys.Check(hello.Certificate)
	if err != nil {
		return "", &mqtt.Refusal{Code: packet.NotAuthorized, Why: err.Error()}
	}
	if hello.ClientID != "" && address != name {
		return name, &mqtt.Refusal{Code: packet.BadClientID, Why: "the client identifier is not the device's address"}
	}
	return name, nil
}

func (s *session) admitByCode(hello mqtt.Hello) (string, error) {
	code, err := devicekeys.ParseCode(string(hello.Password))
	if err != nil || hello.Username != EnrolUser {
		return "", &mqtt.Refusal{Code: packet.NotAuthorized, Why: "there is neither a certificate nor a code"}
	}
	address, good := s.keys.Invited(code.Secret)
	if !good {
		return "", &mqtt.Refusal{Code: packet.BadCredentials, Why: "the code is not good"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[enrolling+address] = code.Secret
	return enrolling + address, nil
}

// May reports whether a client may use a topic.
func (h *handler) May(name, topic string, reads bool) bool {
	address, enrols := strings.CutPrefix(name, enrolling)
	sort, own := strings.CutPrefix(topic, Topic(h.config.Site, address, ""))
	if !own {
		return false
	}
	switch sort {
	case "csr":
		return !reads && h.keys != nil
	case "cert":
		return reads && h.keys != nil
	case "cmd", "ask":
		return reads && !enrols
	case "meta", "state", "event", "ack", "lwt":
		return !reads && !enrols
	}
	return false
}

// isDevice reports whether a connection is the one that makes a device online.
func isDevice(link *mqtt.Session) bool {
	return link.ClientID() == link.Name() && !strings.HasPrefix(link.Name(), enrolling)
}

// Came notes that a device is connected.
func (h *handler) Came(ctx context.Context, link *mqtt.Session) {
	if !isDevice(link) {
		return
	}
	s := (*session)(h)
	s.mu.Lock()
	s.at(link.Name(), true).link = link
	s.mu.Unlock()
	s.goOnline(ctx, link.Name()) //nolint:errcheck // it went again: Gone tells
}

// goOnline tells that a device is there, once it is connected and has said what
// it is.
func (s *session) goOnline(ctx context.Context, address string) error {
	s.mu.Lock()
	d := s.at(address, true)
	if d.link == nil || !d.found || d.online {
		s.mu.Unlock()
		return nil
	}
	d.online = true
	r := driver.Report{Address: address, Kind: sashlock.DeviceOnline, State: !d.before}
	d.before = true
	s.mu.Unlock()
	return s.hear(ctx, r)
}

// Gone tells that a device is away, unless it has only connected again.
func (h *handler) Gone(link *mqtt.Session, why mqtt.End) {
	s := (*session)(h)
	if !isDevice(link) {
		s.mu.Lock()
		delete(s.secrets, link.Name())
		s.mu.Unlock()
		return
	}
	s.mu.Lock()
	d := s.at(link.Name(), true)
	if d.link == link {
		d.link = nil
	}
	told := d.online && why != mqtt.Replaced
	if told {
		d.online = false
	}
	s.mu.Unlock()
	if told {
		s.hear(s.ctx, driver.Report{Address: link.Name(), Kind: sashlock.DeviceOffline}) //nolint:errcheck,gosec // only when closed
	}
}

// Take takes what a device says.
func (h *handler) Take(ctx context.Context, link *mqtt.Session, m mqtt.Message) error {
	s := (*session)(h)
	if m.Will {
		return nil // that it is gone is told in any case
	}
	sort := m.Topic[strings.LastIndexByte(m.Topic, '/')+1:]
	address := strings.TrimPrefix(link.Name(), enrolling)
	switch sort {
	case "meta":
		return s.takeMeta(ctx, address, m.Payload)
	case "state":
		return s.takeState(ctx, address, m.Payload)
	case "event":
		return s.takeEvent(ctx, address, m.Payload)
	case "ack":
		return s.takeAck(address, m.Payload)
	case "csr":
		return s.takeRequest(ctx, link, address, m.Payload)
	}
	return nil // its last will, said in person
}

func unreadable() error {
	return &mqtt.Refusal{Code: packet.BadPayload, Why: "the message cannot be understood"}
}

func (s *session) takeEvent(ctx context.Context, address string, payload []byte) error {
	var e Event
	if decode(payload, &e) != nil {
		return unreadable()
	}
	r, err := e.report(address)
	if err != nil {
		return unreadable()
	}
	return s.hear(ctx, r)
}

func (s *session) takeAck(address string, payload []byte) error {
	var a Ack
	if decode(payload, &a) != nil || a.Command == "" || !goodCommand(a.Command) {
		return unreadable()
	}
	s.acknowledged(address, a)
	return nil
}

func (s *session) takeMeta(ctx context.Context, address string, payload []byte) error {
	var m Meta
	if decode(payload, &m) != nil {
		return unreadable()
	}
	d, err := m.discovery(address, s.keys == nil)
	if err != nil {
		return unreadable()
	}
	if s.keys != nil && s.keys.EndsSoon(address) {
		d.Weak = "Its certificate ends within two months: have the device renew it, or enrol it again."
	}
	if err := tell(ctx, func(ctx context.Context) error { return s.sink.Found(ctx, d) }); err != nil {
		return err
	}
	s.mu.Lock()
	s.at(address, true).found = true
	s.mu.Unlock()
	return s.goOnline(ctx, address)
}

func (s *session) takeState(ctx context.Context, address string, payload []byte) error {
	var state State
	if decode(payload, &state) != nil {
		return unreadable()
	}
	reports, err := state.reports(address)
	if err != nil {
		return unreadable()
	}
	for _, r := range reports {
		if err := s.hear(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// takeRequest signs a certificate for a device that has a code, or a new one
// for a device that has one.
func (s *session) takeRequest(ctx context.Context, link *mqtt.Session, address string, request []byte) error {
	var text []byte
	var err error
	if link.Name() == address {
		text, err = s.keys.Renew(address, request)
	} else {
		s.mu.Lock()
		secret := s.secrets[link.Name()]
		s.mu.Unlock()
		text, err = s.keys.Enrol(secret, request)
	}
	answer := Enrolled{Certificate: string(text), Authority: string(s.keys.PEM()), CommandKey: s.driver.house.CommandKey}
	if err != nil {
		answer = Enrolled{Error: err.Error()}
		if sashlock.KindOf(err) == sashlock.Internal {
			answer.Error = "the house could not sign"
		}
	}
	payload, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return link.Publish(ctx, Topic(s.config.Site, address, "cert"), payload)
}

// Refused counts what was refused, to be recorded.
func (h *handler) Refused(name string, code packet.Code) {
	reason := sashlock.Unreadable
	if code == packet.NotAuthorized || code == packet.BadClientID {
		reason = sashlock.ForeignTopic
	}
	(*session)(h).count(name, reason)
}

var _ mqtt.Handler = (*handler)(nil)
