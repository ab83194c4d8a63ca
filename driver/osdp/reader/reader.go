// SPDX-License-Identifier: Apache-2.0

// Package reader is a simulated reader of OSDP with a keypad, lights, a buzzer,
// inputs and relays.
//
// # What
//
// A [Reader] keeps what a device at a door keeps: its key, what happened since
// it was last asked, how its relays stand. [Serve] lets one or several answer on
// one wire, as readers on a bus do. What people do to a reader is a method:
// [Reader.Card], [Reader.Keys], [Reader.Tamper].
//
// # How it fits
//
// The tests of the driver use it, and whoever wants to try the driver without
// hardware. It shares the frames and the secure channel with the driver
// (internal/osdp); what keeps both honest is the conversation of another
// implementation in the tests there.
//
// # Promises
//
// A reader with a key takes no order in clear. It takes a new key only within a
// secure channel. A frame that is repeated is answered with the same bytes and
// done once.
package reader

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/sashlock/sashlock/internal/osdp"
)

// Options say what a reader is.
type Options struct {
	Address byte
	// Key is its key; nil: it is as it left the factory.
	Key *osdp.Key
	// Clear is a reader without a secure channel.
	Clear    bool
	Identity osdp.Identity
	Inputs   int
	Outputs  int
}

// Reader is one simulated reader.
type Reader struct {
	options Options

	mu       sync.Mutex
	key      *osdp.Key // guarded by mu, with all that follows
	channel  *osdp.Channel
	answer   *osdp.Answering
	sequence byte
	last     []byte // the wire form of the last order, and of what was answered
	said     []byte
	queue    []osdp.Frame
	tampered bool
	inputs   []bool
	outputs  []output
	light    osdp.Color
	beeps    int
	busy     int
	silent   bool
	lies     func(osdp.Frame) osdp.Frame
	orders   map[byte]int
}

// output is one relay.
type output struct {
	on, base bool
	timer    *time.Timer
	switched int
}

// New returns a reader at rest.
func New(o Options) *Reader {
	return &Reader{
		options: o, key: o.Key, inputs: make([]bool, o.Inputs), outputs: make([]output, o.Outputs), orders: map[byte]int{},
	}
}

// Card holds a card, given as zeroes and ones, to the reader.
func (r *Reader) Card(bits string) { r.put(osdp.RAW, osdp.Card(0, bits)) }

// Keys presses keys.
func (r *Reader) Keys(keys string) {
	r.put(osdp.KEYPAD, append([]byte{0, byte(len(keys))}, keys...))
}

// Say has the reader answer a poll with anything.
func (r *Reader) Say(code byte, data []byte) { r.put(code, data) }

func (r *Reader) put(code byte, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, osdp.Frame{Code: code, Data: data})
}

// Tamper opens the reader's cover, or closes it.
func (r *Reader) Tamper(open bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tampered = open
	r.queue = append(r.queue, osdp.Frame{Code: osdp.LSTATR, Data: r.status()})
}

// Input sets an input: a contact at the door.
func (r *Reader) Input(n int, active bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inputs[n] = active
	r.queue = append(r.queue, osdp.Frame{Code: osdp.ISTATR, Data: bits(r.inputs)})
}

// Switch sets a relay at the reader itself, past any panel.
func (r *Reader) Switch(n int, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(n, on, on)
}

// Restart takes the power away and brings it back: the relays fall, the channel
// is gone and nothing is known of what was said.
func (r *Reader) Restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.outputs {
		r.outputs[i].stop()
		r.outputs[i].on, r.outputs[i].base = false, false
	}
	r.channel, r.answer, r.last, r.said, r.queue = nil, nil, nil, nil, nil
	r.sequence = 3 // so that nothing but 0 or 1 follows
}

// Silence has the reader say nothing, as with its cable cut.
func (r *Reader) Silence(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent = on
}

// Busy has the reader answer so many orders with BUSY.
func (r *Reader) Busy(times int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = times
}

// Lie has a function change what the reader says before it is written, after it
// was sealed: as somebody on the cable could. Nil: nobody does.
func (r *Reader) Lie(how func(osdp.Frame) osdp.Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lies = how
}

// On reports how a relay stands, and how often it has been switched on.
func (r *Reader) On(n int) (on bool, times int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outputs[n].on, r.outputs[n].switched
}

// Shows reports what the light was last told to show, and how often the reader
// has beeped.
func (r *Reader) Shows() (osdp.Color, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.light, r.beeps
}

// Heard counts the orders of a kind.
func (r *Reader) Heard(code byte) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.orders[code]
}

// Key returns the reader's key; nil: it has none of its own.
func (r *Reader) Key() *osdp.Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.key
}

func (r *Reader) status() []byte {
	if r.tampered {
		return []byte{1, 0}
	}
	return []byte{0, 0}
}

func bits(all []bool) []byte {
	out := make([]byte, len(all))
	for i, on := range all {
		if on {
			out[i] = 1
		}
	}
	return out
}

func (r *Reader) relays() []byte {
	out := make([]bool, len(r.outputs))
	for i, o := range r.outputs {
		out[i] = o.on
	}
	return bits(out)
}

func (o *output) stop() {
	if o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
}

// set switches a relay and tells of it. The caller holds mu.
func (r *Reader) set(n int, on, base bool) {
	o := &r.outputs[n]
	o.stop()
	if on && !o.on {
		o.switched++
	}
	o.on, o.base = on, base
	r.queue = append(r.queue, osdp.Frame{Code: osdp.OSTATR, Data: r.relays()})
}

// setFor switches a relay on for a time. The caller holds mu.
func (r *Reader) setFor(n int, during time.Duration) {
	base := r.outputs[n].base
	r.set(n, true, base)
	var timer *time.Timer
	timer = time.AfterFunc(during, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.outputs[n].timer == timer {
			r.set(n, base, base)
		}
	})
	r.outputs[n].timer = timer
}

func random() (out [8]byte) {
	_, _ = rand.Read(out[:]) // it never fails
	return out
}
