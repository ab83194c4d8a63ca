// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// decodeAll reads one packet that stands alone in b.
func decodeAll(v Version, b []byte) (Packet, error) {
	size, head, err := Head(b)
	if err != nil {
		return nil, err
	}
	if size == 0 || size != len(b) {
		return nil, errors.New("not one whole packet")
	}
	return Decode(v, b[0], b[head:])
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKnownBytes holds both directions against packets as the standards write
// them.
func TestKnownBytes(t *testing.T) {
	for name, c := range map[string]struct {
		version Version
		hex     string
		packet  Packet
	}{
		"connect 3.1.1": {V311, "10 17 0004 4d515454 04 c2 003c 0001 61 0002 7562 0004 70617373",
			&Connect{Version: V311, Clean: true, KeepAlive: 60, ClientID: "a", Username: "ub", HasUsername: true, Password: []byte("pass"), HasPassword: true}},
		"connect 5 with will": {V5, "10 1d 0004 4d515454 05 2e 000a 05 1100000e10 0001 61 00 0001 6c 0004 676f6e65",
			&Connect{Version: V5, Clean: true, KeepAlive: 10, ClientID: "a", Properties: Properties{{ID: SessionExpiry, Number: 3600}},
				Will: &Will{Topic: "l", Payload: []byte("gone"), QoS: 1, Retain: true}}},
		"connack 3.1.1 refused": {V311, "20 02 00 05", &Connack{Code: NotAuthorized}},
		"connack 5":             {V5, "20 06 00 00 03 21 0010", &Connack{Properties: Properties{{ID: ReceiveMaximum, Number: 16}}}},
		"publish QoS 0":         {V311, "30 05 0001 74 6869", &Publish{Topic: "t", Payload: []byte("hi")}},
		"publish 5 with expiry": {V5, "3b 0d 0001 74 000a 05 020000000a 68 69", &Publish{Topic: "t", QoS: 1, Duplicate: true, Retain: true, ID: 10,
			Payload: []byte("hi"), Properties: Properties{{ID: MessageExpiry, Number: 10}}}},
		"puback":         {V311, "40 02 0007", &Puback{ID: 7}},
		"puback 5":       {V5, "40 03 0007 87", &Puback{ID: 7, Code: NotAuthorized}},
		"subscribe":      {V311, "82 06 0001 0001 74 01", &Subscribe{ID: 1, Filters: []Filter{{Topic: "t", QoS: 1}}}},
		"suback refused": {V311, "90 03 0001 80", &Suback{ID: 1, Codes: []Code{Unspecified}}},
		"unsubscribe 5":  {V5, "a2 06 0001 00 0001 74", &Unsubscribe{ID: 1, Topics: []string{"t"}}},
		"unsuback 5":     {V5, "b0 04 0001 00 11", &Unsuback{ID: 1, Codes: []Code{NoSubscription}}},
		"pingreq":        {V5, "c0 00", Pingreq{}},
		"pingresp":       {V5, "d0 00", Pingresp{}},
		"disconnect":     {V311, "e0 00", &Disconnect{}},
		"disconnect 5":   {V5, "e0 01 8e", &Disconnect{Code: SessionTakenOver}},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			want := unhex(t, c.hex)
			got, err := decodeAll(c.version, want)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.packet, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("decoded (-want +got):\n%s", d)
			}
			wrote, err := Append(nil, c.version, c.packet)
			if err != nil || !bytes.Equal(wrote, want) {
				t.Errorf("written as %x, want %x: %v", wrote, want, err)
			}
		})
	}
}

