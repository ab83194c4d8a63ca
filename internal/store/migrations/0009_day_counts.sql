-- SPDX-License-Identifier: Apache-2.0
-- What happened on each day of a site, counted by a follower of the ledger, so
-- that pages need not count it again. Everything here can be made from the
-- ledger; the follower's cursor is saved together with its rows.

CREATE TABLE day_counts (
    site TEXT NOT NULL,
    opening TEXT NOT NULL, -- empty: of events about no opening; "*": all of the site together
    day TEXT NOT NULL, -- as the calendar of the site had it: "2026-11-22"
    body TEXT NOT NULL, -- the counts as JSON
    PRIMARY KEY (site, opening, day)
) STRICT, WITHOUT ROWID;

-- By which clock the days of a site were counted. When the site is given
-- another, all is counted again.
CREATE TABLE day_clocks (
    site TEXT PRIMARY KEY,
    zone TEXT NOT NULL
) STRICT;
