// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/osdp"
)

// The rules are:
//
//  1. What is presented is decided about while somebody waits for it, or not at
//     all: a card that nobody could be asked about in time opens nothing later.
//  2. The key # ends a PIN, or its length does where the reader is set so; the
//     key * begins anew; so does a pause.
//  3. A card that is not enough by itself waits a while for the PIN that goes
//     with it.

const (
	keyPause = 8 * time.Second  // between keys of one PIN
	cardHeld = 15 * time.Second // for the PIN that goes with a card
	mostBits = 128
)

// takeCard hands on a card.
func (s *session) takeCard(p *peer, data []byte) {
	_, bits, ok := osdp.ReadCard(data)
	if !ok || len(bits) > mostBits {
		return
	}
	select {
	case p.shown <- driver.Shown{Kind: sashlock.Card, Secret: driver.Hide(bits)}:
	default: // whoever holds up a card again and again is asked about once
	}
}

// takeKeys hands on keys that were pressed.
func (s *session) takeKeys(p *peer, data []byte) {
	_, keys, ok := osdp.ReadKeys(data)
	if !ok {
		return
	}
	select {
	case p.keys <- append([]byte(nil), keys...):
	default:
	}
	clear(data)
}

// pad is a keypad's PIN so far, and the card that waits for it.
type pad struct {
	length int // of a PIN; 0: # ends it
	digits []byte
	last   time.Time
	card   *driver.Shown
	until  time.Time // how long the card waits
}

// press takes keys and returns the PINs that they end.
func (d *pad) press(keys []byte, now time.Time) (pins []driver.Hidden) {
	if now.Sub(d.last) > keyPause {
		d.wipe()
	}
	d.last = now
	for i, k := range keys {
		keys[i] = 0
		switch {
		case k >= '0' && k <= '9' && len(d.digits) < maxPIN:
			d.digits = append(d.digits, k)
			if len(d.digits) == d.length {
				pins = append(pins, d.end())
			}
		case (k == '#' || k == '\r') && len(d.digits) > 0:
			pins = append(pins, d.end())
		default: // *, what is no key, and more digits than any PIN has
			d.wipe()
		}
	}
	return pins
}

func (d *pad) end() driver.Hidden {
	pin := driver.Hide(string(d.digits))
	d.wipe()
	return pin
}

func (d *pad) wipe() {
	clear(d.digits)
	d.digits = d.digits[:0]
}

// with returns what is presented when a PIN has been entered: with the card that
// waits for it, if there is one.
func (d *pad) with(pin driver.Hidden, now time.Time) []driver.Shown {
	shown := []driver.Shown{{Kind: sashlock.PIN, Secret: pin}}
	if d.card != nil && now.Before(d.until) {
		shown = append([]driver.Shown{*d.card}, shown...)
	}
	d.card = nil
	return shown
}

// decide waits for what people present at a reader and shows what is decided.
func (s *session) decide(p *peer) {
	d := pad{length: p.config.PINLength}
	for {
		var all [][]driver.Shown
		now := time.Now()
		select {
		case card := <-p.shown:
			all = [][]driver.Shown{{card}}
		case keys := <-p.keys:
			for _, pin := range d.press(keys, now) {
				all = append(all, d.with(pin, now))
			}
		case <-s.life.Done():
			return
		}
		for _, shown := range all {
			v := s.present(p, shown)
			s.show(p, v)
			d.card = nil
			if v.More && len(shown) == 1 && shown[0].Kind == sashlock.Card {
				d.card, d.until = &shown[0], now.Add(cardHeld)
			}
		}
	}
}

// present asks what is to become of something presented. Without an answer in
// time it is refused.
func (s *session) present(p *peer, shown []driver.Shown) driver.Verdict {
	if s.judge == nil {
		return driver.Verdict{}
	}
	ctx, cancel := context.WithTimeout(s.life, s.pace.decide)
	defer cancel()
	v, err := s.judge.Presented(ctx, driver.Presentation{Address: p.config.address(), Side: p.config.Side, Shown: shown})
	if err != nil {
		return driver.Verdict{}
	}
	return v
}

// show has a reader show what was decided: green and a tone, red and three, or
// amber for something that is still to come.
func (s *session) show(p *peer, v driver.Verdict) {
	color, blinking, during, beeps := osdp.Red, false, 2*time.Second, byte(3)
	switch {
	case v.Granted:
		color, during, beeps = osdp.Green, 3*time.Second, 1
	case v.More:
		color, blinking, during, beeps = osdp.Amber, true, cardHeld, 1
	case v.Rests:
		blinking = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.ready {
		p.shows = []osdp.Frame{
			{Code: osdp.LED, Data: osdp.Light(0, color, blinking, during)},
			{Code: osdp.BUZ, Data: osdp.Beep(0, beeps)},
		}
	}
}

// wanted returns what a reader is to show next, leaving out what it cannot.
func (s *session) wanted(p *peer) (osdp.Frame, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p.shows) > 0 {
		f := p.shows[0]
		p.shows = p.shows[1:]
		needs := osdp.CanLED
		if f.Code == osdp.BUZ {
			needs = osdp.CanBuzzer
		}
		if p.can[needs].Level > 0 {
			return f, true
		}
	}
	return osdp.Frame{}, false
}