// TestRefusals holds the code with which each kind of nonsense is answered.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		version Version
		hex     string
		code    Code
	}{
		"reserved type":             {V5, "00 00", Malformed},
		"QoS 2 message":             {V5, "34 07 0001 74 0001 00 68", NoQoS},
		"QoS 3 message":             {V5, "36 07 0001 74 0001 00 68", Malformed},
		"PUBREL":                    {V5, "62 02 0001", NoQoS},
		"PUBREC":                    {V5, "50 02 0001", NoQoS},
		"AUTH":                      {V5, "f0 00", BadAuthMethod},
		"flags of PINGREQ":          {V311, "c1 00", Malformed},
		"flags of SUBSCRIBE":        {V311, "80 06 0001 0001 74 01", Malformed},
		"duplicate of QoS 0":        {V311, "38 05 0001 74 6869", Malformed},
		"identifier 0":              {V311, "32 07 0001 74 0000 6869", ProtocolError},
		"empty topic":               {V311, "30 04 0000 6869", BadTopic},
		"wildcard in topic":         {V311, "30 04 0002 612b", BadTopic},
		"U+0000 in topic":           {V311, "30 04 0002 6100", Malformed},
		"surrogate in topic":        {V311, "30 05 0003 eda080", Malformed},
		"overlong UTF-8":            {V311, "30 04 0002 c0af", Malformed},
		"topic cut off":             {V311, "30 03 0005 61", Malformed},
		"bytes left":                {V311, "40 03 0001 00", Malformed},
		"old protocol":              {V311, "10 10 0006 4d5149736470 03 02 0000 0002 6162", UnsupportedVersion},
		"version 6":                 {V311, "10 0d 0004 4d515454 06 02 0000 0001 61", UnsupportedVersion},
		"reserved connect flag":     {V311, "10 0d 0004 4d515454 04 03 0000 0001 61", Malformed},
		"password without name":     {V311, "10 10 0004 4d515454 04 42 0000 0001 61 0001 61", Malformed},
		"will of QoS 2":             {V311, "10 13 0004 4d515454 04 16 0000 0001 61 0001 61 0001 61", NoQoS},
		"will flags without will":   {V311, "10 0d 0004 4d515454 04 22 0000 0001 61", Malformed},
		"unknown property":          {V5, "30 06 0001 74 02 7f 00", Malformed},
		"property of another":       {V5, "30 07 0001 74 03 21 0001", ProtocolError},
		"property twice":            {V5, "30 08 0001 74 04 0101 0100", ProtocolError},
		"flag of 2":                 {V5, "30 06 0001 74 02 01 02", ProtocolError},
		"topic alias 0":             {V5, "30 07 0001 74 03 23 0000", ProtocolError},
		"receive maximum 0":         {V5, "10 11 0004 4d515454 05 02 0000 03 21 0000 0001 61", ProtocolError},
		"long form of a length":     {V5, "30 08 0001 74 83 00 21 0001", Malformed},
		"subscribe to nothing":      {V311, "82 02 0001", ProtocolError},
		"# in the middle":           {V311, "82 08 0001 0003 232f61 00", BadFilter},
		"+ beside a letter":         {V311, "82 07 0001 0002 612b 00", BadFilter},
		"subscription options":      {V311, "82 06 0001 0001 74 04", Malformed},
		"retain handling 3":         {V5, "82 07 0001 00 0001 74 30", ProtocolError},
		"code that PUBACK has not":  {V5, "40 03 0001 81", Malformed},
		"code that CONNACK has not": {V311, "20 02 00 06", Malformed},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			p, err := decodeAll(c.version, unhex(t, c.hex))
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code {
				t.Errorf("%+v, %v; want the code 0x%02x", p, err, byte(c.code))
			}
		})
	}
}

func TestLimits(t *testing.T) {
	long := strings.Repeat("a", MaxTopic)
	if _, err := Append(nil, V311, &Publish{Topic: long}); err != nil {
		t.Errorf("the longest topic: %v", err)
	}
	if _, err := Append(nil, V311, &Publish{Topic: long + "a"}); err == nil {
		t.Error("a topic that is too long was written")
	}
	body := append([]byte{0x02, 0x01}, make([]byte, MaxTopic+1)...)
	for i := range body[2:] {
		body[2+i] = 'a'
	}
	if _, err := Decode(V311, 0x30, body); err == nil {
		t.Error("a topic that is too long was read")
	}
	if _, _, err := Head([]byte{0x30, 0xff, 0xff, 0x03}); err != nil {
		t.Logf("65,535 bytes and a head: %v", err)
	} else {
		t.Error("a packet that is too large was begun")
	}
	if _, _, err := Head([]byte{0x30, 0xff, 0xff, 0xff, 0xff}); err == nil {
		t.Error("a length of five bytes was taken")
	}
	fits := &Publish{Topic: "t", Payload: make([]byte, MaxSize-4-3)}
	b, err := Append(nil, V311, fits)
	if err != nil || len(b) != MaxSize {
		t.Errorf("the largest packet: %d bytes, %v", len(b), err)
	}
	if size, _, err := Head(b); err != nil || size != MaxSize {
		t.Errorf("its head: %d, %v", size, err)
	}
	fits.Payload = append(fits.Payload, 0)
	if _, err := Append(nil, V311, fits); err == nil {
		t.Error("a packet that is too large was written")
	}
	many := &Publish{Topic: "t"}
	for range MaxProperties + 1 {
		many.Properties = append(many.Properties, Property{ID: UserProperty, Text: "a", Value: "b"})
	}
	if _, err := Append(nil, V5, many); err == nil {
		t.Error("too many properties were written")
	}
}

