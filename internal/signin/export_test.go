// SPDX-License-Identifier: Apache-2.0

package signin

// ValuesOf reads a claim, for the test that looks for one that breaks it.
func ValuesOf(all map[string]any, claim string) []string {
	values, _ := valuesOf(all, claim)
	return values
}
