// SPDX-License-Identifier: Apache-2.0

package store

import "sync"

// cache is the writer's memory of one kind of row, in two layers: what is
// committed, which anybody may read, and what the running batch has changed,
// which belongs to the writer. A failed job is undone from its undo list, a
// failed batch by dropping the upper layer.
type cache[K comparable, V any] struct {
	mu        sync.RWMutex
	committed map[K]V

	batch map[K]change[V]
	undo  []undone[K, V]
}

// change is a row as the batch leaves it.
type change[V any] struct {
	value V
	gone  bool // removed
}

// undone is what a job overwrote in the batch.
type undone[K comparable, V any] struct {
	key     K
	before  change[V]
	existed bool // in the batch
}

func newCache[K comparable, V any]() *cache[K, V] {
	return &cache[K, V]{committed: make(map[K]V), batch: make(map[K]change[V])}
}

// get returns a row as the running job sees it. Writer only.
func (c *cache[K, V]) get(key K) (V, bool) {
	if ch, ok := c.batch[key]; ok {
		return ch.value, !ch.gone
	}
	v, ok := c.committed[key] // only the writer changes it, so it reads without the lock
	return v, ok
}

// read returns a committed row. Anybody may call it.
func (c *cache[K, V]) read(key K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.committed[key]
	return v, ok
}

// set changes a row within the running job. Writer only.
func (c *cache[K, V]) set(key K, ch change[V]) {
	before, existed := c.batch[key]
	c.undo = append(c.undo, undone[K, V]{key, before, existed})
	c.batch[key] = ch
}

// keepJob makes the job's changes part of the batch. Writer only.
func (c *cache[K, V]) keepJob() { c.undo = c.undo[:0] }

// dropJob undoes the job's changes. Writer only.
func (c *cache[K, V]) dropJob() {
	for i := len(c.undo) - 1; i >= 0; i-- {
		if u := c.undo[i]; u.existed {
			c.batch[u.key] = u.before
		} else {
			delete(c.batch, u.key)
		}
	}
	c.undo = c.undo[:0]
}

// keepBatch makes the batch's changes those that everybody sees. Rows that keep
// turns down are forgotten: they can be read from the database. Writer only.
func (c *cache[K, V]) keepBatch(keep func(V) bool) {
	if len(c.batch) == 0 {
		return
	}
	c.mu.Lock()
	for key, ch := range c.batch {
		if ch.gone || keep != nil && !keep(ch.value) {
			delete(c.committed, key)
		} else {
			c.committed[key] = ch.value
		}
	}
	c.mu.Unlock()
	clear(c.batch)
}

// dropBatch undoes the batch's changes. Writer only.
func (c *cache[K, V]) dropBatch() {
	clear(c.batch)
	c.undo = c.undo[:0]
}

// replace sets everything at once, after reading the database. Writer only.
func (c *cache[K, V]) replace(all map[K]V) {
	c.mu.Lock()
	c.committed = all
	c.mu.Unlock()
	c.dropBatch()
}

// all calls f for every committed row. f must not block.
func (c *cache[K, V]) all(f func(K, V)) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for k, v := range c.committed {
		f(k, v)
	}
}