func TestHeadWaitsForTheWhole(t *testing.T) {
	b := unhex(t, "30 8101")
	for n := range b {
		if size, _, err := Head(b[:n]); size != 0 || err != nil {
			t.Errorf("%d bytes: size %d, %v", n, size, err)
		}
	}
	if size, head, err := Head(b); size != 3+129 || head != 3 || err != nil {
		t.Errorf("size %d, head %d, %v", size, head, err)
	}
}

// TestRoundTrip: what is written is read as it was, in both versions.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom([]Version{V311, V5}).Draw(t, "version")
		want := anyPacket(v).Draw(t, "packet")
		b, err := Append([]byte("before"), v, want)
		if err != nil {
			t.Fatalf("writing: %v", err)
		}
		if !bytes.HasPrefix(b, []byte("before")) {
			t.Fatal("what stood before was changed")
		}
		got, err := decodeAll(v, b[len("before"):])
		if err != nil {
			t.Fatalf("reading %x: %v", b, err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	})
}

func anyText() *rapid.Generator[string] {
	return rapid.StringN(0, 12, 40).Filter(func(s string) bool { return goodText(s, "") == nil })
}

func anyTopic() *rapid.Generator[string] {
	return rapid.StringN(1, 12, 40).Filter(func(s string) bool { return goodText(s, "") == nil && goodTopic(s, "") == nil })
}

func anyProperties(v Version, t Type) *rapid.Generator[Properties] {
	if v != V5 {
		return rapid.Just(Properties(nil))
	}
	return rapid.Custom(func(r *rapid.T) Properties {
		var all Properties
		for id := PropertyID(1); id <= SharedSubscriptionsOK; id++ {
			kind, positive := id.form()
			if kind == unknown || !t.allows(id) || !rapid.Bool().Draw(r, "with") || id == AuthData && !all.Has(AuthMethod) {
				continue
			}
			p, least := Property{ID: id}, uint32(0)
			if positive {
				least = 1
			}
			switch kind {
			case flag:
				p.Number = rapid.Uint32Range(0, 1).Draw(r, "flag")
			case two:
				p.Number = rapid.Uint32Range(least, longest).Draw(r, "two")
			case four:
				p.Number = rapid.Uint32Range(least, 1<<32-1).Draw(r, "four")
			case varint:
				p.Number = rapid.Uint32Range(least, 1<<28-1).Draw(r, "varint")
			case text:
				p.Text = anyText().Draw(r, "text")
				if id == ResponseTopic {
					p.Text = anyTopic().Draw(r, "topic")
				}
			case pair:
				p.Text, p.Value = anyText().Draw(r, "name"), anyText().Draw(r, "value")
				all = append(all, p)
			case data:
				p.Data = rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(r, "data")
			}
			all = append(all, p)
		}
		return all
	})
}

func anyID() *rapid.Generator[uint16] { return rapid.Uint16Min(1) }

func anyCode(t Type) *rapid.Generator[Code] {
	return rapid.Map(rapid.Byte(), func(b byte) Code { return Code(b) }).Filter(t.has)
}

