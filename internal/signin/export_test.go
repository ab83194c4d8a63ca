// SPDX-License-Identifier: Apache-2.0

package signin

// ValuesOf reads a claim, for the test that looks for one that breaks it.
func ValuesOf(all map[string]any, claim string) []string {
	values, _ := valuesOf(all, claim)
	return values
}

// SameKey gives a room, as it is after a restart, the key of the one before.
func (r *Room) SameKey(before *Room) { r.seal = before.seal }
