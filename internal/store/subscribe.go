// SPDX-License-Identifier: Apache-2.0

package store

import "sync"

// subscribers are those who want to know that something was committed.
type subscribers struct {
	mu   sync.Mutex
	next int
	all  map[int]chan struct{}
}

// Subscribe returns a channel that receives after commits, and a function that
// ends that. One receipt may stand for many commits; none is missed between
// reading the ledger and waiting again.
func (s *Store) Subscribe() (news <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	u := &s.subscribers
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = make(map[int]chan struct{})
	}
	id := u.next
	u.next++
	u.all[id] = ch
	return ch, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.all, id)
	}
}

// wake tells everybody.
func (u *subscribers) wake() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, ch := range u.all {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
