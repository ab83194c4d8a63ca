// SPDX-License-Identifier: Apache-2.0

package example

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
)

// What the box says, a line each:
//
//	have 1 M1               it has a lock with address 1, of model M1
//	ready                   that were all
//	is 1 locked             how a lock stands: after ready, and when asked
//	did 1 unlocked hand     what a bolt did, and by what: hand, self,
//	did 1 jammed 17         or the number of the order it answers
//	gone 1                  it cannot reach a lock any more
//	back 1                  it can again
//	took 17                 it takes an order
//	wont 17                 it does not
//
// What we say:
//
//	do 17 unlock 1          an order, with a number: unlock or lock
//	ask 1                   how does it stand?

// maxLine is the longest line that is read, in bytes.
const maxLine = 256

// message is one line of the box.
type message struct {
	word    string // "have", "ready"…
	address string // of the lock
	model   string // have
	kind    sashlock.EventKind
	method  sashlock.Method
	order   int // that it answers; 0: none
}

// states are how a bolt can stand.
var states = map[string]sashlock.EventKind{
	"locked": sashlock.LockLocked, "unlocked": sashlock.LockUnlocked, "jammed": sashlock.LockWasJammed,
}

// methods are by what a bolt moves when nobody ordered it.
var methods = map[string]sashlock.Method{"hand": sashlock.ByHand, "self": sashlock.BySelf}

// decode reads one line.
func decode(line string) (message, error) {
	words := strings.Fields(line)
	bad := fmt.Errorf("a line that is not understood: %.40q", line)
	if len(line) > maxLine || len(words) == 0 {
		return message{}, bad
	}
	m := message{word: words[0]}
	if len(words) > 1 {
		m.address = words[1]
	}
	ok := false
	switch {
	case m.word == "have" && len(words) == 3:
		m.model, ok = words[2], true
	case m.word == "is" && len(words) == 3:
		m.kind, ok = states[words[2]]
	case m.word == "did" && len(words) == 4:
		if m.kind, ok = states[words[2]]; ok {
			ok = m.by(words[3])
		}
	case m.word == "took" || m.word == "wont":
		m.address, ok = "", len(words) == 2 && m.by(words[1]) && m.order > 0
	case m.word == "gone" || m.word == "back":
		ok = len(words) == 2
	case m.word == "ready":
		ok = len(words) == 1
	}
	if !ok {
		return message{}, bad
	}
	return m, nil
}

// by reads by what a bolt moved: a method, or the number of an order.
func (m *message) by(word string) bool {
	if method, known := methods[word]; known {
		m.method = method
		return true
	}
	number, err := strconv.Atoi(word)
	if err != nil || number < 1 {
		return false
	}
	m.order, m.method = number, sashlock.ByRemote
	return true
}

// encodeOrder is an order as a line.
func encodeOrder(number int, verb sashlock.Verb, address string) string {
	return fmt.Sprintf("do %d %s %s\n", number, verb, address)
}

// encodeAsk is a question as a line.
func encodeAsk(address string) string { return "ask " + address + "\n" }
