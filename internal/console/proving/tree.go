// SPDX-License-Identifier: Apache-2.0

package proving

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
)

// The picture of the tree shows the last 8 to 16 entries one by one, in one or
// two blocks of 8 that lie as the tree of RFC 6962 has them. All that comes
// before is behind a few hashes that are joined on the left, one after the
// other: a chain is drawn as one box, however many hashes it stands for.

const block = 8

// The sizes of the drawing.
const (
	leafWide = 62
	rowHigh  = 62
	margin   = 40
)

// tree is the picture.
type tree struct {
	Wide, High int
	Nodes      []node // leaves first, the root last
	Leaf       int64  // whose path is lit; -1: none
	Said       *lang.Phrase
	Matches    bool // the root is the one that was signed
	Root       string
}

// node is a hash in the picture.
type node struct {
	ID          int
	X, Y        float64
	Hash        tlog.Hash
	Left, Right int    // nodes it is made of; -1: none
	Chain       string // of a chain: the hashes that are joined on the left of Left, in hexadecimal
	Before      int64  // of a chain: how many entries they stand for
	Seq         int64  // of a leaf; -1: it is none
	Commitment  string // of a leaf, in hexadecimal
	Words       string // of a leaf: what it says, if it is the operator's to see
	Root        bool
	Lit         bool // on the path from the chosen leaf
	Used        bool // beside it
}

// Short is the beginning of the hash.
func (n node) Short() string { return hex.EncodeToString(n.Hash[:3]) }

// Hex is the whole hash.
func (n node) Hex() string { return hex.EncodeToString(n.Hash[:]) }

// tree draws the end of the ledger.
func (p pages) tree(ctx context.Context, s standing, leaf int64) (*tree, error) {
	d := &drawing{ctx: ctx, pages: p, size: s.Size}
	last := (s.Size - 1) / block * block
	first := max(0, last-block)
	commitments, err := p.Store.Commitments(ctx, first, int(s.Size-first))
	if err != nil {
		return nil, err
	}
	for i, c := range commitments {
		n := node{X: margin + leafWide/2 + float64(i*leafWide), Seq: first + int64(i), Left: -1, Right: -1, Commitment: hex.EncodeToString(c[:]), Hash: c.Leaf()}
		if e, err := p.Store.EventAt(ctx, n.Seq); err == nil && p.sees(ctx, e) {
			n.Words = p.words(e).In(lang.Of(ctx))
		}
		d.add(n)
	}
	top := d.over(int(last-first), len(commitments))
	from := last // where what top covers begins
	if first < last {
		left := d.over(0, block)
		// The split between the two blocks lies where their numbers differ first.
		width := int64(block) << (bits.Len64(uint64(last/block^first/block)) - 1)
		from = last - width
		if left, err = d.chain(left, from, first); err != nil {
			return nil, err
		}
		top = d.join(left, top)
	}
	if top, err = d.chain(top, 0, from); err != nil {
		return nil, err
	}
	return d.finish(s, top, len(commitments), leaf), nil
}

// drawing is a tree while it is drawn.
type drawing struct {
	pages

	ctx   context.Context //nolint:containedctx // a drawing lives as long as one call
	size  int64
	nodes []node
	high  float64
}

func (d *drawing) add(n node) int {
	n.ID = len(d.nodes)
	d.nodes = append(d.nodes, n)
	d.high = max(d.high, n.Y)
	return n.ID
}

// over makes the tree over some leaves and returns its top.
func (d *drawing) over(from, to int) int {
	if to-from == 1 {
		return from
	}
	half := 1 << (bits.Len(uint(to-from-1)) - 1)
	return d.join(d.over(from, from+half), d.over(from+half, to))
}

func (d *drawing) join(left, right int) int {
	l, r := d.nodes[left], d.nodes[right]
	return d.add(node{
		X: (l.X + r.X) / 2, Y: max(l.Y, r.Y) + rowHigh, Hash: tlog.NodeHash(l.Hash, r.Hash), Left: left, Right: right, Seq: -1,
	})
}

// chain joins all entries from one on up to another on the left of a node. The
// hashes that stand for them are those of the complete trees that lie there,
// the nearest first.
func (d *drawing) chain(to int, from, until int64) (int, error) {
	if from == until {
		return to, nil
	}
	var indexes []int64
	for at := until; at > from; {
		level := min(bits.TrailingZeros64(uint64(at)), bits.Len64(uint64(at-from))-1)
		indexes = append(indexes, tlog.StoredHashIndex(level, at>>level-1))
		at -= 1 << level
	}
	hashes, err := d.Store.ReadHashes(d.ctx, indexes)
	if err != nil {
		return 0, err
	}
	n := node{X: d.nodes[to].X, Y: d.nodes[to].Y + rowHigh, Hash: d.nodes[to].Hash, Left: to, Right: -1, Seq: -1, Before: until - from}
	var all []string
	for _, h := range hashes {
		n.Hash = tlog.NodeHash(h, n.Hash)
		all = append(all, hex.EncodeToString(h[:]))
	}
	n.Chain = strings.Join(all, " ")
	return d.add(n), nil
}

// finish turns the drawing over, so that the root is on top, and lights the
// path from a leaf.
func (d *drawing) finish(s standing, top, leaves int, leaf int64) *tree {
	t := &tree{Wide: 2*margin + leaves*leafWide, High: int(d.high) + 2*margin + 20, Nodes: d.nodes, Leaf: -1}
	root := &t.Nodes[top]
	root.Root = true
	t.Root = root.Hash.String()
	t.Matches = t.Root == s.Root
	lit := -1
	for i := range t.Nodes {
		n := &t.Nodes[i]
		n.Y = d.high - n.Y + margin
		if n.Seq >= 0 && n.Seq == leaf {
			lit, t.Leaf = i, leaf
		}
	}
	for i := range t.Nodes { // children come before their parents
		n := &t.Nodes[i]
		if i != lit && n.Left != lit && (n.Right != lit || lit < 0) {
			continue
		}
		n.Lit = lit >= 0
		if i == lit || lit < 0 {
			continue
		}
		if other := n.Left + n.Right - lit; n.Right >= 0 {
			t.Nodes[other].Used = true
		}
		lit = i
	}
	return t
}

// edges are the lines of the picture, each from a node to what it is made of.
func (t *tree) edges() []edge {
	var all []edge
	for _, n := range t.Nodes {
		for _, child := range []int{n.Left, n.Right} {
			if child >= 0 {
				c := t.Nodes[child]
				all = append(all, edge{n.ID, child, fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", c.X, c.Y, c.X, c.Y-28, n.X, n.Y+28, n.X, n.Y), n.Lit && c.Lit})
			}
		}
	}
	return all
}

// edge is a line.
type edge struct {
	From, To int
	D        string
	Lit      bool
}

// goTo leads to an entry by its number.
func (p pages) goTo(w http.ResponseWriter, r *http.Request) error {
	typed := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, r.URL.Query().Get("seq"))
	seq, err := strconv.ParseInt(typed, 10, 64)
	if err != nil {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "finding entry", Subject: "seq", Hint: lang.T(r.Context(), "write the number of an entry, like 17")}
	}
	return console.Back(w, r, "/proof/entries/"+strconv.FormatInt(seq, 10))
}
