-- SPDX-License-Identifier: Apache-2.0
-- Customers who open a case themselves. Nothing here says who they are: a guest
-- is a random number, with the public half of a passkey at most.

-- How customers may open cases at a site. No row: they may not.
CREATE TABLE self_service (
    site TEXT PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    rev INTEGER NOT NULL
) STRICT;

-- The openings that customers may open themselves.
CREATE TABLE self_service_openings (
    opening TEXT PRIMARY KEY REFERENCES openings (id) ON DELETE CASCADE,
    since INTEGER NOT NULL
) STRICT;

-- One-time codes, as keyed hashes.
CREATE TABLE guest_codes (
    id TEXT PRIMARY KEY, -- the hash
    site TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    until INTEGER NOT NULL
) STRICT;

CREATE INDEX guest_codes_until ON guest_codes (until);

CREATE TABLE guests (
    id TEXT PRIMARY KEY, -- of the person that stands for them
    site TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    token TEXT NOT NULL UNIQUE, -- hash of what their browser shows
    began INTEGER NOT NULL,
    until INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE INDEX guests_until ON guests (until);

-- What guests asked for. The guest is forgotten before the row is: how long
-- customers waited stays known, who they were was never.
CREATE TABLE guest_opens (
    id TEXT PRIMARY KEY,
    guest TEXT, -- null: forgotten
    site TEXT NOT NULL,
    opening TEXT NOT NULL,
    asked INTEGER NOT NULL,
    granted INTEGER NOT NULL DEFAULT 0,
    served INTEGER, -- when it was opened
    ended INTEGER, -- null: under way
    body TEXT NOT NULL
) STRICT;

CREATE INDEX guest_opens_guest ON guest_opens (guest, asked);
CREATE INDEX guest_opens_opening ON guest_opens (opening, asked);
CREATE INDEX guest_opens_site ON guest_opens (site, asked);
CREATE INDEX guest_opens_standing ON guest_opens (asked) WHERE ended IS NULL;
