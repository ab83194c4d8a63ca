// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/store"
)

// The limits of what is kept.
const (
	MaxScenarios = 200 // of all sites
	maxWhy       = 500
)

// Save keeps a scenario, with why it was changed, as its next version. A rev
// other than 0 is the revision that the caller saw. The error is of kind invalid
// for everything that is wrong with it, a guarded opening that it could open
// among it, and carries the list.
func (r *Room) Save(ctx context.Context, by sashlock.OperatorID, form scenario.Scenario, why string, rev int64) (Kept, error) {
	var saved Kept
	_, err := r.Hall.Act(ctx, func(tx *store.Tx, b *flow.Book) (err error) {
		saved, err = r.save(tx, b, by, form, why, rev)
		return err
	})
	return saved, err
}

func (r *Room) save(tx *store.Tx, b *flow.Book, by sashlock.OperatorID, form scenario.Scenario, why string, rev int64) (Kept, error) {
	all, err := List(tx)
	if err != nil {
		return Kept{}, err
	}
	k := Kept{}
	if i := slices.IndexFunc(all, func(one Kept) bool { return one.Slug == form.Slug }); i >= 0 {
		k = all[i]
	} else if len(all) >= MaxScenarios {
		return k, &sashlock.Error{Kind: sashlock.Limit, Op: "saving scenario", Subject: "slug", Hint: fmt.Sprintf("there are %d scenarios already: remove one first", MaxScenarios)}
	}
	if err := store.CheckRev("scenario", form.Slug, k.Rev, rev); err != nil {
		return k, err
	}
	if len(why) > maxWhy {
		return k, &sashlock.Error{Kind: sashlock.Invalid, Op: "saving scenario", Subject: "why", Hint: lang.Mark("say it in 500 characters at most")}
	}
	plan, problems := scenario.Compile(form, world(b, all, form.Slug))
	if plan != nil {
		problems = plan.Refused(plan.Reaches(tx.Now(), b.Rails()))
	}
	if err := scenario.Refusal(problems); err != nil {
		return k, err
	}
	if k.Slug != "" && k.At != plan.Site.ID {
		return k, &sashlock.Error{Kind: sashlock.Invalid, Op: "saving scenario", Subject: "site", Hint: lang.Mark("a scenario stays at its site: make another one there")}
	}
	if k.State.Running && k.Source() != form.Source() {
		return k, &sashlock.Error{Kind: sashlock.Invalid, Op: "saving scenario", Subject: "kind", Hint: lang.Mark("it runs: end it before it becomes a lockdown or stops being one")}
	}
	if err := r.foresee(tx, b, by, k.Scenario, form); err != nil {
		return k, err
	}
	newest, err := lastRev(tx, form.Slug)
	if err != nil {
		return k, err
	}
	k.Scenario, k.At, k.Saved, k.Rev = form, plan.Site.ID, tx.Now(), newest+1
	if err := k.put(tx); err != nil {
		return k, err
	}
	if err := k.record(tx, b, by, why); err != nil {
		return k, err
	}
	if err := r.advance(tx, b, k.At, wish{slug: k.Slug, by: by, anew: true}, nil); err != nil {
		return k, err
	}
	return Find(tx, k.Slug)
}

// foresee asks whether the grants that a scenario gives while it runs would wait
// for a second operator: they are looked at when it is saved, not when it begins.
func (r *Room) foresee(tx *store.Tx, b *flow.Book, by sashlock.OperatorID, old, form scenario.Scenario) error {
	edit := flow.Edit{Danger: []string{flow.GrantWidened}}
	for _, d := range form.Actions.Grants {
		d.From, d.Until = "", ""
		if slices.ContainsFunc(old.Actions.Grants, func(o estate.Grant) bool { o.From, o.Until = "", ""; return o == d }) {
			continue
		}
		if g, problems := d.Resolve(lookup(b)); len(problems) == 0 {
			edit.Access.Put.Grants = append(edit.Access.Put.Grants, g)
		}
	}
	also, err := r.Hall.Foresee(tx, by, edit)
	for _, e := range also {
		e.Operator = by
		tx.Append(e)
	}
	return err
}

