// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/mqtt/packet"
)

func eachVersion(t *testing.T, test func(t *testing.T, v packet.Version)) {
	for _, v := range []packet.Version{packet.V311, packet.V5} {
		t.Run(fmt.Sprintf("version_%d", v), func(t *testing.T) { test(t, v) })
	}
}

// TestAcknowledgedWhenTaken: the PUBACK comes after the handler has taken the
// message, and not at all if it has not.
func TestAcknowledgedWhenTaken(t *testing.T) {
	eachVersion(t, func(t *testing.T, v packet.Version) {
		h := newHall()
		h.hold = make(chan struct{})
		_, addr := serve(t, h, Options{})
		c := join(t, addr, "a", v)
		c.send(&packet.Publish{Topic: "a/event", QoS: 1, ID: 9, Payload: []byte("one")})
		c.send(packet.Pingreq{})
		c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := c.Conn.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Fatal("it was acknowledged before it was taken")
		}
		close(h.hold)
		if ack := want[*packet.Puback](c); ack.ID != 9 || ack.Code != packet.Success {
			t.Fatalf("%+v", ack)
		}
		want[packet.Pingresp](c)
		h.change(func() { h.fail = errors.New("the disk is full") })
		c.send(&packet.Publish{Topic: "a/event", QoS: 1, ID: 10, Payload: []byte("two")})
		c.closed()
		if len(h.took) != 1 || h.took[0] != "a/event=one" {
			t.Errorf("took %q", h.took)
		}
	})
}

// TestForeignTopics: a client speaks about itself only.
func TestForeignTopics(t *testing.T) {
	for _, topic := range []string{"b/event", "a", "ab/event", "/a/event", "a/cmd", "$SYS/x", "A/event"} {
		eachVersion(t, func(t *testing.T, v packet.Version) {
			h := newHall()
			_, addr := serve(t, h, Options{})
			c := join(t, addr, "a", v)
			c.send(&packet.Publish{Topic: topic, QoS: 1, ID: 1})
			if v == packet.V5 {
				if ack := want[*packet.Puback](c); ack.Code != packet.NotAuthorized {
					t.Fatalf("%s: %+v", topic, ack)
				}
				c.send(&packet.Publish{Topic: topic})
				if d := want[*packet.Disconnect](c); d.Code != packet.NotAuthorized {
					t.Fatalf("%s: %+v", topic, d)
				}
			}
			c.closed()
			h.await(t, "that it is gone and was refused", func() bool { return len(h.moves) == 2 && h.refused[packet.NotAuthorized] > 0 })
			if len(h.took) > 0 {
				t.Errorf("%s: took %q", topic, h.took)
			}
		})
	}
}

func TestForeignSubscriptions(t *testing.T) {
	eachVersion(t, func(t *testing.T, v packet.Version) {
		h := newHall()
		_, addr := serve(t, h, Options{})
		c := join(t, addr, "a", v)
		filters := []string{"#", "+/cmd", "b/cmd", "a/+", "a/#", "$share/g/a/cmd", "a/cmd"}
		s := &packet.Subscribe{ID: 3}
		for _, f := range filters {
			s.Filters = append(s.Filters, packet.Filter{Topic: f, QoS: 2})
		}
		c.send(s)
		ack := want[*packet.Suback](c)
		for i, code := range ack.Codes {
			refused := i < len(filters)-1
			if code.Refused() != refused || !refused && code != packet.GrantedQoS1 || v == packet.V5 && refused && code != packet.NotAuthorized {
				t.Errorf("%s: 0x%02x", filters[i], byte(code))
			}
		}
		h.await(t, "the refusals", func() bool { return h.refused[packet.NotAuthorized] == len(filters)-1 })
		s2 := h.there["a"]
		for _, topic := range filters[:len(filters)-1] {
			if err := s2.Publish(t.Context(), topic, nil); !errors.Is(err, ErrNotSubscribed) {
				t.Errorf("publishing to %s: %v", topic, err)
			}
		}
	})
}

