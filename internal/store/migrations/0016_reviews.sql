-- SPDX-License-Identifier: Apache-2.0
-- Who asked for access, changes that wait for a second operator, and reviews
-- of what was given. Bodies are JSON.

CREATE TABLE asks (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    site TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    place TEXT NOT NULL, -- an opening or an area
    state TEXT NOT NULL, -- asked, approved, denied, lapsed
    filed INTEGER NOT NULL,
    body TEXT NOT NULL,
    rev INTEGER NOT NULL
) STRICT;

-- One standing ask for each person and place.
CREATE UNIQUE INDEX asks_standing ON asks (person, place) WHERE state = 'asked';
CREATE INDEX asks_person ON asks (person, filed);
CREATE INDEX asks_site ON asks (site);
CREATE INDEX asks_state ON asks (state, filed);

-- Who may approve at a site, and for how long at most.
CREATE TABLE ask_rules (
    site TEXT PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    rev INTEGER NOT NULL
) STRICT;

-- 'four-eyes': which changes wait for a second operator. No row: none do.
CREATE TABLE approval_settings (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    rev INTEGER NOT NULL
) STRICT;

CREATE TABLE proposals (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL, -- waiting, confirmed, denied, lapsed
    filed INTEGER NOT NULL,
    body TEXT NOT NULL,
    rev INTEGER NOT NULL
) STRICT;

CREATE INDEX proposals_state ON proposals (state, filed);

CREATE TABLE reviews (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL, -- running, ended
    began INTEGER NOT NULL,
    body TEXT NOT NULL,
    rev INTEGER NOT NULL
) STRICT;

CREATE INDEX reviews_state ON reviews (state, began);

CREATE TABLE review_lines (
    review TEXT NOT NULL REFERENCES reviews (id) ON DELETE CASCADE,
    line INTEGER NOT NULL, -- from 1
    body TEXT NOT NULL,
    PRIMARY KEY (review, line)
) STRICT, WITHOUT ROWID;

-- How often grants were used, and by whom they were given: counted from the
-- ledger, and made anew when the rows are removed together with the cursor.
CREATE TABLE grant_uses (
    grant_id TEXT PRIMARY KEY,
    uses INTEGER NOT NULL DEFAULT 0,
    last INTEGER,
    giver TEXT,
    given INTEGER
) STRICT;

-- Grants that somebody keeps although they look stale.
CREATE TABLE grant_keeps (
    grant_id TEXT PRIMARY KEY REFERENCES grants (id) ON DELETE CASCADE,
    body TEXT NOT NULL
) STRICT;