// lastRev is the newest revision that there ever was, removed or not.
func lastRev(q store.Query, slug string) (rev int64, err error) {
	err = q.QueryRow(`SELECT COALESCE(MAX(rev), 0) FROM scenario_versions WHERE slug = ?`, slug).Scan(&rev)
	return rev, err
}

// record keeps the version and tells the ledger of it, people by identifier.
func (k Kept) record(tx *store.Tx, b *flow.Book, by sashlock.OperatorID, why string) error {
	body, err := json.Marshal(k.Scenario)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO scenario_versions (slug, rev, body, at, operator, why) VALUES (?, ?, ?, ?, ?, ?)`,
		k.Slug, k.Rev, string(body), tx.Now().UnixMicro(), by, why); err != nil {
		return err
	}
	told := k.Scenario
	told.Actions.Grants = slices.Clone(told.Actions.Grants)
	find := lookup(b)
	for i := range told.Actions.Grants {
		g := &told.Actions.Grants[i]
		if g.Person != "" {
			g.Slug, g.Person = "", find(estate.People, g.Person)
		}
		if g.Escort != "" {
			g.Escort = find(estate.People, g.Escort)
		}
	}
	data, err := json.Marshal(told)
	if err != nil {
		return err
	}
	tx.Append(sashlock.Event{Kind: sashlock.ScenarioSaved, Site: k.At, Operator: by, Subject: k.Slug, Why: why, Data: data})
	return nil
}

// GoBack makes an earlier version of a scenario the newest one. It is checked
// like any other.
func (r *Room) GoBack(ctx context.Context, by sashlock.OperatorID, slug string, rev int64, why string) (Kept, error) {
	var saved Kept
	_, err := r.Hall.Act(ctx, func(tx *store.Tx, b *flow.Book) error {
		all, err := Versions(tx, slug)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(v Version) bool { return v.Rev == rev && !v.Removed })
		if i < 0 {
			return &sashlock.Error{Kind: sashlock.NotFound, Op: "going back", Subject: slug, Hint: lang.Mark("there is no such version")}
		}
		saved, err = r.save(tx, b, by, all[i].Form, why, 0)
		return err
	})
	return saved, err
}

// Remove ends a scenario, takes back what it did, and removes it. Its versions
// stay.
func (r *Room) Remove(ctx context.Context, by sashlock.OperatorID, slug string) error {
	_, err := r.Hall.Act(ctx, func(tx *store.Tx, b *flow.Book) error {
		k, err := Find(tx, slug)
		if err != nil {
			return err
		}
		if k.State.Running {
			if err := r.advance(tx, b, k.At, wish{slug: slug, press: scenario.StopPress, by: by}, nil); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`DELETE FROM scenarios WHERE slug = ?`, slug); err != nil {
			return err
		}
		newest, err := lastRev(tx, slug)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO scenario_versions (slug, rev, body, at, operator, why) VALUES (?, ?, '', ?, ?, '')`, slug, newest+1, tx.Now().UnixMicro(), by); err != nil {
			return err
		}
		tx.Append(sashlock.Event{Kind: sashlock.ScenarioRemoved, Site: k.At, Operator: by, Subject: slug})
		return nil
	})
	return err
}

// Press begins or ends a scenario by hand. Beginning one that runs, and ending
// one that does not, changes nothing.
func (r *Room) Press(ctx context.Context, by sashlock.OperatorID, slug string, press scenario.Press) (Kept, error) {
	var k Kept
	_, err := r.Hall.Act(ctx, func(tx *store.Tx, b *flow.Book) (err error) {
		if k, err = Find(tx, slug); err != nil {
			return err
		}
		if press != scenario.StopPress && !k.Trigger.Button {
			return &sashlock.Error{Kind: sashlock.Conflict, Op: "beginning scenario", Subject: slug, Hint: lang.Mark("this scenario is not begun by hand")}
		}
		if err = r.advance(tx, b, k.At, wish{slug: slug, press: press, by: by}, nil); err != nil {
			return err
		}
		k, err = Find(tx, slug)
		return err
	})
	return k, err
}
