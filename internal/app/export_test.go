// SPDX-License-Identifier: Apache-2.0

package app

// Load compiles what a store holds, as a house does when it is built.
var Load = load
