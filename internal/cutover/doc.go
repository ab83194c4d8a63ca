// SPDX-License-Identifier: Apache-2.0

// Package cutover compares what an older access control system did with what
// Sashlock decided, or would have, so that openings can be moved over one by one.
//
// # What
//
// [Read] understands the log of the other system: a table with time, card or
// person, door, and whether it opened. [Compare] looks at each line: at an
// opening on trial somebody may have asked Sashlock at the same moment, and then
// that decision counts; otherwise it is decided now what would have been decided
// then, by the grants as they are today.
//
// # How it fits
//
// The switch itself is a field of the opening, see trial.go of package flow.
// Whose a card is comes from the room of credentials, by a function that package
// app hands in.
//
// # Promises
//
// Nothing of a log is stored, and nothing is recorded. Numbers of cards and
// names of people stand in no error and no log: rows stand for them.
package cutover
