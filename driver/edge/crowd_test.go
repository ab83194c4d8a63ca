// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/edge"
	"github.com/sashlock/sashlock/driver/edge/lock"
	"github.com/sashlock/sashlock/internal/mqtt/packet"
)

// thing is a device that answers commands and nothing else.
type thing struct {
	net.Conn
	address string
	id      uint16
}

func (d *thing) topic(sort string) string { return edge.Topic("store", d.address, sort) }

func (d *thing) say(sort string, what any) error {
	payload, err := json.Marshal(what)
	if err != nil {
		return err
	}
	d.id = max(d.id+1, 1)
	b, err := packet.Append(nil, packet.V311, &packet.Publish{Topic: d.topic(sort), QoS: 1, ID: d.id, Payload: payload})
	if err == nil {
		_, err = d.Write(b)
	}
	return err
}

// next reads a packet.
func (d *thing) next() (packet.Packet, error) {
	b := make([]byte, 2, 600)
	if _, err := io.ReadFull(d, b); err != nil {
		return nil, err
	}
	size, head, err := packet.Head(b)
	for size == 0 && err == nil {
		var one [1]byte
		if _, err = io.ReadFull(d, one[:]); err == nil {
			b = append(b, one[0])
			size, head, err = packet.Head(b)
		}
	}
	if err != nil {
		return nil, err
	}
	rest := make([]byte, size-len(b))
	if _, err := io.ReadFull(d, rest); err != nil {
		return nil, err
	}
	b = append(b, rest...)
	return packet.Decode(packet.V311, b[0], b[head:])
}

// arrive connects, subscribes, says what it is, and waits until all of it was
// acknowledged.
func arrive(address, name string, how *tls.Config) (*thing, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	if how != nil {
		conn = tls.Client(conn, how)
	}
	d := &thing{Conn: conn, address: name}
	b, err := packet.Append(nil, packet.V311, &packet.Connect{Version: packet.V311, Clean: true, ClientID: name})
	if err == nil {
		b, err = packet.Append(b, packet.V311, &packet.Subscribe{ID: 1, Filters: []packet.Filter{{Topic: d.topic("cmd"), QoS: 1}}})
	}
	if err == nil {
		_, err = d.Write(b)
	}
	if err == nil {
		err = d.say("meta", edge.Meta{Maker: "x", Model: "y", Capabilities: []sashlock.Capability{sashlock.CanUnlock}})
	}
	for acked := 0; acked < 3 && err == nil; acked++ {
		_, err = d.next()
	}
	return d, err
}

// serve answers commands as a lock does whose bolt takes no time.
func (d *thing) serve() {
	for n := uint64(1); ; n++ {
		p, err := d.next()
		if err != nil {
			return
		}
		m, is := p.(*packet.Publish)
		if !is {
			continue
		}
		var c sashlock.Command
		if json.Unmarshal(m.Payload[65:], &c) != nil || d.say("ack", edge.Ack{Command: c.ID, Result: edge.Accepted}) != nil ||
			d.say("event", edge.Event{Boot: 1, Seq: n, Kind: sashlock.LockUnlocked, Command: c.ID}) != nil {
			return
		}
	}
}

// arriveAll connects many devices, 128 at once.
func arriveAll(b *testing.B, h *house, names []string, how func(name string) *tls.Config) []*thing {
	b.Helper()
	all := make([]*thing, len(names))
	var group sync.WaitGroup
	places := make(chan struct{}, 128)
	var failed atomic.Value
	for i, name := range names {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			var config *tls.Config
			if how != nil {
				config = how(name)
			}
			var err error
			if all[i], err = arrive(h.address, name, config); err != nil {
				failed.Store(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(err)
	}
	return all
}

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("lock-%d", i)
	}
	return all
}

func leave(all []*thing) {
	for _, d := range all {
		d.Close()
	}
}

// crowdOf is the variable that makes the test's program a crowd of devices at an
// address.
const crowdOf = "SASHLOCK_TEST_CROWD"

func TestMain(m *testing.M) {
	if address := os.Getenv(crowdOf); address != "" {
		crowd(address)
		return
	}
	os.Exit(m.Run())
}

// elsewhere connects devices from another process and returns when all are
// there.
func elsewhere(b *testing.B, address string, who []lock.Identity) (gone func()) {
	b.Helper()
	program := exec.CommandContext(b.Context(), os.Args[0])
	program.Env = append(os.Environ(), crowdOf+"="+address)
	in, err := program.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := program.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := program.Start(); err != nil {
		b.Fatal(err)
	}
	if err := json.NewEncoder(in).Encode(who); err != nil {
		b.Fatal(err)
	}
	var said string
	if _, err := fmt.Fscanln(out, &said); err != nil || said != "there" {
		b.Fatalf("the crowd said %q: %v", said, err)
	}
	return func() {
		in.Close()
		program.Wait()
	}
}

// crowd connects the devices that it reads, says so, and stays until its input
// ends.
func crowd(address string) {
	in := json.NewDecoder(os.Stdin)
	var who []lock.Identity
	if err := in.Decode(&who); err != nil {
		fmt.Println(err)
		return
	}
	var all []*thing // held, so that nothing closes them
	for _, one := range who {
		var how *tls.Config
		if one.Certificate != "" {
			var err error
			if how, err = one.TLS(); err != nil {
				fmt.Println(err)
				return
			}
		}
		d, err := arrive(address, one.Address, how)
		if err != nil {
			fmt.Println(err)
			return
		}
		all = append(all, d)
	}
	fmt.Println("there")
	io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(all)
}
