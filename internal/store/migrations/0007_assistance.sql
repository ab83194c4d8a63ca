-- SPDX-License-Identifier: Apache-2.0
-- Customers who wait at an opening, who goes, and who is told by push.

CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    opening TEXT NOT NULL,
    site TEXT NOT NULL,
    asked INTEGER NOT NULL,
    taken INTEGER,
    taken_by TEXT, -- a person
    served INTEGER, -- when the opening was opened for it
    ended INTEGER,
    body TEXT NOT NULL
) STRICT;

CREATE INDEX calls_waiting ON calls (asked) WHERE ended IS NULL;
CREATE INDEX calls_asked ON calls (asked);
CREATE INDEX calls_opening ON calls (opening, asked);

CREATE TABLE push_subscriptions (
    id TEXT PRIMARY KEY,
    operator TEXT NOT NULL,
    body TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE INDEX push_subscriptions_operator ON push_subscriptions (operator);

-- The tag on an opening: a short name in the address of its page.
CREATE TABLE tags (
    tag TEXT PRIMARY KEY,
    opening TEXT NOT NULL REFERENCES openings (id) ON DELETE CASCADE,
    created INTEGER NOT NULL
) STRICT;

CREATE INDEX tags_opening ON tags (opening);
