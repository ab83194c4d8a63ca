// SPDX-License-Identifier: Apache-2.0

package packet

// Head reads the head of a packet: its first byte tells the sort, size is how
// many bytes the whole packet has, head how many of them are the head. Size is
// 0 while the head is not there as a whole.
func Head(b []byte) (size, head int, err error) {
	if len(b) == 0 {
		return 0, 0, nil
	}
	if err := checkFirst(b[0]); err != nil {
		return 0, 0, err
	}
	length, n, err := readVarint(b[1:])
	if err != nil || n == 0 {
		return 0, 0, err
	}
	size, head = 1+n+int(length), 1+n
	if size > MaxSize {
		return 0, 0, wrong(TooLarge, "the packet has %d bytes, more than %d", size, MaxSize)
	}
	return size, head, nil
}

// checkFirst refuses sorts that are not spoken here, and flags that may not be
// set.
func checkFirst(first byte) error {
	t, flags := Type(first>>4), first&0xf
	switch t {
	case 0:
		return malformed("packet type 0 is reserved")
	case PUBREC, PUBREL, PUBCOMP:
		return wrong(NoQoS, "QoS 2 is not supported")
	case AUTH:
		return wrong(BadAuthMethod, "extended authentication is not supported")
	case PUBLISH:
		switch qos := flags >> 1 & 3; {
		case qos == 3:
			return malformed("QoS 3 does not exist")
		case qos == 2:
			return wrong(NoQoS, "QoS 2 is not supported")
		case qos == 0 && flags&8 != 0:
			return malformed("a message of QoS 0 is marked as a duplicate")
		}
		return nil
	case SUBSCRIBE, UNSUBSCRIBE:
		if flags != 2 {
			return malformed("the flags of the packet are %d instead of 2", flags)
		}
		return nil
	}
	if flags != 0 {
		return malformed("the flags of the packet are %d instead of 0", flags)
	}
	return nil
}

// Decode reads a packet: its first byte and what follows its head. The version
// is that of the connection; CONNECT brings its own.
func Decode(v Version, first byte, body []byte) (Packet, error) {
	if err := checkFirst(first); err != nil {
		return nil, err
	}
	if len(body) > MaxSize {
		return nil, wrong(TooLarge, "the packet is too large")
	}
	r := &reader{left: body}
	p := r.packet(v, first)
	if err := r.end(); err != nil {
		return nil, err
	}
	return p, nil
}

func (r *reader) packet(v Version, first byte) Packet {
	switch Type(first >> 4) {
	case CONNECT:
		return r.connect()
	case CONNACK:
		return r.connack(v)
	case PUBLISH:
		return r.publish(v, first&0xf)
	case PUBACK:
		return r.puback(v)
	case SUBSCRIBE:
		return r.subscribe(v)
	case SUBACK:
		return r.suback(v)
	case UNSUBSCRIBE:
		return r.unsubscribe(v)
	case UNSUBACK:
		return r.unsuback(v)
	case PINGREQ:
		return Pingreq{}
	case PINGRESP:
		return Pingresp{}
	default:
		return r.disconnect(v)
	}
}

func (r *reader) connect() Packet {
	name, version := r.text("protocol name"), Version(r.byte("protocol version"))
	switch {
	case r.err != nil:
		return nil
	case name != "MQTT" || version != V311 && version != V5:
		r.fail(wrong(UnsupportedVersion, "protocol %.16q version %d is not spoken here", name, version))
		return nil
	}
	c := &Connect{Version: version}
	flags := r.byte("connect flags")
	if flags&1 != 0 {
		r.fail(malformed("the reserved connect flag is set"))
	}
	c.Clean = flags&2 != 0
	c.HasUsername, c.HasPassword = flags&0x80 != 0, flags&0x40 != 0
	if version == V311 && c.HasPassword && !c.HasUsername {
		r.fail(malformed("there is a password and no user name"))
	}
	c.KeepAlive = r.two("keep alive")
	c.Properties = r.properties(version, CONNECT)
	c.ClientID = r.text("client identifier")
	c.Will = r.will(version, flags)
	if c.HasUsername {
		c.Username = r.text("user name")
	}
	if c.HasPassword {
		c.Password = r.data("password")
	}
	if c.Properties.Has(AuthData) && !c.Properties.Has(AuthMethod) {
		r.fail(wrong(ProtocolError, "there is authentication data and no method"))
	}
	return c
}

