// SPDX-License-Identifier: Apache-2.0

// Package guard holds the guard rails: rules in Cedar that forbid, and that no
// grant and no scenario can beat.
//
// # What
//
// [Compile] checks guard rails as people write them and makes a [Set] of them.
// [Set.Look] tells which of them forbid a request, with the reason and the
// remedy that the rail itself gives:
//
//	@reason("Cases of high value open for a person only.")
//	@fix("Ask somebody who may open it.")
//	forbid (principal, action == Action::"open", resource)
//	when { resource.class == "high" && context.automatic };
//
// A set is read as "everything is permitted, then these forbid", so permit
// means nothing in it and is an error. [Schema] says what a rail can speak of.
//
// # Names
//
// Persons, openings, areas and sites may be written by identifier or by slug;
// an area's slug with that of its site: Area::"lisbon/cash-office". For that,
// == means in: both hold for the thing itself by either of its names. Whoever
// asks without a person, as a scenario does, is a Person whose name nobody can
// write.
//
// # Doubt
//
// In Cedar a rule that cannot be worked out, because a number overflows, counts
// as not there. For a rule that only forbids this would be a hole: here such a
// rule forbids, and its hit says why.
//
// # How it is made
//
// Every rule lies in one list only: that of the narrowest thing it is about, a
// person, an opening, an area, a role, a site, a class or a kind. A request
// looks into the lists of the things it is about itself, so that rails about
// other things cost nothing, however many there are; a filter in front of the
// lists answers for most of those that are not there. What can be known of an
// opening and of a person before anybody asks, [Set.OfOpening] and [Set.OfPerson]
// tell once, so that a request that concerns neither need not come here. Conditions are compiled
// into small tests of their own that mean exactly what Cedar says. What they do
// not cover, mostly arithmetic, is left to cedar-go, part by part; a test
// compares the two over a million random requests.
//
// # How it fits
//
// Package flow asks the set after the index of grants has granted, scenarios
// are checked against it when they are saved, and the console shows what
// [Problems] says of a rail that is wrong. The rails that come with Sashlock
// are in folder policies.
//
// # Promises
//
// A Set is immutable and safe for use by any number of goroutines. Look never
// permits what Cedar would forbid, allocates nothing when no rail forbids and no
// rail needs cedar-go, and answers in order of name. Compile takes any text: it
// bounds the length, the number and the nesting of what it reads.
package guard
