// SPDX-License-Identifier: Apache-2.0

package incidents

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// Sight is that an operator has seen an incident.
type Sight struct {
	Incident string
	Operator sashlock.OperatorID
	First    time.Time // when the operator saw it first
	At       time.Time // when the operator saw it last
}

func scanSight(read store.Scan) (s Sight, err error) {
	var first, at sql.NullInt64
	err = read(&s.Incident, &s.Operator, &first, &at)
	s.First, s.At = store.TimeOf(first), store.TimeOf(at)
	return s, err
}

// Sights returns who has seen an incident, the first one first.
func Sights(q store.Query, id string) ([]Sight, error) {
	return store.Rows(q, scanSight, `SELECT incident, operator, first, at FROM incident_seen WHERE incident = ? ORDER BY first, operator`, id)
}

// SeenBy returns when an operator saw each of some incidents last.
func SeenBy(q store.Query, who sashlock.OperatorID, ids []string) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	if len(ids) == 0 {
		return all, nil
	}
	found, err := store.Rows(q, scanSight, `SELECT incident, operator, first, at FROM incident_seen WHERE operator = ? AND incident IN (?`+
		strings.Repeat(", ?", len(ids)-1)+`)`, append([]any{who}, anys(ids)...)...)
	for _, s := range found {
		all[s.Incident] = s.At
	}
	return all, err
}

// See notes that an operator has seen an incident as it stands. It changes
// nothing about the incident and is no entry of the ledger.
func See(ctx context.Context, s *store.Store, who sashlock.OperatorID, id string) error {
	_, err := s.Do(ctx, func(tx *store.Tx) error {
		now := store.Micros(tx.Now())
		_, err := tx.Exec(`INSERT INTO incident_seen (incident, operator, first, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (incident, operator) DO UPDATE SET at = excluded.at`, id, who, now, now)
		return err
	})
	return err
}
