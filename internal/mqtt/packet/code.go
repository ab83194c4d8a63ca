// SPDX-License-Identifier: Apache-2.0

package packet

import "fmt"

// Code is a reason code of MQTT 5. Those from 0x80 on are refusals.
type Code byte

// The codes.
const (
	Success             Code = 0x00 // also a normal end, and a subscription of QoS 0
	GrantedQoS1         Code = 0x01
	GrantedQoS2         Code = 0x02
	DisconnectWithWill  Code = 0x04
	NoSubscription      Code = 0x11
	Unspecified         Code = 0x80
	Malformed           Code = 0x81
	ProtocolError       Code = 0x82
	ImplementationError Code = 0x83
	UnsupportedVersion  Code = 0x84
	BadClientID         Code = 0x85
	BadCredentials      Code = 0x86
	NotAuthorized       Code = 0x87
	ServerUnavailable   Code = 0x88
	ServerBusy          Code = 0x89
	Banned              Code = 0x8A
	ShuttingDown        Code = 0x8B
	BadAuthMethod       Code = 0x8C
	KeepAliveTimeout    Code = 0x8D
	SessionTakenOver    Code = 0x8E
	BadFilter           Code = 0x8F
	BadTopic            Code = 0x90
	ReceiveMaxExceeded  Code = 0x93
	BadTopicAlias       Code = 0x94
	TooLarge            Code = 0x95
	RateTooHigh         Code = 0x96
	QuotaExceeded       Code = 0x97
	BadPayload          Code = 0x99
	NoRetain            Code = 0x9A
	NoQoS               Code = 0x9B
	NoShared            Code = 0x9E
	NoSubscriptionID    Code = 0xA1
	NoWildcards         Code = 0xA2
)

// Refused reports whether the code says no.
func (c Code) Refused() bool { return c >= 0x80 }

// Error is what is wrong with a packet, and the code to answer with.
type Error struct {
	Code Code
	Why  string
}

// Error returns it in one line.
func (e *Error) Error() string { return fmt.Sprintf("%s (MQTT reason 0x%02x)", e.Why, byte(e.Code)) }

func malformed(format string, args ...any) error {
	return &Error{Code: Malformed, Why: fmt.Sprintf(format, args...)}
}

func wrong(code Code, format string, args ...any) error {
	return &Error{Code: code, Why: fmt.Sprintf(format, args...)}
}

// old returns the return code of a CONNACK of version 3.1.1 that comes nearest.
func (c Code) old() byte {
	switch c {
	case Success:
		return 0
	case UnsupportedVersion:
		return 1
	case BadClientID:
		return 2
	case BadCredentials:
		return 4
	case NotAuthorized, Banned, BadAuthMethod:
		return 5
	default:
		return 3
	}
}

// fromOld is the inverse for the return codes that exist.
func fromOld(b byte) (Code, bool) {
	switch b {
	case 0:
		return Success, true
	case 1:
		return UnsupportedVersion, true
	case 2:
		return BadClientID, true
	case 3:
		return ServerUnavailable, true
	case 4:
		return BadCredentials, true
	case 5:
		return NotAuthorized, true
	}
	return 0, false
}

// has reports whether a packet of a sort may carry a code in version 5.
func (t Type) has(c Code) bool {
	in := func(codes ...Code) bool {
		for _, one := range codes {
			if one == c {
				return true
			}
		}
		return false
	}
	switch t {
	case CONNACK:
		return in(Success, Unspecified, Malformed, ProtocolError, ImplementationError, UnsupportedVersion, BadClientID,
			BadCredentials, NotAuthorized, ServerUnavailable, ServerBusy, Banned, BadAuthMethod, BadTopic, TooLarge,
			QuotaExceeded, BadPayload, NoRetain, NoQoS, 0x9C, 0x9D, 0x9F)
	case PUBACK:
		return in(Success, 0x10, Unspecified, ImplementationError, NotAuthorized, BadTopic, 0x91, QuotaExceeded, BadPayload)
	case SUBACK:
		return in(Success, GrantedQoS1, GrantedQoS2, Unspecified, ImplementationError, NotAuthorized, BadFilter, 0x91,
			QuotaExceeded, NoShared, NoSubscriptionID, NoWildcards)
	case UNSUBACK:
		return in(Success, NoSubscription, Unspecified, ImplementationError, NotAuthorized, BadFilter, 0x91)
	case DISCONNECT:
		return in(Success, DisconnectWithWill, Unspecified, Malformed, ProtocolError, ImplementationError, NotAuthorized,
			ServerBusy, ShuttingDown, KeepAliveTimeout, SessionTakenOver, BadFilter, BadTopic, ReceiveMaxExceeded,
			BadTopicAlias, TooLarge, RateTooHigh, QuotaExceeded, 0x98, BadPayload, NoRetain, NoQoS, 0x9C, 0x9D, NoShared,
			0x9F, 0xA0, NoSubscriptionID, NoWildcards)
	}
	return false
}
