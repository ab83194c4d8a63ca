// SPDX-License-Identifier: Apache-2.0

// Package packet reads and writes the packets of MQTT 3.1.1 and 5.
//
// # What
//
// [Head] finds the length of a packet, [Decode] reads one and [Append] writes
// one. Each sort of packet is a struct; both versions use the same ones, and
// where version 5 knows more reasons than 3.1.1 the [Code] is always that of
// version 5. What is wrong with a packet is an [Error] that carries the code
// to answer with.
//
// # How it fits
//
// Package mqtt listens with it. It knows nothing else of ours, no network and
// no clock.
//
// # Promises
//
// Nothing is read beyond what a packet says it holds, and all of it is: bytes
// left over are malformed. Texts are well-formed UTF-8 without U+0000. A packet
// has at most [MaxSize] bytes, a topic at most [MaxTopic], a packet at most
// [MaxProperties] properties and a subscription at most [MaxFilters] topics.
// QoS 2 and extended authentication are refused with the standard's codes.
// What is decoded and written again is the same packet.
package packet

// Version is the protocol's level, as CONNECT carries it.
type Version byte

// The versions.
const (
	V311 Version = 4
	V5   Version = 5
)

// The limits. They are far above what a lock says.
const (
	MaxSize       = 64 << 10 // bytes of a whole packet, head included
	MaxTopic      = 512      // bytes of a topic
	MaxProperties = 32       // properties of one packet, user properties included
	MaxFilters    = 16       // topics of one SUBSCRIBE or UNSUBSCRIBE
)

// Type is the sort of a packet.
type Type byte

// The sorts.
const (
	CONNECT     Type = 1
	CONNACK     Type = 2
	PUBLISH     Type = 3
	PUBACK      Type = 4
	PUBREC      Type = 5
	PUBREL      Type = 6
	PUBCOMP     Type = 7
	SUBSCRIBE   Type = 8
	SUBACK      Type = 9
	UNSUBSCRIBE Type = 10
	UNSUBACK    Type = 11
	PINGREQ     Type = 12
	PINGRESP    Type = 13
	DISCONNECT  Type = 14
	AUTH        Type = 15
)

// Packet is one of the structs of this package.
type Packet interface {
	// Type tells its sort.
	Type() Type
}

// Will is what a client wants said when it goes without a word.
type Will struct {
	Topic      string
	Payload    []byte
	QoS        byte
	Retain     bool
	Properties Properties // version 5 only
}

// Connect begins a connection. The version that it names is that of all that
// follows.
type Connect struct {
	Version     Version
	Clean       bool
	KeepAlive   uint16 // seconds; 0: none
	ClientID    string
	Will        *Will
	Username    string
	HasUsername bool
	Password    []byte
	HasPassword bool
	Properties  Properties
}

// Connack answers it.
type Connack struct {
	SessionPresent bool
	Code           Code
	Properties     Properties
}

// Publish carries a message. The payload of a decoded one is part of the bytes
// it was decoded from.
type Publish struct {
	Topic      string
	Payload    []byte
	QoS        byte
	Duplicate  bool
	Retain     bool
	ID         uint16 // for QoS 1 only
	Properties Properties
}

// Puback says that a message was taken, or in version 5 why not.
type Puback struct {
	ID         uint16
	Code       Code
	Properties Properties
}

// Filter is one topic to be subscribed to. All but QoS are of version 5.
type Filter struct {
	Topic          string
	QoS            byte
	NoLocal        bool
	AsPublished    bool
	RetainHandling byte
}

// Subscribe asks for messages.
type Subscribe struct {
	ID         uint16
	Filters    []Filter
	Properties Properties
}

// Suback answers it, a code for each topic.
type Suback struct {
	ID         uint16
	Codes      []Code
	Properties Properties
}

// Unsubscribe asks for no more of them.
type Unsubscribe struct {
	ID         uint16
	Topics     []string
	Properties Properties
}

// Unsuback answers it; in 3.1.1 without codes.
type Unsuback struct {
	ID         uint16
	Codes      []Code
	Properties Properties
}

// Pingreq asks whether the other side is there.
type Pingreq struct{}

// Pingresp says that it is.
type Pingresp struct{}

// Disconnect ends a connection. In 3.1.1 only clients send it, and without a
// code.
type Disconnect struct {
	Code       Code
	Properties Properties
}

// Type tells its sort.
func (*Connect) Type() Type { return CONNECT }

// Type tells its sort.
func (*Connack) Type() Type { return CONNACK }

// Type tells its sort.
func (*Publish) Type() Type { return PUBLISH }

// Type tells its sort.
func (*Puback) Type() Type { return PUBACK }

// Type tells its sort.
func (*Subscribe) Type() Type { return SUBSCRIBE }

// Type tells its sort.
func (*Suback) Type() Type { return SUBACK }

// Type tells its sort.
func (*Unsubscribe) Type() Type { return UNSUBSCRIBE }

// Type tells its sort.
func (*Unsuback) Type() Type { return UNSUBACK }

// Type tells its sort.
func (Pingreq) Type() Type { return PINGREQ }

// Type tells its sort.
func (Pingresp) Type() Type { return PINGRESP }

// Type tells its sort.
func (*Disconnect) Type() Type { return DISCONNECT }