func TestPublishWithExpiry(t *testing.T) {
	eachVersion(t, func(t *testing.T, v packet.Version) {
		h := newHall()
		_, addr := serve(t, h, Options{})
		c := join(t, addr, "a", v)
		c.send(&packet.Subscribe{ID: 1, Filters: []packet.Filter{{Topic: "a/cmd", QoS: 1}}})
		want[*packet.Suback](c)
		s := h.there["a"]
		ended, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		if err := s.Publish(ended, "a/cmd", []byte("late")); !errors.Is(err, ErrExpired) {
			t.Errorf("a message whose time was over: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		if err := s.Publish(ctx, "a/cmd", []byte("open")); err != nil {
			t.Fatal(err)
		}
		p := want[*packet.Publish](c)
		expiry, said := p.Properties.Number(packet.MessageExpiry)
		if string(p.Payload) != "open" || p.QoS != 1 || said != (v == packet.V5) || said && expiry != 9 {
			t.Errorf("%+v", p)
		}
		c.send(&packet.Puback{ID: p.ID})
		c.send(&packet.Unsubscribe{ID: 2, Topics: []string{"a/cmd", "a/no"}})
		u := want[*packet.Unsuback](c)
		if v == packet.V5 && !slices.Equal(u.Codes, []packet.Code{packet.Success, packet.NoSubscription}) {
			t.Errorf("%+v", u)
		}
		if err := s.Publish(ctx, "a/cmd", nil); !errors.Is(err, ErrNotSubscribed) {
			t.Errorf("after unsubscribing: %v", err)
		}
	})
}

// TestBusyClient: what is not acknowledged is limited by the client's window.
func TestBusyClient(t *testing.T) {
	h := newHall()
	_, addr := serve(t, h, Options{})
	c := dial(t, addr, packet.V5)
	c.send(&packet.Connect{Version: packet.V5, ClientID: "a", Clean: true, Properties: packet.Properties{{ID: packet.ReceiveMaximum, Number: 2}}})
	want[*packet.Connack](c)
	c.send(&packet.Subscribe{ID: 1, Filters: []packet.Filter{{Topic: "a/cmd", QoS: 1}}})
	want[*packet.Suback](c)
	s := h.there["a"]
	for i := range 3 {
		if err := s.Publish(t.Context(), "a/cmd", nil); errors.Is(err, ErrBusy) != (i == 2) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	c.send(&packet.Puback{ID: want[*packet.Publish](c).ID})
	c.send(packet.Pingreq{})
	want[*packet.Publish](c)
	want[packet.Pingresp](c)
	if err := s.Publish(t.Context(), "a/cmd", nil); err != nil {
		t.Errorf("after an acknowledgement: %v", err)
	}
}

func TestTakeover(t *testing.T) {
	eachVersion(t, func(t *testing.T, v packet.Version) {
		h := newHall()
		_, addr := serve(t, h, Options{})
		old := join(t, addr, "a", v)
		join(t, addr, "a", v)
		if v == packet.V5 {
			if d := want[*packet.Disconnect](old); d.Code != packet.SessionTakenOver {
				t.Errorf("%+v", d)
			}
		}
		old.closed()
		h.await(t, "one goes before the other comes", func() bool {
			return slices.Equal(h.moves, []string{"+a", "-a: " + string(Replaced), "+a"})
		})
	})
}

func TestWill(t *testing.T) {
	eachVersion(t, func(t *testing.T, v packet.Version) {
		h := newHall()
		_, addr := serve(t, h, Options{})
		will := &packet.Will{Topic: "a/lwt", Payload: []byte("gone"), QoS: 1}
		for _, polite := range []bool{true, false} {
			c := dial(t, addr, v)
			c.send(&packet.Connect{Version: v, Clean: true, ClientID: "a", Will: will})
			want[*packet.Connack](c)
			if polite {
				c.send(&packet.Disconnect{})
			}
			c.Close()
			h.await(t, "that it is gone", func() bool { return len(h.moves) > 0 && strings.HasPrefix(h.moves[len(h.moves)-1], "-") })
			h.mu.Lock()
			if got := slices.Contains(h.took, "will:a/lwt=gone"); got == polite {
				t.Errorf("polite=%t: took %q", polite, h.took)
			}
			h.moves = nil
			h.mu.Unlock()
		}
		c := dial(t, addr, v)
		c.send(&packet.Connect{Version: v, Clean: true, ClientID: "a", Will: &packet.Will{Topic: "b/lwt"}})
		if ack := want[*packet.Connack](c); ack.Code != packet.NotAuthorized {
			t.Errorf("a will for another: %+v", ack)
		}
		c.closed()
	})
}

func TestSilentClient(t *testing.T) {
	t.Parallel()
	h := newHall()
	_, addr := serve(t, h, Options{KeepAlive: time.Second, Greeting: 200 * time.Millisecond})
	c := dial(t, addr, packet.V5)
	c.send(&packet.Connect{Version: packet.V5, Clean: true, ClientID: "a", KeepAlive: 600})
	if told, _ := want[*packet.Connack](c).Properties.Number(packet.ServerKeepAlive); told != 1 {
		t.Errorf("told to keep alive every %d s, want 1", told)
	}
	if d := want[*packet.Disconnect](c); d.Code != packet.KeepAliveTimeout {
		t.Errorf("%+v", d)
	}
	c.closed()
	h.await(t, "that it was silent", func() bool { return len(h.moves) == 2 && h.moves[1] == "-a: "+string(Silent) })
	dial(t, addr, packet.V5).closed() // it never introduced itself
}

// TestTurnedAway holds what is answered to those who break the rules.
func TestTurnedAway(t *testing.T) {
	h := newHall()
	_, addr := serve(t, h, Options{})
	hello := func(p *packet.Connect) packet.Code {
		c := dial(t, addr, p.Version)
		c.send(p)
		ack := want[*packet.Connack](c)
		c.closed()
		return ack.Code
	}
	if code := hello(&packet.Connect{Version: packet.V5, ClientID: "a", Properties: packet.Properties{{ID: packet.AuthMethod, Text: "x"}}}); code != packet.BadAuthMethod {
		t.Errorf("extended authentication: 0x%02x", byte(code))
	}
	for _, v := range []packet.Version{packet.V311, packet.V5} {
		if code := hello(&packet.Connect{Version: v, ClientID: "a", Username: "stranger", HasUsername: true}); code != packet.NotAuthorized {
			t.Errorf("a stranger: 0x%02x", byte(code))
		}
	}
	if code := hello(&packet.Connect{Version: packet.V311}); code != packet.BadClientID {
		t.Errorf("no identifier: 0x%02x", byte(code))
	}
	old := dial(t, addr, packet.V311)
	old.Write([]byte("\x10\x10\x00\x06MQIsdp\x03\x02\x00\x00\x00\x02ab"))
	if ack := want[*packet.Connack](old); ack.Code != packet.UnsupportedVersion {
		t.Errorf("MQTT 3.1: %+v", ack)
	}
	for name, c := range map[string]struct {
		bytes string
		code  packet.Code
	}{
		"QoS 2":        {"\x34\x0e\x00\x07a/event\x00\x01\x00hi", packet.NoQoS},
		"retained":     {"\x31\x0c\x00\x07a/event\x00hi", packet.NoRetain},
		"alias":        {"\x30\x0f\x00\x07a/event\x03\x23\x00\x01hi", packet.BadTopicAlias},
		"too large":    {"\x30\xff\xff\x7f", packet.TooLarge},
		"second hello": {"\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01a", packet.ProtocolError},
		"from servers": {"\xd0\x00", packet.ProtocolError},
		"nonsense":     {"\x00\x00", packet.Malformed},
		"new auth":     {"\xf0\x00", packet.BadAuthMethod},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			client := join(t, addr, "a", packet.V5)
			io.WriteString(client, c.bytes)
			p, err := client.read()
			d, is := p.(*packet.Disconnect)
			// DISCONNECT does not have every code: then the connection ends.
			if is && d.Code != c.code || !is && (err == nil || c.code != packet.BadAuthMethod) {
				t.Errorf("%+v, %v; want the code 0x%02x", p, err, byte(c.code))
			}
		})
	}
}

