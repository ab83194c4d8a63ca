// SPDX-License-Identifier: Apache-2.0

package triage

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

// evidence hands out the proof of everything that the ledger has about an
// incident, and records that it did.
func (p pages) evidence(w http.ResponseWriter, r *http.Request) error {
	i, err := p.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	seqs, err := p.entries(r.Context(), i)
	if err != nil {
		return err
	}
	if len(seqs) == 0 {
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "exporting evidence", Subject: i.ID, Hint: "the ledger has nothing about it"}
	}
	if err := p.recordExport(r.Context(), i, seqs); err != nil {
		return err
	}
	bundle, err := p.bundle(r.Context(), seqs)
	if err != nil {
		return err
	}
	text, err := bundle.Encode()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="evidence-`+i.ID+`.json"`)
	if _, err := w.Write(text); err != nil {
		p.Log.Debug("evidence not delivered", logkey.Err(err))
	}
	return nil
}

// entries are the numbers of the entries that belong to an incident: what its
// replay shows, and all that was done about it since.
func (p pages) entries(ctx context.Context, i incidents.Incident) ([]int64, error) {
	d, err := p.inspect(ctx, i)
	if err != nil {
		return nil, err
	}
	if err := p.play(ctx, d); err != nil {
		return nil, err
	}
	var seqs []int64
	for _, m := range d.Tape.Moments {
		seqs = append(seqs, m.Seq)
	}
	acts, err := p.acts(ctx, i, p.Now().Add(margin))
	for _, e := range acts {
		seqs = append(seqs, e.Seq)
	}
	slices.Sort(seqs)
	return slices.Compact(seqs), err
}

func (p pages) recordExport(ctx context.Context, i incidents.Incident, seqs []int64) error {
	data, err := json.Marshal(map[string]any{"incident": i.ID, "entries": len(seqs), "first": slices.Min(seqs), "last": slices.Max(seqs)})
	if err != nil {
		return err
	}
	_, err = p.Hall.Change(ctx, flow.Change{Operator: console.Who(ctx).Operator.ID, Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.EvidenceExported, Site: i.Site, Subject: i.ID, Data: data}}}, nil
	}})
	return err
}

// bundle proves entries under the newest checkpoint.
func (p pages) bundle(ctx context.Context, seqs []int64) (*proof.Bundle, error) {
	key, err := proof.ParseKey(p.Verifier)
	if err != nil {
		return nil, err
	}
	signed, _, err := p.Store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	statements := make([]proof.Statement, 0, len(seqs))
	for _, seq := range seqs {
		e, err := p.Store.Entry(ctx, seq)
		if err != nil {
			return nil, err
		}
		statements = append(statements, proof.Statement{Seq: seq, Erased: e.Body == nil, Body: e.Body, Salt: e.Salt, Commitment: e.Commitment})
	}
	return ledger.Evidence(p.Store.HashReader(ctx), key, signed, "", statements)
}
