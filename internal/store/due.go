// SPDX-License-Identifier: Apache-2.0

package store

import (
	"container/heap"
	"sync"
	"time"
)

// dueList keeps the committed wake-ups by time. A wake-up that was moved or
// removed stays in the heap until it comes to the top, and is dropped there.
type dueList struct {
	mu      sync.Mutex
	heap    dueHeap
	current map[string]time.Time
}

type dueAt struct {
	subject string
	due     time.Time
}

type dueHeap []dueAt

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueAt)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// replace sets all wake-ups, after reading the database.
func (l *dueList) replace(all map[string]time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = make(map[string]time.Time, len(all))
	l.heap = l.heap[:0]
	for subject, due := range all {
		l.current[subject] = due
		l.heap = append(l.heap, dueAt{subject, due})
	}
	heap.Init(&l.heap)
}

// learn takes over the wake-ups of a batch that is being committed.
func (l *dueList) learn(batch map[string]change[time.Time]) {
	if len(batch) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for subject, ch := range batch {
		if ch.gone {
			delete(l.current, subject)
			continue
		}
		if at, ok := l.current[subject]; !ok || !at.Equal(ch.value) {
			l.current[subject] = ch.value
			heap.Push(&l.heap, dueAt{subject, ch.value})
		}
	}
	if len(l.heap) > 64 && len(l.heap) > 4*len(l.current) {
		l.rebuild()
	}
}

// rebuild drops what is out of date.
func (l *dueList) rebuild() {
	l.heap = l.heap[:0]
	for subject, due := range l.current {
		l.heap = append(l.heap, dueAt{subject, due})
	}
	heap.Init(&l.heap)
}

// top returns the earliest wake-up that still holds.
func (l *dueList) top() (dueAt, bool) {
	for len(l.heap) > 0 {
		if at, ok := l.current[l.heap[0].subject]; ok && at.Equal(l.heap[0].due) {
			return l.heap[0], true
		}
		heap.Pop(&l.heap)
	}
	return dueAt{}, false
}

// DueWakeups returns the subjects whose moment has come at now, earliest first.
// They stay due until a job moves or removes them.
func (s *Store) DueWakeups(now time.Time) []string {
	l := &s.due
	l.mu.Lock()
	defer l.mu.Unlock()
	var subjects []string
	var taken []dueAt
	for {
		at, ok := l.top()
		if !ok || at.due.After(now) {
			break
		}
		heap.Pop(&l.heap)
		if n := len(taken); n == 0 || taken[n-1] != at { // the same moment may be in the heap twice
			subjects = append(subjects, at.subject)
		}
		taken = append(taken, at)
	}
	for _, at := range taken {
		heap.Push(&l.heap, at)
	}
	return subjects
}

// NextWakeup returns when the next subject is to be looked at; zero if none is.
func (s *Store) NextWakeup() time.Time {
	s.due.mu.Lock()
	defer s.due.mu.Unlock()
	at, _ := s.due.top()
	return at.due
}
