// SPDX-License-Identifier: Apache-2.0

package packet

import "fmt"

// Append writes a packet behind b. The error, an [*Error], says what a packet
// of that version cannot hold; b is then returned as it was.
func Append(b []byte, v Version, p Packet) ([]byte, error) {
	if c, is := p.(*Connect); is {
		v = c.Version
	}
	// The body is written behind the longest head and moved up to the head it
	// gets.
	const room = 5
	w := &writer{b: append(b, make([]byte, room)...)}
	first := byte(p.Type()) << 4
	switch p := p.(type) {
	case *Connect:
		w.connect(p)
	case *Connack:
		w.connack(v, p)
	case *Publish:
		first |= w.publish(v, p)
	case *Puback:
		w.id(p.ID)
		w.reason(v, PUBACK, p.Code, p.Properties)
	case *Subscribe:
		first |= 2
		w.subscribe(v, p)
	case *Suback:
		w.id(p.ID)
		w.properties(v, SUBACK, p.Properties)
		w.codes(v, SUBACK, p.Codes)
	case *Unsubscribe:
		first |= 2
		w.unsubscribe(v, p)
	case *Unsuback:
		w.id(p.ID)
		w.properties(v, UNSUBACK, p.Properties)
		if v == V5 {
			w.codes(v, UNSUBACK, p.Codes)
		}
	case Pingreq, Pingresp:
	case *Disconnect:
		w.reason(v, DISCONNECT, p.Code, p.Properties)
	default:
		return b, wrong(ProtocolError, "%s", fmt.Sprintf("%T is not written", p))
	}
	if w.err != nil {
		return b, w.err
	}
	return w.finish(b, first, room)
}

// finish puts the head before the body.
func (w *writer) finish(b []byte, first byte, room int) ([]byte, error) {
	body := w.b[len(b)+room:]
	out := append(w.b[:len(b)], first)
	out = appendVarint(out, uint32(len(body))) //nolint:gosec // bodies are far smaller
	if len(out)-len(b)+len(body) > MaxSize {
		return out[:len(b)], wrong(TooLarge, "the packet has more than %d bytes", MaxSize)
	}
	return append(out, body...), nil // it is moved to the left, which append does right
}

func (w *writer) connect(c *Connect) {
	if c.Version != V311 && c.Version != V5 {
		w.fail(wrong(UnsupportedVersion, "version %d is not spoken here", c.Version))
	}
	w.text("MQTT", "protocol name")
	w.byte(byte(c.Version))
	var flags byte
	set := func(on bool, bit byte) {
		if on {
			flags |= bit
		}
	}
	set(c.Clean, 2)
	set(c.HasUsername, 0x80)
	set(c.HasPassword, 0x40)
	if c.Will != nil {
		flags |= 4 | c.Will.QoS<<3
		set(c.Will.Retain, 0x20)
		w.qos(c.Will.QoS)
	}
	if c.Version == V311 && c.HasPassword && !c.HasUsername {
		w.fail(malformed("there is a password and no user name"))
	}
	w.byte(flags)
	w.two(c.KeepAlive)
	w.properties(c.Version, CONNECT, c.Properties)
	w.text(c.ClientID, "client identifier")
	if c.Will != nil {
		w.properties(c.Version, will, c.Will.Properties)
		w.topic(c.Will.Topic, "will topic")
		w.data(c.Will.Payload, "will")
	}
	if c.HasUsername {
		w.text(c.Username, "user name")
	}
	if c.HasPassword {
		w.data(c.Password, "password")
	}
}

func (w *writer) qos(qos byte) {
	if qos > 1 {
		w.fail(wrong(NoQoS, "QoS %d is not supported", qos))
	}
}

func (w *writer) connack(v Version, c *Connack) {
	var flags byte
	if c.SessionPresent {
		flags = 1
	}
	w.byte(flags)
	if v != V5 {
		w.byte(c.Code.old())
		return
	}
	if !CONNACK.has(c.Code) {
		w.fail(malformed("CONNACK does not have the code %d", c.Code))
	}
	w.byte(byte(c.Code))
	w.properties(v, CONNACK, c.Properties)
}

func (w *writer) publish(v Version, p *Publish) (flags byte) {
	w.qos(p.QoS)
	flags = p.QoS << 1
	if p.Duplicate {
		flags |= 8
	}
	if p.Retain {
		flags |= 1
	}
	if p.Duplicate && p.QoS == 0 {
		w.fail(malformed("a message of QoS 0 is marked as a duplicate"))
	}
	if p.Topic == "" && v == V5 && p.Properties.Has(TopicAlias) {
		w.two(0)
	} else {
		w.topic(p.Topic, "topic")
	}
	if p.QoS > 0 {
		w.id(p.ID)
	}
	w.properties(v, PUBLISH, p.Properties)
	w.b = append(w.b, p.Payload...)
	return flags
}

