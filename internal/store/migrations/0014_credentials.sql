-- SPDX-License-Identifier: Apache-2.0
-- What people present, by keyed marks that say nothing without the key of the
-- store node; and the register of mechanical keys.

CREATE TABLE credentials (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    site TEXT REFERENCES sites (id) ON DELETE CASCADE, -- of a PIN: where it is known
    digits INTEGER NOT NULL DEFAULT 0, -- of a PIN
    duress INTEGER NOT NULL DEFAULT 0, -- 1: it has a duress variant
    once INTEGER NOT NULL DEFAULT 0, -- 1: good for one opening
    made INTEGER NOT NULL,
    valid_from INTEGER,
    valid_until INTEGER,
    lost INTEGER, -- since when nobody who presents it is believed
    spent INTEGER, -- when one that is good for one opening was used
    device TEXT, -- which lock holds a fingerprint, in which slot
    slot INTEGER NOT NULL DEFAULT 0,
    rev INTEGER NOT NULL
) STRICT;

CREATE INDEX credentials_person ON credentials (person);
CREATE UNIQUE INDEX credentials_slot ON credentials (device, slot) WHERE device IS NOT NULL AND lost IS NULL;

CREATE TABLE credential_marks (
    mark BLOB PRIMARY KEY, -- HMAC-SHA-256 of what is presented, and of the site for a PIN
    credential TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    duress INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX credential_marks_credential ON credential_marks (credential);

-- At which openings a PIN is taken.
CREATE TABLE credential_places (
    credential TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    opening TEXT NOT NULL REFERENCES openings (id) ON DELETE CASCADE,
    PRIMARY KEY (credential, opening)
) STRICT;

CREATE INDEX credential_places_opening ON credential_places (opening);

CREATE TABLE mechanical_keys (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    copies INTEGER NOT NULL,
    cost INTEGER NOT NULL, -- of new cylinders and keys, in hundredths of the owner's money
    made INTEGER NOT NULL,
    retired INTEGER, -- when the last copy was destroyed
    rev INTEGER NOT NULL
) STRICT;

CREATE TABLE mechanical_key_openings (
    key TEXT NOT NULL REFERENCES mechanical_keys (id) ON DELETE CASCADE,
    opening TEXT NOT NULL REFERENCES openings (id) ON DELETE CASCADE,
    PRIMARY KEY (key, opening)
) STRICT;

CREATE TABLE mechanical_key_loans (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL REFERENCES mechanical_keys (id) ON DELETE CASCADE,
    person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    taken INTEGER NOT NULL,
    due INTEGER NOT NULL,
    back INTEGER,
    lost INTEGER,
    told INTEGER NOT NULL DEFAULT 0 -- 1: the ledger says that it is overdue
) STRICT;

CREATE INDEX mechanical_key_loans_key ON mechanical_key_loans (key);
CREATE INDEX mechanical_key_loans_out ON mechanical_key_loans (due) WHERE back IS NULL AND lost IS NULL;
