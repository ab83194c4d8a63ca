// SPDX-License-Identifier: Apache-2.0

package packet

// PropertyID names a property of version 5.
type PropertyID byte

// The properties.
const (
	PayloadFormat         PropertyID = 1
	MessageExpiry         PropertyID = 2
	ContentType           PropertyID = 3
	ResponseTopic         PropertyID = 8
	CorrelationData       PropertyID = 9
	SubscriptionID        PropertyID = 11
	SessionExpiry         PropertyID = 17
	AssignedClientID      PropertyID = 18
	ServerKeepAlive       PropertyID = 19
	AuthMethod            PropertyID = 21
	AuthData              PropertyID = 22
	RequestProblemInfo    PropertyID = 23
	WillDelay             PropertyID = 24
	RequestResponseInfo   PropertyID = 25
	ResponseInfo          PropertyID = 26
	ServerReference       PropertyID = 28
	ReasonString          PropertyID = 31
	ReceiveMaximum        PropertyID = 33
	TopicAliasMaximum     PropertyID = 34
	TopicAlias            PropertyID = 35
	MaximumQoS            PropertyID = 36
	RetainAvailable       PropertyID = 37
	UserProperty          PropertyID = 38
	MaximumPacketSize     PropertyID = 39
	WildcardAvailable     PropertyID = 40
	SubscriptionIDs       PropertyID = 41
	SharedSubscriptionsOK PropertyID = 42
)

// Property is one property. Which of the fields counts depends on the ID:
// Number for integers, Text for texts, Text and Value for user properties,
// Data for bytes.
type Property struct {
	ID     PropertyID
	Number uint32
	Text   string
	Value  string
	Data   []byte
}

// Properties are those of one packet, in the order they were sent.
type Properties []Property

// Number returns the value of an integer property.
func (p Properties) Number(id PropertyID) (value uint32, ok bool) {
	for _, one := range p {
		if one.ID == id {
			return one.Number, true
		}
	}
	return 0, false
}

// Text returns the value of a text property; empty when there is none.
func (p Properties) Text(id PropertyID) string {
	for _, one := range p {
		if one.ID == id {
			return one.Text
		}
	}
	return ""
}

// Has reports whether a property is there.
func (p Properties) Has(id PropertyID) bool {
	_, ok := p.Number(id)
	return ok
}

// form is how the value of a property is written.
type form byte

const (
	unknown form = iota
	flag         // a byte that is 0 or 1
	two          // an integer of two bytes
	four         // of four bytes
	varint       // of one to four bytes
	text
	pair // two texts
	data // bytes
)

// form returns how a property is written, and whether 0 is no value for it.
func (id PropertyID) form() (f form, positive bool) {
	switch id {
	case PayloadFormat, RequestProblemInfo, RequestResponseInfo, MaximumQoS, RetainAvailable, WildcardAvailable,
		SubscriptionIDs, SharedSubscriptionsOK:
		return flag, false
	case ServerKeepAlive, TopicAliasMaximum:
		return two, false
	case ReceiveMaximum, TopicAlias:
		return two, true
	case MessageExpiry, SessionExpiry, WillDelay:
		return four, false
	case MaximumPacketSize:
		return four, true
	case SubscriptionID:
		return varint, true
	case ContentType, ResponseTopic, AssignedClientID, AuthMethod, ResponseInfo, ServerReference, ReasonString:
		return text, false
	case UserProperty:
		return pair, false
	case CorrelationData, AuthData:
		return data, false
	}
	return unknown, false
}

// will stands for the properties of a will, which CONNECT carries beside its
// own.
const will Type = 0

// allows reports whether packets of a sort may carry a property.
func (t Type) allows(id PropertyID) bool {
	switch id {
	case UserProperty:
		return t != PINGREQ && t != PINGRESP
	case PayloadFormat, MessageExpiry, ContentType, ResponseTopic, CorrelationData:
		return t == PUBLISH || t == will
	case WillDelay:
		return t == will
	case SubscriptionID:
		return t == PUBLISH || t == SUBSCRIBE
	case TopicAlias:
		return t == PUBLISH
	case SessionExpiry:
		return t == CONNECT || t == CONNACK || t == DISCONNECT
	case RequestProblemInfo, RequestResponseInfo:
		return t == CONNECT
	case AuthMethod, AuthData, ReceiveMaximum, TopicAliasMaximum, MaximumPacketSize:
		return t == CONNECT || t == CONNACK
	case AssignedClientID, ServerKeepAlive, ResponseInfo, MaximumQoS, RetainAvailable, WildcardAvailable,
		SubscriptionIDs, SharedSubscriptionsOK:
		return t == CONNACK
	case ServerReference:
		return t == CONNACK || t == DISCONNECT
	case ReasonString:
		return t == CONNACK || t == PUBACK || t == SUBACK || t == UNSUBACK || t == DISCONNECT
	}
	return false
}

// repeats reports whether a property may stand more than once.
func (t Type) repeats(id PropertyID) bool {
	return id == UserProperty || id == SubscriptionID && t == PUBLISH
}