func (r *reader) will(v Version, flags byte) *Will {
	qos := flags >> 3 & 3
	switch {
	case flags&4 == 0 && flags&0x38 != 0:
		r.fail(malformed("will flags are set without a will"))
	case qos == 3:
		r.fail(malformed("QoS 3 does not exist"))
	case qos == 2:
		r.fail(wrong(NoQoS, "QoS 2 is not supported"))
	}
	if flags&4 == 0 {
		return nil
	}
	w := &Will{QoS: qos, Retain: flags&0x20 != 0}
	w.Properties = r.properties(v, will)
	w.Topic = r.topic("will topic")
	w.Payload = r.data("will")
	return w
}

func (r *reader) connack(v Version) Packet {
	flags, code := r.byte("flags"), r.byte("code")
	if flags > 1 {
		r.fail(malformed("reserved flags of CONNACK are set"))
	}
	c := &Connack{SessionPresent: flags == 1, Code: Code(code)}
	if v == V5 {
		if r.err == nil && !CONNACK.has(c.Code) {
			r.fail(malformed("CONNACK does not have the code %d", code))
		}
		c.Properties = r.properties(v, CONNACK)
		return c
	}
	var known bool
	if c.Code, known = fromOld(code); !known && r.err == nil {
		r.fail(malformed("CONNACK does not have the code %d", code))
	}
	return c
}

func (r *reader) publish(v Version, flags byte) Packet {
	p := &Publish{QoS: flags >> 1 & 3, Duplicate: flags&8 != 0, Retain: flags&1 != 0}
	p.Topic = r.text("topic")
	if p.QoS > 0 {
		p.ID = r.id()
	}
	p.Properties = r.properties(v, PUBLISH)
	if r.err != nil {
		return nil
	}
	// Without a topic a message names it by an alias; whether there are any is
	// the connection's matter.
	if err := goodTopic(p.Topic, "topic"); err != nil && (p.Topic != "" || !p.Properties.Has(TopicAlias)) {
		r.fail(err)
	}
	p.Payload = r.take(len(r.left), "payload")
	return p
}

func (r *reader) puback(v Version) Packet {
	p := &Puback{ID: r.id()}
	if v == V5 && len(r.left) > 0 {
		p.Code, p.Properties = r.reason(v, PUBACK)
	}
	return p
}

// reason reads a code and the properties, which may be left out when there are
// none.
func (r *reader) reason(v Version, t Type) (Code, Properties) {
	c := Code(r.byte("reason code"))
	if r.err == nil && !t.has(c) {
		r.fail(malformed("the packet does not have the code %d", c))
	}
	if len(r.left) == 0 {
		return c, nil
	}
	return c, r.properties(v, t)
}

func (r *reader) subscribe(v Version) Packet {
	s := &Subscribe{ID: r.id(), Properties: r.properties(v, SUBSCRIBE)}
	for r.err == nil && len(r.left) > 0 {
		f := Filter{Topic: r.filter()}
		options := r.byte("subscription options")
		f.QoS = options & 3
		if v == V5 {
			f.NoLocal, f.AsPublished, f.RetainHandling = options&4 != 0, options&8 != 0, options>>4&3
			options &= 0xc3
		}
		switch {
		case f.QoS == 3 || options&^3 != 0:
			r.fail(malformed("the subscription options are %d", options))
		case f.RetainHandling == 3:
			r.fail(wrong(ProtocolError, "retain handling 3 does not exist"))
		case len(s.Filters) == MaxFilters:
			r.fail(wrong(QuotaExceeded, "more than %d topics in one packet", MaxFilters))
		}
		s.Filters = append(s.Filters, f)
	}
	if r.err == nil && len(s.Filters) == 0 {
		r.fail(wrong(ProtocolError, "SUBSCRIBE without a topic"))
	}
	return s
}

