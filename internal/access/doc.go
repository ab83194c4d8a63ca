// SPDX-License-Identifier: Apache-2.0

// Package access answers one question: may this person open this now?
//
// # What
//
// [New] compiles sites, areas, openings, people, roles, schedules and grants
// into an [Index]. [Index.Decide] answers a request from it, [Index.Explain]
// answers the same request and shows every condition that was looked at,
// [Index.WhoCanOpen] and [Index.WhatCanOpen] turn the question round.
// [Index.With] returns a further index in which some of the facts are changed.
//
// # Order of conditions
//
// The first condition that fails is the reason for the refusal:
//
//  1. the opening is known, and so is its site: unknown_opening
//  2. the person is known: unknown_person
//  3. the person is not suspended, admitted already and admitted still:
//     person_suspended, person_not_yet_valid, person_expired
//  4. the opening is neither blocked nor locked down: opening_blocked,
//     opening_locked_down. A mode this version does not know counts as blocked
//  5. a grant covers the request
//  6. the opening and then its area get what they ask of everybody, in this
//     order: the level of credential (needs_step_up), that somebody with the
//     role that opens up was let in at the site on this local day, or asks
//     (first_person_missing), that no other opening of the interlock stands
//     open, is held unlocked or has just been released (interlocked); and of
//     those who walk in, through a door or into a cage, that they are not inside
//     already (anti_passback) and that the area is not full (area_full)
//  7. two persons, where the opening or its area asks for them:
//     second_person_needed, which like needs_step_up is no refusal.
//
// Who leaves ([sashlock.Leaving]) needs no second person and is not asked for
// anything in 6 and 7.
//
// A grant reaches the request if it names the person or a known role of
// theirs, and the opening, its known area or its site. It covers the request
// if it reaches it, has begun, has not ended, and its schedule, read in the
// zone of the opening's site, includes the instant. Limits are half-open: From
// belongs to the grant, Until does not. A grant whose schedule is unknown or
// cannot be read, or whose site has an unknown zone, covers nothing.
//
// # Which grant is named
//
// Several grants may cover a request. The decision names the most specific:
// one to the person before one to a role, roles in the order the person has
// them, one for the opening before one for the area before one for the site,
// and the lowest identifier among equals. If none covers it, the nearest miss
// gives the reason: a grant that lacks only the right time
// (not_permitted_at_this_time) comes before one that has not begun
// (grant_not_yet_valid), before one that is used up (grant_used_up), before one
// that has ended (grant_expired); among equals the same order as above. Nearer
// than all of these are grants that count now and whose terms are not met:
// nearest if only a second person is missing (second_person_needed), then a
// better credential (needs_step_up), company (not_accompanied), a shift
// (not_on_shift). If no grant reaches the request at all, the reason
// is unauthorized.
//
// # Terms
//
// A grant with a number of uses is used up when it was used that often; one
// that lasts for a time ends that long after its first use, and is then like one
// whose validity has ended. Both come before its schedule is looked at, all other
// terms after it: the shift, company with a role (somebody else who has it, is
// not suspended and is at the site), the host at the site, the level, the second
// person. Somebody is at a site while they are clocked in there, or for
// [sashlock.HereFor] after they were last let in. Who was let in on an earlier
// local day is no longer inside. Of two persons the first asks, waits a short
// time, and the second, who must not be the same, is let in.
//
// What stands at the moment comes from a [Situation]. Where nobody knows it,
// nothing was used, nobody is anywhere and nobody is on shift.
//
// # How it fits
//
// Package flow keeps the newest index in its book, asks it for every
// request and replaces it after every committed change. Package
// access/reference decides the same from this text with nothing of this
// package's code, and a test compares the two over a million requests.
//
// # How it is made
//
// Every identifier gets a small number once. The grants for one opening, area
// or site are a run, and the number of a subject tells where in the run its
// grants lie. In front of them is a filter of one cache line that knows most
// subjects without a grant; that of an opening lies beside the opening itself.
// What a decision takes is mostly waiting for memory, so Decide asks for what
// it will need before it needs it: the opening and the person together, then
// the filters for the person and the first roles together, then the grants they
// point to. Schedules are compiled once for every zone in use.
//
// Whoever decides further, by guard rails, marks in the index with
// [Index.Watching] where there may be anything further to decide: a request that
// is free costs nothing more.
//
// An index never changes: [Index.With] copies the one chunk of grants and the
// few pages that the change touches and shares all others. The grants to one
// subject for one target are always in one chunk, so that a change among very
// many of them takes as long as copying them. Numbers of removed objects, and
// memory shared with replaced chunks, are given back when the facts are
// compiled anew.
//
// # Promises
//
// An Index is immutable and safe for use by any number of goroutines. Decide
// allocates nothing. The answers depend on the facts only, never on the order
// or history in which they were given. Doubt refuses.
package access