func TestLargeMessagesAndManyAtOnce(t *testing.T) {
	h := newHall()
	_, addr := serve(t, h, Options{})
	c := join(t, addr, "a", packet.V311)
	var b []byte
	for i := range 40 {
		var err error
		if b, err = packet.Append(b, packet.V311, &packet.Publish{Topic: "a/event", QoS: 1, ID: uint16(i + 1), Payload: []byte(strings.Repeat("x", i*37))}); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := packet.Append(b, packet.V311, &packet.Publish{Topic: "a/event", QoS: 1, ID: 41, Payload: make([]byte, 60_000)}); err != nil {
		t.Fatal(err)
	} else if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	for i := range 41 {
		if ack := want[*packet.Puback](c); ack.ID != uint16(i+1) {
			t.Fatalf("acknowledgement %d is for %d", i+1, ack.ID)
		}
	}
	for i, took := range h.took[:40] {
		if want := "a/event=" + strings.Repeat("x", i*37); took != want {
			t.Errorf("message %d has %d bytes, want %d", i, len(took), len(want))
		}
	}
}

// TestFlood: what one client says beyond its budget is not read, and others are
// answered meanwhile.
func TestFlood(t *testing.T) {
	h := newHall()
	_, addr := serve(t, h, Options{Rate: 50, Burst: 20})
	flood, other := join(t, addr, "flood", packet.V311), join(t, addr, "a", packet.V311)
	var b []byte
	for range 3000 {
		b, _ = packet.Append(b, packet.V311, &packet.Publish{Topic: "flood/event"})
	}
	go flood.Write(b)
	began := time.Now()
	for i := range 15 {
		other.send(&packet.Publish{Topic: "a/event", QoS: 1, ID: uint16(i + 1)})
		want[*packet.Puback](other)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, m := range h.took {
		if m == "flood/event=" {
			n++
		}
	}
	if most := 20 + int(time.Since(began).Seconds()*50) + 2; n > most {
		t.Errorf("%d messages of the flood were taken, want at most %d", n, most)
	}
}

func TestBudget(t *testing.T) {
	var b budget
	now := time.Unix(0, 0)
	for range 10 {
		if wait := b.take(now, 5, 10); wait != 0 {
			t.Fatalf("waits %v within its burst", wait)
		}
	}
	if wait := b.take(now, 5, 10); wait != 200*time.Millisecond {
		t.Errorf("waits %v, want 200 ms", wait)
	}
	now = now.Add(time.Second)
	if wait := b.take(now, 5, 10); wait != 0 {
		t.Errorf("waits %v after a second", wait)
	}
	now = now.Add(-time.Hour) // the clock was put back
	if wait := b.take(now, 5, 10); wait > 200*time.Millisecond {
		t.Errorf("waits %v after the clock was put back", wait)
	}
}

func TestClose(t *testing.T) {
	h := newHall()
	e, addr := serve(t, h, Options{})
	h.hold = make(chan struct{})
	five, three := join(t, addr, "five", packet.V5), join(t, addr, "three", packet.V311)
	three.send(&packet.Publish{Topic: "three/event", QoS: 1, ID: 1})
	h.await(t, "both", func() bool { return len(h.moves) == 2 })
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	h.change(func() { h.ended = true })
	if d := want[*packet.Disconnect](five); d.Code != packet.ShuttingDown {
		t.Errorf("%+v", d)
	}
	five.closed()
	three.closed()
	stopped := func(name string) bool { return slices.Contains(h.moves, "-"+name+": "+string(Stopping)) }
	if len(h.moves) != 4 || !stopped("five") || !stopped("three") || len(h.took) != 0 || h.late != 0 || e.Clients() != 0 {
		t.Errorf("moves %q, took %q, %d late calls, %d clients", h.moves, h.took, h.late, e.Clients())
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("it still listens")
	}
}

func TestTooManyClients(t *testing.T) {
	h := newHall()
	_, addr := serve(t, h, Options{Clients: 2})
	join(t, addr, "a", packet.V5)
	join(t, addr, "b", packet.V5)
	c := dial(t, addr, packet.V5)
	c.send(&packet.Connect{Version: packet.V5, ClientID: "c", Clean: true})
	if ack := want[*packet.Connack](c); ack.Code != packet.ServerBusy {
		t.Errorf("%+v", ack)
	}
	join(t, addr, "a", packet.V5) // a known one may come back
}

// FuzzSession: whatever bytes a client sends after its greeting, only what it
// may say is taken.
func FuzzSession(f *testing.F) {
	f.Add([]byte("\x32\x0b\x00\x07a/event\x00\x01hi"))
	f.Add([]byte("\x82\x0a\x00\x01\x00\x05a/cmd\x01\xc0\x00\xe0\x00"))
	f.Add([]byte("\x30\x0b\x00\x07b/event"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := newHall()
		e := New(Options{Handler: h})
		ours, theirs := net.Pipe()
		s := newSession(e, ours)
		s.version, s.name, s.id, s.largest, s.window = packet.V5, "a", "a", packet.MaxSize, 1
		go io.Copy(io.Discard, theirs)
		go func() { theirs.Write(b); theirs.Close() }()
		s.run()
		for _, m := range h.took {
			if !strings.HasPrefix(m, "a/") || strings.HasPrefix(m, "a/cmd=") {
				t.Errorf("took %q", m)
			}
		}
	})
}
