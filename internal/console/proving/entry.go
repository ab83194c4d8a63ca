// SPDX-License-Identifier: Apache-2.0

package proving

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/store"
)

// proved is one entry with all that proves it.
type proved struct {
	Site       sashlock.Site
	Seq        int64
	Event      sashlock.Event
	Text       lang.Phrase
	At         time.Time
	Opening    sashlock.Opening
	Person     sashlock.Person
	Body       string // as it was sealed
	Fields     string // the same, easier to read
	Erased     bool
	Salt       string
	Commitment string
	Leaf       string
	Steps      []rung
	Size       int64
	Root       string
	Key        string
	Bundle     string // the evidence bundle; empty: the ledger does not prove the entry
	Broken     string // why it does not
}

// rung is one step of the proof: what is joined with what we have, and what
// comes out.
type rung struct {
	Left   bool // the other hash is joined on the left
	Other  string
	Result string
}

// seqOf reads the number of an entry from an address.
func seqOf(r *http.Request) (int64, error) {
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil || seq < 0 || r.PathValue("seq") != strconv.FormatInt(seq, 10) {
		return 0, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing entry", Subject: "seq", Hint: "there is no such entry"}
	}
	return seq, nil
}

// look reads an entry that concerns whoever is signed in.
func (p pages) look(r *http.Request) (sashlock.Event, error) {
	seq, err := seqOf(r)
	if err != nil {
		return sashlock.Event{}, err
	}
	e, err := p.Store.EventAt(r.Context(), seq)
	if err != nil {
		return e, err
	}
	if !p.sees(r.Context(), e) {
		return e, p.Refuse(r.Context(), "entry "+strconv.FormatInt(seq, 10))
	}
	return e, nil
}

// entry is the page of one entry.
func (p pages) entry(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	e, err := p.look(r)
	if err != nil {
		return err
	}
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	if s, known := p.Hall.Book().Sites[e.Site]; known {
		site = s
	}
	v, err := p.prove(ctx, e, site)
	if err != nil {
		return err
	}
	return p.Show(w, r, console.Head{
		Title: lang.T(ctx, "Entry %s", number(e.Seq)), Section: console.InProof, Site: site, Styles: []string{"proving.css"}, Scripts: []string{"proving.js"},
		About: lang.T(ctx, "One entry of the ledger, and the arithmetic which shows that it is under the seal: a few hashes lead from the entry to the signed root."),
	}, entryPage(v))
}

// prove gathers an entry and its proof under the newest checkpoint.
func (p pages) prove(ctx context.Context, e sashlock.Event, site sashlock.Site) (*proved, error) {
	book := p.Hall.Book()
	v := &proved{
		Site: site, Seq: e.Seq, Event: e, Text: p.words(e), At: console.LocalTime(site, e.Heard),
		Opening: book.Openings[e.Opening], Person: book.People[e.Person], Key: p.Verifier,
	}
	row, err := p.Store.Entry(ctx, e.Seq)
	if err != nil {
		return nil, err
	}
	v.Body, v.Salt, v.Erased = string(row.Body), hex.EncodeToString(row.Salt), row.Body == nil
	var tidy bytes.Buffer
	if json.Indent(&tidy, row.Body, "", "  ") == nil {
		v.Fields = tidy.String()
	}
	v.Commitment = hex.EncodeToString(row.Commitment[:])
	bundle, err := p.bundle(ctx, e.Seq)
	if err != nil {
		v.Broken = err.Error()
		return v, nil
	}
	data, err := bundle.Encode()
	if err != nil {
		return nil, err
	}
	v.Bundle = string(data)
	return v, v.climb(bundle)
}

// climb recomputes the hashes from the entry to the root.
func (v *proved) climb(b *proof.Bundle) error {
	key, err := proof.ParseKey(v.Key)
	if err != nil {
		return err
	}
	c, err := proof.OpenCheckpoint(b.Checkpoint, key)
	if err != nil {
		return err
	}
	v.Size, v.Root = c.Size, hex.EncodeToString(c.Root[:])
	s := b.Entries[0]
	hash := s.Commitment.Leaf()
	v.Leaf = hex.EncodeToString(hash[:])
	at, last := s.Seq, c.Size-1
	for _, other := range s.Proof { // RFC 9162, section 2.1.3.2
		left := at%2 == 1 || at == last
		if left {
			hash = tlog.NodeHash(other, hash)
			for at%2 == 0 && at != 0 {
				at, last = at/2, last/2
			}
		} else {
			hash = tlog.NodeHash(hash, other)
		}
		at, last = at/2, last/2
		v.Steps = append(v.Steps, rung{left, hex.EncodeToString(other[:]), hex.EncodeToString(hash[:])})
	}
	return nil
}

// bundle makes the evidence about one entry.
func (p pages) bundle(ctx context.Context, seq int64) (*proof.Bundle, error) {
	key, err := proof.ParseKey(p.Verifier)
	if err != nil {
		return nil, err
	}
	signed, _, err := p.Store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	row, err := p.Store.Entry(ctx, seq)
	if err != nil {
		return nil, err
	}
	return ledger.Evidence(p.Store.HashReader(ctx), key, signed, "", []proof.Statement{{
		Seq: seq, Erased: row.Body == nil, Body: row.Body, Salt: row.Salt, Commitment: row.Commitment,
	}})
}

// evidence hands out the bundle of one entry, and records that it did.
func (p pages) evidence(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	e, err := p.look(r)
	if err != nil {
		return err
	}
	bundle, err := p.bundle(ctx, e.Seq)
	if err != nil {
		return &sashlock.Error{
			Kind: sashlock.Conflict, Op: "exporting evidence", Subject: strconv.FormatInt(e.Seq, 10), Err: err,
			Hint: lang.T(ctx, "the ledger does not prove this entry: verify all of it on the page Proof"),
		}
	}
	data, err := bundle.Encode()
	if err != nil {
		return err
	}
	about, err := json.Marshal(map[string][]int64{"entries": {e.Seq}})
	if err != nil {
		return err
	}
	_, err = p.Hall.Change(ctx, flow.Change{Operator: console.Who(ctx).Operator.ID, Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Events: []sashlock.Event{{
			Kind: sashlock.EvidenceExported, Site: e.Site, Subject: "entry " + strconv.FormatInt(e.Seq, 10), Data: about,
		}}}, nil
	}})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="sashlock-evidence-%d.json"`, e.Seq))
	_, err = w.Write(data)
	return err
}
