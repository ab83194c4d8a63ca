// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/store"
)

// Keeping is how a room keeps one kind of declared object, of type O and known
// by identifiers of type ID. It holds what saving and removing have in common,
// whatever the columns are.
type Keeping[O any, ID ~string] struct {
	// Kind is what people call one of them, Table where they are kept.
	Kind, Table string
	// Find returns the one that a slug or an identifier names.
	Find func(q store.Query, ref string) (O, error)
	// New makes an identifier.
	New func(at time.Time) ID
	// Identity points at the identifier and the revision of an object.
	Identity func(o *O) (*ID, *int64)
	// Pseudonymous kinds have slugs made of people's names: errors give the
	// identifier instead.
	Pseudonymous bool
}

// Renew makes o, which is about to be written, the next revision of the object
// that ref names, or the first one of a new object. Problems with o come first;
// rev is the revision the caller saw, 0 for whatever stands.
func (k Keeping[O, ID]) Renew(tx *store.Tx, o *O, ref string, problems []estate.Problem, rev int64) (estate.Kept, error) {
	if err := estate.Problems("saving "+k.Kind, problems); err != nil {
		return estate.Kept{}, err
	}
	old, err := k.Find(tx, ref)
	if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
		return estate.Kept{}, err
	}
	oldID, oldRev := k.Identity(&old)
	if err := store.CheckRev(k.Kind, k.called(ref, *oldID), *oldRev, rev); err != nil {
		return estate.Kept{}, err
	}
	id, next := k.Identity(o)
	*id, *next = *oldID, *oldRev+1
	if *id == "" {
		*id = k.New(tx.Now())
	}
	return estate.Kept{ID: string(*id), Rev: *next}, nil
}

// Remove takes the object that ref names out of its table and returns it as it
// was. One that something still refers to stays, with an error that says so.
func (k Keeping[O, ID]) Remove(tx *store.Tx, ref string, rev int64) (O, error) {
	o, err := k.Find(tx, ref)
	if err != nil {
		return o, err
	}
	id, have := k.Identity(&o)
	if err := store.CheckRev(k.Kind, k.called(ref, *id), *have, rev); err != nil {
		return o, err
	}
	return o, tx.Remove(k.Table, k.Kind, k.called(ref, *id), string(*id))
}

func (k Keeping[O, ID]) called(ref string, id ID) string {
	if k.Pseudonymous {
		return string(id)
	}
	return ref
}
