// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/store"
)

// grantSlug is the short name of a grant that there is only while a scenario
// runs. Nobody else's has this form.
func grantSlug(of, grant string) string {
	if name := "run-" + of + "-" + grant; len(name) <= 40 {
		return name
	}
	sum := sha256.Sum256([]byte(of + "/" + grant))
	return "run-" + hex.EncodeToString(sum[:8])
}

// grant gives the grants of a scenario that runs and takes back those of one
// that does not. They end by themselves, too, when the run has to be over.
func (m *meeting) grant(k *member) error {
	wanted := k.plan != nil && k.State.Running && !k.State.Drill
	if !wanted || m.changed(k) {
		if err := m.takeBack(k); err != nil || !wanted {
			return err
		}
	}
	if len(k.State.Grants) > 0 || len(k.Actions.Grants) == 0 {
		return nil
	}
	for _, g := range k.Actions.Grants {
		g.Kept = estate.Kept{}
		g.Slug = grantSlug(k.Slug, g.Slug)
		g.From = m.tx.Now().UTC().Truncate(time.Second).Format(time.RFC3339)
		if longest := k.plan.Longest(); longest > 0 {
			g.Until = k.State.Since.Add(longest).UTC().Add(time.Second).Truncate(time.Second).Format(time.RFC3339)
		}
		edit, err := m.room.Granting.Save(m.tx, g, lookup(m.b), 0)
		if sashlock.IsKind(err, sashlock.Invalid) { // somebody it names is gone: the others still count
			m.tx.Append(sashlock.Event{Kind: sashlock.ScenarioHeldBack, Site: k.At, Subject: k.Source(), Rule: "grant", Why: "a grant of it can no longer be given"})
			continue
		}
		if err != nil {
			return err
		}
		edit.Danger = nil // looked at when the scenario was saved
		if err := m.room.Hall.ChangeIn(m.tx, k.State.By, edit); err != nil {
			return err
		}
		k.State.Grants = append(k.State.Grants, g.Slug)
	}
	return nil
}

func (m *meeting) takeBack(k *member) error {
	for _, slug := range k.State.Grants {
		if err := m.revoke(slug); err != nil {
			return err
		}
	}
	k.State.Grants = nil
	return nil
}

func (m *meeting) revoke(slug string) error {
	if _, err := m.room.Granting.Find(m.tx, slug); sashlock.IsKind(err, sashlock.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	edit, err := m.room.Granting.Revoke(m.tx, slug, 0)
	if err != nil {
		return err
	}
	return m.room.Hall.ChangeIn(m.tx, "", edit)
}

// overlay is the grants of a scenario as they would be, for looking ahead.
func overlay(q store.Query, g Granting) ([]sashlock.Grant, error) {
	if g.List == nil {
		return nil, nil
	}
	return g.List(q)
}
