// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/binary"
	"strings"
	"sync"
)

// The rules of the index are:
//   - entries are found again by opening, person, device and kind, in pages of
//     4096; an ordinary index would change a page of the database for each of
//     them and make every commit three times as dear
//   - the newest pages are in memory; a full one is written by the first batch
//     after it became full, and forgotten after that batch's commit
//   - who searches takes the pages in memory first and opens the database
//     second, so that no page is missed in between
//   - entries are in the database a moment before they are in memory: whoever
//     finds numbers there that memory did not have yet looks at each of them

// pageSize is how many entries one page of the index covers.
const pageSize = 4096

// recentPages is the part of the index that is not written yet.
type recentPages struct {
	mu    sync.RWMutex
	first int64 // the first page in memory
	pages []indexPage
	next  int64 // sequence number after the newest entry in the index
	sent  int   // full pages that the running batch writes; the writer's own
}

// indexPage maps subjects to the places of their entries, ascending.
type indexPage map[string]*[]uint16

// Prefixes of subjects, so that a kind is never taken for an opening.
const (
	byOpening = "o:"
	byPerson  = "p:"
	byDevice  = "d:"
	byKind    = "k:"
)

// reset begins with an empty page; the entries of that page follow by add.
func (p *recentPages) reset(page int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.first, p.pages, p.next, p.sent = page, []indexPage{{}}, page*pageSize, 0
}

// add takes entries into the index after their commit, and forgets the pages
// that it wrote.
func (p *recentPages) add(entries []entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.first += int64(p.sent)
	p.pages = append(p.pages[:0:0], p.pages[p.sent:]...)
	p.sent = 0
	for i := range entries {
		e := &entries[i]
		page := e.seq/pageSize - p.first
		for int64(len(p.pages)) <= page {
			p.pages = append(p.pages, indexPage{})
		}
		at := uint16(e.seq % pageSize)
		for _, s := range [...]struct{ by, id string }{{byKind, e.kind}, {byOpening, e.opening}, {byPerson, e.person}, {byDevice, e.device}} {
			if s.id != "" {
				p.pages[page].add(s.by, s.id, at)
			}
		}
		p.next = e.seq + 1
	}
}

// add notes a place. The key is joined without allocating when it is known.
func (p indexPage) add(by, id string, at uint16) {
	var buf [64]byte
	key := append(append(buf[:0], by...), id...)
	places := p[string(key)]
	if places == nil {
		made := make([]uint16, 0, 8)
		places = &made
		p[string(key)] = places
	}
	*places = append(*places, at)
}

// finished returns the rows of the pages that are full and not yet written.
// They are forgotten by the next add, which follows the commit.
func (p *recentPages) finished() arguments {
	full := int(p.next/pageSize - p.first)
	if p.sent = 0; full <= 0 {
		return nil
	}
	var rows arguments
	for i, page := range p.pages[:full] {
		for subject, places := range page {
			blob := make([]byte, 0, 2*len(*places))
			for _, at := range *places {
				blob = binary.LittleEndian.AppendUint16(blob, at)
			}
			rows.add(p.first+int64(i), subject, blob)
		}
	}
	p.sent = full
	return rows
}

// places returns what is in memory of the subjects that match: the first page
// in memory, for each page from there on the places, and the first number that
// memory knows nothing of.
func (p *recentPages) places(match func(subject string) bool) (first int64, found []placeSet, next int64) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, page := range p.pages {
		var set placeSet
		for subject, places := range page {
			if match(subject) {
				set.addAll(*places)
			}
		}
		found = append(found, set)
	}
	return p.first, found, p.next
}

// placeSet is a set of places on one page, one bit each.
type placeSet [pageSize / 64]uint64

func (s *placeSet) addAll(places []uint16) {
	for _, at := range places {
		if at < pageSize {
			s[at/64] |= 1 << (at % 64)
		}
	}
}

// addBlob adds the places of a row of the table.
func (s *placeSet) addBlob(blob []byte) {
	for ; len(blob) >= 2; blob = blob[2:] {
		if at := binary.LittleEndian.Uint16(blob); at < pageSize {
			s[at/64] |= 1 << (at % 64)
		}
	}
}

func (s *placeSet) intersect(other *placeSet) {
	for i := range s {
		s[i] &= other[i]
	}
}

// addFrom adds all places from one on.
func (s *placeSet) addFrom(at int64) {
	for at = max(at, 0); at < pageSize; at++ {
		s[at/64] |= 1 << (at % 64)
	}
}

func (s *placeSet) has(at int64) bool { return s[at/64]>>(at%64)&1 == 1 }

// filter is one condition of a search in the index: an exact subject, or a
// prefix of kinds.
type filter struct {
	subject string
	prefix  bool
}

func (f filter) match(subject string) bool {
	if f.prefix {
		return strings.HasPrefix(subject, f.subject)
	}
	return subject == f.subject
}

// placesOf returns where the entries of a written page are that meet f.
func (f filter) placesOf(q Query, page int64) (set placeSet, err error) {
	query, args := "SELECT places FROM entry_pages WHERE page = ? AND subject = ?", []any{page, f.subject}
	if f.prefix {
		query = "SELECT places FROM entry_pages WHERE page = ? AND subject >= ? AND subject < ?"
		args = append(args, f.subject+"\x7f") // kinds are lower-case ASCII
	}
	rows, err := q.Query(query, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		var blob []byte
		if err := scan(&blob); err != nil {
			return err
		}
		set.addBlob(blob)
		return nil
	})
	return set, err
}
