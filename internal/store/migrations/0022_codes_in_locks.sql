-- SPDX-License-Identifier: Apache-2.0
-- PINs that also stand in the locks themselves, and what is known of the slots.

ALTER TABLE credentials ADD COLUMN in_locks INTEGER NOT NULL DEFAULT 0; -- 1: a PIN that is written into the locks of its openings
CREATE INDEX credentials_in_locks ON credentials (id) WHERE in_locks = 1 OR device IS NOT NULL;

-- Such a PIN, sealed by a key of the store node, as long as a lock may need it.
CREATE TABLE credential_pins (
    credential TEXT PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE code_locks (
    device TEXT PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    slots INTEGER NOT NULL DEFAULT 0, -- how many it has; 0: not known
    opening TEXT, -- where it was last fitted: until it has forgotten its codes it may still be there
    listed INTEGER, -- when it last said which are in use
    blind INTEGER NOT NULL DEFAULT 0 -- 1: it cannot say it
) STRICT;

CREATE TABLE code_slots (
    device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    slot INTEGER NOT NULL,
    ours INTEGER NOT NULL, -- 1: we wrote it, or were told that it is ours to remove
    credential TEXT, -- whose it is, of ours; it may be gone from the tables while the code still stands
    person TEXT,
    mark TEXT NOT NULL DEFAULT '', -- what was written: another one is written anew
    sure INTEGER NOT NULL DEFAULT 0, -- 1: the lock said that it is so
    bounded INTEGER NOT NULL DEFAULT 0, -- 1: the lock itself ends it
    ends INTEGER, -- when it ends
    since INTEGER NOT NULL, -- in force, or found there, since
    going INTEGER, -- since when it has to be gone and is not
    PRIMARY KEY (device, slot)
) STRICT;

CREATE INDEX code_slots_credential ON code_slots (credential) WHERE credential IS NOT NULL;

-- What is wanted in a lock and is not there.
CREATE TABLE code_waits (
    device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    credential TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    refused TEXT NOT NULL DEFAULT '', -- the mark that the lock would not take
    PRIMARY KEY (device, credential)
) STRICT;

ALTER TABLE sites ADD COLUMN revoke_within_ms INTEGER NOT NULL DEFAULT 0; -- how soon a lock has to confirm that it forgot a code; 0: as usual