func (r *reader) suback(v Version) Packet {
	s := &Suback{ID: r.id(), Properties: r.properties(v, SUBACK)}
	for _, b := range r.take(len(r.left), "codes") {
		c := Code(b)
		if v == V5 && !SUBACK.has(c) || v != V5 && c > GrantedQoS2 && c != Unspecified {
			r.fail(malformed("SUBACK does not have the code %d", c))
		}
		s.Codes = append(s.Codes, c)
	}
	r.fewCodes(len(s.Codes))
	return s
}

func (r *reader) fewCodes(n int) {
	if r.err == nil && (n == 0 || n > MaxFilters) {
		r.fail(malformed("it answers for %d topics", n))
	}
}

func (r *reader) unsubscribe(v Version) Packet {
	u := &Unsubscribe{ID: r.id(), Properties: r.properties(v, UNSUBSCRIBE)}
	for r.err == nil && len(r.left) > 0 {
		if len(u.Topics) == MaxFilters {
			r.fail(wrong(QuotaExceeded, "more than %d topics in one packet", MaxFilters))
		}
		u.Topics = append(u.Topics, r.filter())
	}
	if r.err == nil && len(u.Topics) == 0 {
		r.fail(wrong(ProtocolError, "UNSUBSCRIBE without a topic"))
	}
	return u
}

func (r *reader) unsuback(v Version) Packet {
	u := &Unsuback{ID: r.id()}
	if v != V5 {
		return u
	}
	u.Properties = r.properties(v, UNSUBACK)
	for _, b := range r.take(len(r.left), "codes") {
		if !UNSUBACK.has(Code(b)) {
			r.fail(malformed("UNSUBACK does not have the code %d", b))
		}
		u.Codes = append(u.Codes, Code(b))
	}
	r.fewCodes(len(u.Codes))
	return u
}

func (r *reader) disconnect(v Version) Packet {
	d := &Disconnect{}
	if v == V5 && len(r.left) > 0 {
		d.Code, d.Properties = r.reason(v, DISCONNECT)
	}
	return d
}

// properties reads the properties of a packet of a sort; version 3.1.1 has
// none.
func (r *reader) properties(v Version, t Type) Properties {
	if v != V5 || r.err != nil {
		return nil
	}
	part := r.take(int(r.varint("length of the properties")), "properties")
	if r.err != nil {
		return nil
	}
	var all Properties
	for p := (&reader{left: part}); len(p.left) > 0; {
		one := p.property(t, all)
		if p.err != nil {
			r.fail(p.err)
			return nil
		}
		all = append(all, one)
	}
	return all
}

func (r *reader) property(t Type, before Properties) Property {
	id := PropertyID(r.varint("property"))
	p := Property{ID: id}
	kind, positive := id.form()
	switch {
	case r.err != nil:
		return p
	case kind == unknown:
		r.fail(malformed("there is no property %d", id))
	case !t.allows(id):
		r.fail(wrong(ProtocolError, "the packet may not have the property %d", id))
	case !t.repeats(id) && before.Has(id):
		r.fail(wrong(ProtocolError, "the property %d stands twice", id))
	case len(before) == MaxProperties:
		r.fail(wrong(QuotaExceeded, "the packet has more than %d properties", MaxProperties))
	}
	switch kind {
	case flag:
		p.Number = uint32(r.byte("property"))
	case two:
		p.Number = uint32(r.two("property"))
	case four:
		p.Number = r.four("property")
	case varint:
		p.Number = r.varint("property")
	case text:
		p.Text = r.text("property")
	case pair:
		p.Text, p.Value = r.text("property"), r.text("property")
	case data:
		p.Data = r.data("property")
	}
	if r.err == nil && (kind == flag && p.Number > 1 || positive && p.Number == 0) {
		r.fail(wrong(ProtocolError, "the property %d cannot be %d", id, p.Number))
	}
	if id == ResponseTopic && r.err == nil {
		if err := goodTopic(p.Text, "response topic"); err != nil {
			r.fail(err)
		}
	}
	return p
}