func anyPacket(v Version) *rapid.Generator[Packet] {
	return rapid.Custom(func(r *rapid.T) Packet {
		bytesOf := func(what string) []byte { return rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(r, what) }
		flip := func(what string) bool { return rapid.Bool().Draw(r, what) }
		properties := func(t Type) Properties { return anyProperties(v, t).Draw(r, "properties") }
		id := anyID().Draw(r, "id")
		topics := func() []string { return rapid.SliceOfN(anyTopic(), 1, MaxFilters).Draw(r, "topics") }
		switch rapid.IntRange(1, 11).Draw(r, "sort") {
		case 1:
			c := &Connect{Version: v, Clean: flip("clean"), KeepAlive: rapid.Uint16().Draw(r, "keep alive"), ClientID: anyText().Draw(r, "client"), Properties: properties(CONNECT)}
			if flip("will") {
				c.Will = &Will{Topic: anyTopic().Draw(r, "topic"), Payload: bytesOf("will"), QoS: rapid.ByteRange(0, 1).Draw(r, "QoS"), Retain: flip("retain"), Properties: properties(will)}
			}
			if c.HasUsername = flip("user"); c.HasUsername {
				c.Username = anyText().Draw(r, "user name")
				if c.HasPassword = flip("secret"); c.HasPassword {
					c.Password = bytesOf("password")
				}
			}
			return c
		case 2:
			c := &Connack{SessionPresent: flip("session"), Code: anyCode(CONNACK).Draw(r, "code"), Properties: properties(CONNACK)}
			if v == V311 {
				c.Code = rapid.SampledFrom([]Code{Success, UnsupportedVersion, BadClientID, ServerUnavailable, BadCredentials, NotAuthorized}).Draw(r, "old code")
			}
			return c
		case 3:
			p := &Publish{Topic: anyTopic().Draw(r, "topic"), Payload: bytesOf("payload"), QoS: rapid.ByteRange(0, 1).Draw(r, "QoS"), Retain: flip("retain"), Properties: properties(PUBLISH)}
			if p.QoS == 1 {
				p.ID, p.Duplicate = id, flip("again")
			}
			return p
		case 4:
			p := &Puback{ID: id}
			if v == V5 {
				p.Code, p.Properties = anyCode(PUBACK).Draw(r, "code"), properties(PUBACK)
			}
			return p
		case 5:
			s := &Subscribe{ID: id, Properties: properties(SUBSCRIBE)}
			for _, topic := range topics() {
				f := Filter{Topic: topic, QoS: rapid.ByteRange(0, 2).Draw(r, "QoS")}
				if v == V5 {
					f.NoLocal, f.AsPublished, f.RetainHandling = flip("local"), flip("as published"), rapid.ByteRange(0, 2).Draw(r, "retain")
				}
				s.Filters = append(s.Filters, f)
			}
			return s
		case 6:
			s := &Suback{ID: id, Properties: properties(SUBACK)}
			for range topics() {
				c := rapid.SampledFrom([]Code{Success, GrantedQoS1, GrantedQoS2, Unspecified}).Draw(r, "code")
				s.Codes = append(s.Codes, c)
			}
			return s
		case 7:
			return &Unsubscribe{ID: id, Topics: topics(), Properties: properties(UNSUBSCRIBE)}
		case 8:
			u := &Unsuback{ID: id, Properties: properties(UNSUBACK)}
			if v == V5 {
				u.Codes = rapid.SliceOfN(anyCode(UNSUBACK), 1, MaxFilters).Draw(r, "codes")
			}
			return u
		case 9:
			return Pingreq{}
		case 10:
			return Pingresp{}
		default:
			d := &Disconnect{}
			if v == V5 {
				d.Code, d.Properties = anyCode(DISCONNECT).Draw(r, "code"), properties(DISCONNECT)
			}
			return d
		}
	})
}

// FuzzDecode: nothing makes the decoder panic, and what it takes is written
// again and read as the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"10170004 4d51545404c2003c00016100027562000470617373", "101d00044d515454052e000a051100000e100001610000016c0004676f6e65",
		"200600000321 0010", "3b0d000174000a05020000000a6869", "40030007 87", "8207000100000174 01", "90030001 80", "a2060001000001 74",
		"b004000100 11", "c000", "d000", "e0018e", "3407000174000100 68", "f000", "30ffffff7f",
	} {
		f.Add(true, unhex(f, seed))
		f.Add(false, unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, five bool, b []byte) {
		v := V311
		if five {
			v = V5
		}
		p, err := decodeAll(v, b)
		if err != nil {
			return
		}
		wrote, err := Append(nil, v, p)
		if err != nil {
			t.Fatalf("%+v was read and cannot be written: %v", p, err)
		}
		again, err := decodeAll(v, wrote)
		if err != nil {
			t.Fatalf("%x is not read again: %v", wrote, err)
		}
		if d := cmp.Diff(p, again, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("(-first +again):\n%s", d)
		}
	})
}
