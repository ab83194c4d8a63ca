// SPDX-License-Identifier: Apache-2.0

// Package alarms keeps what wants an operator: the list of alarms, who has
// seen them, and which are put aside for a time.
//
// # How it fits
//
// Package flow raises and clears alarms as rules find and lose their reason, in
// the transaction that records it. This package lists them and lets an operator
// acknowledge them, which is a Change like any other.
//
// # Promises
//
// An alarm leaves the list only when its condition is over and somebody has
// acknowledged it, in either order. Nothing about it is ever deleted. One that
// is shelved comes back by itself at its time.
package alarms

import (
	"context"
	"database/sql"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

const columns = `id, rule, level, site, opening, why, raised, cleared, acknowledged, acknowledged_by, rev`

// List returns alarms, newest first: those that stand, or all of them.
func List(q store.Query, all bool, before string, limit int) ([]sashlock.Alarm, error) {
	query := `SELECT ` + columns + ` FROM alarms WHERE (? = '' OR id < ?)`
	if !all {
		query += ` AND (cleared IS NULL OR acknowledged IS NULL)`
	}
	return store.Rows(q, scan, query+` ORDER BY id DESC LIMIT ?`, before, before, limit)
}

// Find returns one alarm.
func Find(q store.Query, id string) (sashlock.Alarm, error) {
	return store.One(q, scan, "alarm", id, `SELECT `+columns+` FROM alarms WHERE id = ?`, id)
}

func scan(read store.Scan) (a sashlock.Alarm, err error) {
	var raised, cleared, acknowledged sql.NullInt64
	var by sql.NullString
	err = read(&a.ID, &a.Rule, &a.Level, &a.Site, &a.Opening, &a.Why, &raised, &cleared, &acknowledged, &by, &a.Rev)
	a.By = store.ID[sashlock.OperatorID](by)
	a.Raised, a.Cleared, a.Acknowledged = store.TimeOf(raised), store.TimeOf(cleared), store.TimeOf(acknowledged)
	return a, err
}

// Acknowledge records that an operator has seen an alarm. Doing it again
// changes nothing.
func Acknowledge(ctx context.Context, h *flow.Hall, by sashlock.OperatorID, id sashlock.AlarmID) (sashlock.Alarm, error) {
	var a sashlock.Alarm
	_, err := h.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		var err error
		if a, err = tx.Alarm(id); err != nil {
			return flow.Edit{}, err
		}
		if !a.Acknowledged.IsZero() {
			return flow.Edit{}, nil
		}
		a.Acknowledged, a.By = tx.Now(), by
		a.Rev++
		tx.SaveAlarm(a)
		return flow.Edit{Events: []sashlock.Event{{
			Kind: sashlock.AlarmAcknowledged, Site: a.Site, Opening: a.Opening, Alarm: a.ID, Rule: a.Rule,
		}}}, nil
	}})
	return a, err
}

// FindAll returns some alarms, in the order they were raised. Those that do not
// exist are missing.
func FindAll(q store.Query, ids []sashlock.AlarmID) ([]sashlock.Alarm, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return store.Rows(q, scan, `SELECT `+columns+` FROM alarms WHERE id IN (?`+strings.Repeat(", ?", len(ids)-1)+`) ORDER BY id`, args...)
}
