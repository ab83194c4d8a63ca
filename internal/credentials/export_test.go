// SPDX-License-Identifier: Apache-2.0

package credentials

// CountLooks counts from now on how often the index of marks is looked into.
func (r *Room) CountLooks() *int {
	n := new(int)
	r.looked = func([]byte) { *n++ }
	return n
}