// reason writes a code and properties in the shortest form there is.
func (w *writer) reason(v Version, t Type, c Code, p Properties) {
	if v != V5 || c == Success && len(p) == 0 {
		return
	}
	if !t.has(c) {
		w.fail(malformed("the packet does not have the code %d", c))
	}
	w.byte(byte(c))
	if len(p) > 0 {
		w.properties(v, t, p)
	}
}

func (w *writer) subscribe(v Version, s *Subscribe) {
	w.id(s.ID)
	w.properties(v, SUBSCRIBE, s.Properties)
	if len(s.Filters) == 0 || len(s.Filters) > MaxFilters {
		w.fail(wrong(ProtocolError, "SUBSCRIBE with %d topics", len(s.Filters)))
	}
	for _, f := range s.Filters {
		w.filter(f.Topic)
		if f.QoS > 2 || f.RetainHandling > 2 {
			w.fail(malformed("QoS %d, retain handling %d", f.QoS, f.RetainHandling))
		}
		options := f.QoS
		if v == V5 {
			options |= f.RetainHandling << 4
			if f.NoLocal {
				options |= 4
			}
			if f.AsPublished {
				options |= 8
			}
		}
		w.byte(options)
	}
}

func (w *writer) filter(s string) {
	if err := goodFilter(s); err != nil {
		w.fail(err)
	}
	w.text(s, "topic filter")
}

func (w *writer) unsubscribe(v Version, u *Unsubscribe) {
	w.id(u.ID)
	w.properties(v, UNSUBSCRIBE, u.Properties)
	if len(u.Topics) == 0 || len(u.Topics) > MaxFilters {
		w.fail(wrong(ProtocolError, "UNSUBSCRIBE with %d topics", len(u.Topics)))
	}
	for _, topic := range u.Topics {
		w.filter(topic)
	}
}

// codes writes what became of each topic. Version 3.1.1 knows one refusal only.
func (w *writer) codes(v Version, t Type, codes []Code) {
	if len(codes) == 0 || len(codes) > MaxFilters {
		w.fail(malformed("it answers for %d topics", len(codes)))
	}
	for _, c := range codes {
		if !t.has(c) {
			w.fail(malformed("the packet does not have the code %d", c))
		}
		if v != V5 && c.Refused() {
			c = Unspecified
		}
		w.byte(byte(c))
	}
}

// properties writes the properties of a packet; version 3.1.1 has none, and
// they are left out.
func (w *writer) properties(v Version, t Type, all Properties) {
	if v != V5 {
		return
	}
	if len(all) > MaxProperties {
		w.fail(wrong(QuotaExceeded, "the packet has more than %d properties", MaxProperties))
	}
	part := &writer{}
	for i, p := range all {
		if !t.allows(p.ID) || !t.repeats(p.ID) && all[:i].Has(p.ID) {
			w.fail(wrong(ProtocolError, "the packet may not have the property %d, or not twice", p.ID))
		}
		part.property(p)
	}
	if part.err != nil {
		w.fail(part.err)
	}
	w.b = appendVarint(w.b, uint32(len(part.b))) //nolint:gosec // bounded by the number and length of texts
	w.b = append(w.b, part.b...)
}

func (w *writer) property(p Property) {
	w.byte(byte(p.ID))
	kind, positive := p.ID.form()
	if kind == flag && p.Number > 1 || positive && p.Number == 0 || kind == two && p.Number > longest || kind == varint && p.Number >= 1<<28 {
		w.fail(wrong(ProtocolError, "the property %d cannot be %d", p.ID, p.Number))
	}
	switch kind {
	case flag:
		w.byte(byte(p.Number)) //nolint:gosec // checked above
	case two:
		w.two(uint16(p.Number)) //nolint:gosec // checked above
	case four:
		w.four(p.Number)
	case varint:
		w.b = appendVarint(w.b, p.Number)
	case text:
		if p.ID == ResponseTopic {
			w.topic(p.Text, "response topic")
			return
		}
		w.text(p.Text, "property")
	case pair:
		w.text(p.Text, "property")
		w.text(p.Value, "property")
	case data:
		w.data(p.Data, "property")
	}
}
