-- SPDX-License-Identifier: Apache-2.0
-- The past: entries, the seals over them, and where to find them again.
-- Times are microseconds since 1970 in UTC. Written for SQLite; the store
-- rewrites the types for PostgreSQL.

CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    body BLOB, -- the event as JSON; null once erased
    binding BLOB NOT NULL -- the commitment (32 bytes), then the salt (32 bytes) until it is erased
) STRICT;

-- What may stay of an erased entry: number, kind, time and pseudonyms, as JSON.
CREATE TABLE erased (
    seq INTEGER PRIMARY KEY,
    event TEXT NOT NULL
) STRICT;

-- The entries that a decision led to. Decisions are made in the order of their
-- identifiers, so this table grows at its end and costs next to nothing.
-- Indexes by opening and person would not: see entry_pages.
CREATE TABLE decision_entries (
    decision TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (decision, seq)
) STRICT, WITHOUT ROWID;

-- For every 4096 entries: which of them concern an opening ("o:"), a person
-- ("p:"), a device ("d:"), or are of a kind ("k:"), as 16-bit places.
CREATE TABLE entry_pages (
    page INTEGER NOT NULL,
    subject TEXT NOT NULL,
    places BLOB NOT NULL,
    PRIMARY KEY (page, subject)
) STRICT, WITHOUT ROWID;

-- One row for each commit: all Merkle hashes it added and the signed checkpoint.
CREATE TABLE seals (
    first_hash INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    checkpoint TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- The present, as JSON, up to what the table changes adds.
CREATE TABLE opening_states (
    opening TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;

CREATE TABLE device_states (
    device TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;

-- When to look again at something.
CREATE TABLE wakeups (
    subject TEXT PRIMARY KEY,
    due INTEGER NOT NULL
) STRICT;

-- What the latest batches changed in the three tables above, one row each:
-- writing a row for every state in every batch would cost as much as the
-- ledger. Every so often the rows are carried over and removed. Who reads the
-- tables must read this one after them.
CREATE TABLE changes (
    number INTEGER PRIMARY KEY,
    change TEXT NOT NULL
) STRICT;

CREATE TABLE commands (
    id TEXT PRIMARY KEY,
    opening TEXT NOT NULL,
    device TEXT NOT NULL,
    state TEXT NOT NULL,
    issued INTEGER NOT NULL,
    record TEXT NOT NULL -- the whole record as JSON
) STRICT;

CREATE INDEX commands_open ON commands (state) WHERE state IN ('pending', 'accepted');

CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL -- sequence number of the first entry not yet handled
) STRICT;

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
