// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/sashlock/sashlock/internal/signin"
)

// viewers is how many tabs the speed goal is about.
const viewers = 1000

// busy is the time this process has spent on processors.
func busy(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// crowd is many readers that wait for a text in a stream each.
type crowd struct {
	arrived sync.WaitGroup
	wanted  atomic.Value // string
}

func (c *crowd) await(text string) {
	c.wanted.Store(text)
	c.arrived.Add(viewers)
}

func (c *crowd) read(from io.Reader) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		if text, is := strings.CutPrefix(lines.Text(), "data: change "); is && text == c.wanted.Load() {
			c.arrived.Done()
		}
	}
}

// change is a part of the size of an opening on the plan.
func change(i int, text string) Part {
	return Part{ID: fmt.Sprint("pin-", i), Key: text, Body: templ.Raw("change " + text + "\n" + strings.Repeat(`<circle class="ground" r="13.5"></circle>`, 20))}
}

// BenchmarkViewers shows a page with 42 openings to 1,000 tabs, all of them
// connections of this process to itself, and changes one opening at a time. It
// reports how long it takes from the change until the last tab has it, and what
// 100,000 deliveries cost in time on processors: in all, with the work of the
// tabs, which a real server does not do, and above what writing the same to bare
// sockets costs.
func BenchmarkViewers(b *testing.B) {
	d := newDesk(b, true)
	d.frame.Handle("GET /shared", signin.Read, func(w http.ResponseWriter, r *http.Request) error {
		return d.frame.StreamShared(w, r, func(context.Context) ([]Part, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.parts, nil
		})
	})
	parts := make([]Part, 42)
	for i := range parts {
		parts[i] = change(i, "first")
	}
	parts[41] = change(41, "all of it")
	d.set(parts...)
	var c crowd
	c.await("all of it")
	at := strings.TrimPrefix(d.server.URL, "http://")
	for range viewers { // by hand, so that reading costs the same as from bare sockets
		tab, err := net.Dial("tcp", at)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { tab.Close() })
		if _, err := fmt.Fprintf(tab, "GET /shared HTTP/1.1\r\nHost: %s\r\n\r\n", at); err != nil {
			b.Fatal(err)
		}
		go c.read(tab)
	}
	c.arrived.Wait()
	bare := bareSockets(b, 20)
	measure(b, bare, func(i int) {
		pause(b.Context(), 2*perPart) // so that each change is one look
		text := fmt.Sprint(i)
		c.await(text)
		parts = slices.Clone(parts)
		parts[i%len(parts)] = change(i%len(parts), text)
		d.set(parts...)
		c.arrived.Wait()
	})
}

// measure reports the latency and the cost of what delivers to all viewers.
func measure(b *testing.B, bare float64, deliver func(i int)) {
	b.Helper()
	var took []time.Duration
	began := busy(b)
	for i := 0; b.Loop(); i++ {
		at := time.Now()
		deliver(i)
		took = append(took, time.Since(at))
	}
	cost := (busy(b) - began).Seconds() * 100_000 / float64(len(took)*viewers)
	slices.Sort(took)
	wait := 2 * perPart
	b.ReportMetric(float64((took[len(took)/2] - wait).Milliseconds()), "ms-median")
	b.ReportMetric(float64((took[len(took)-1] - wait).Milliseconds()), "ms-worst")
	b.ReportMetric(cost, "cpu-s/100k")
	b.ReportMetric(cost-bare, "cpu-s-above-sockets/100k")
}

// bareSockets is what 100,000 deliveries cost without any of ours: the same
// text written by one goroutine for each of as many connections, and read in
// the same way.
func bareSockets(b *testing.B, rounds int) float64 {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	var c crowd
	var out []chan []byte
	for range viewers {
		near, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		far, err := listener.Accept()
		if err != nil {
			b.Fatal(err)
		}
		texts := make(chan []byte)
		out = append(out, texts)
		go c.read(near)
		go func() {
			for text := range texts {
				if _, err := far.Write(text); err != nil {
					b.Error(err)
				}
			}
			far.Close()
			near.Close()
		}()
	}
	began := busy(b)
	for i := range rounds {
		text := fmt.Sprint("bare ", i)
		message, err := news(b.Context(), []Part{change(0, text)}, "0")
		if err != nil {
			b.Fatal(err)
		}
		pause(b.Context(), 2*perPart) // as long as between two changes of the page
		c.await(text)
		for _, to := range out {
			to <- message
		}
		c.arrived.Wait()
	}
	cost := (busy(b) - began).Seconds() * 100_000 / float64(rounds*viewers)
	for _, to := range out {
		close(to)
	}
	return cost
}
