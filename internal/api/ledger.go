// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/signin"
)

// LedgerKey is what somebody needs to check the ledger's signatures.
type LedgerKey struct {
	Key         string `json:"key" doc:"Verifier key in note format (golang.org/x/mod/sumdb/note)"`
	Fingerprint string `json:"fingerprint" doc:"Short form to compare by eye"`
	Size        int64  `json:"size" doc:"How many entries the ledger has"`
}

type keyAnswer struct{ Body LedgerKey }

type proofInput struct {
	Seqs  []int64 `query:"seq" required:"true" minItems:"1" maxItems:"1000" doc:"Numbers of the entries, separated by commas"`
	Since string  `query:"since" maxLength:"2000" doc:"An older signed checkpoint: also prove that the ledger only grew"`
}

type bundleAnswer struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (a *API) ledgerRoutes() {
	tags := []string{"ledger"}
	tiles := http.StripPrefix("/v1/ledger", ledger.TileHandler(a.Store))
	// The tiles hold commitments only and are meant for everybody (C2SP
	// tlog-tiles); they have a wire format of their own and stand outside huma.
	a.mux.Handle("/v1/ledger/checkpoint", tiles)
	a.mux.Handle("/v1/ledger/tile/", tiles)
	register(a, public, huma.Operation{
		Method: http.MethodGet, Path: "/v1/ledger/key", OperationID: "ledger-key", Tags: tags,
		Summary: "The key that checkpoints are signed with",
	}, a.ledgerKey)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/ledger/proof", OperationID: "prove", Tags: tags,
		Summary:     "An evidence bundle about entries, for sashlock-verify",
		Description: "Everything that is needed to check the entries offline but the key to trust.",
	}, a.prove)
}

func (a *API) ledgerKey(context.Context, *struct{}) (*keyAnswer, error) {
	key, err := proof.ParseKey(a.VerifierKey)
	if err != nil {
		return nil, err
	}
	return &keyAnswer{LedgerKey{Key: key.String(), Fingerprint: key.Fingerprint(), Size: a.Store.Size()}}, nil
}

func (a *API) prove(ctx context.Context, in *proofInput) (*bundleAnswer, error) {
	bundle, err := a.evidence(ctx, in.Seqs, in.Since)
	if err != nil {
		return nil, err
	}
	data, err := bundle.Encode()
	return &bundleAnswer{ContentType: "application/json", Body: data}, err
}

// evidence gathers what proves entries under the newest checkpoint.
func (a *API) evidence(ctx context.Context, seqs []int64, older string) (*proof.Bundle, error) {
	key, err := proof.ParseKey(a.VerifierKey)
	if err != nil {
		return nil, err
	}
	signed, size, err := a.Store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[int64]bool{}
	statements := make([]proof.Statement, 0, len(seqs))
	for _, seq := range seqs {
		if seq < 0 || seq >= size {
			return nil, &sashlock.Error{Kind: sashlock.NotFound, Op: "proving entry", Subject: "seq", Hint: "the ledger has no such entry yet"}
		}
		if seen[seq] {
			continue
		}
		seen[seq] = true
		e, err := a.Store.Entry(ctx, seq)
		if err != nil {
			return nil, err
		}
		statements = append(statements, proof.Statement{Seq: seq, Erased: e.Body == nil, Body: e.Body, Salt: e.Salt, Commitment: e.Commitment})
	}
	bundle, err := ledger.Evidence(a.Store.HashReader(ctx), key, signed, older, statements)
	if err != nil && older != "" {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "proving growth", Subject: "since", Hint: "hand in a checkpoint of this ledger exactly as it was given", Err: err}
	}
	return bundle, err
}
