-- SPDX-License-Identifier: Apache-2.0
-- Who signs in to the console, with what, and where they are signed in now.
-- Only hashes of links, codes and session keys are kept. Bodies are JSON.

CREATE TABLE operators (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    person TEXT REFERENCES people (id) ON DELETE SET NULL, -- who it is among the people of the store, if anybody
    body TEXT NOT NULL,
    rev INTEGER NOT NULL
) STRICT;

CREATE TABLE passkeys (
    id TEXT PRIMARY KEY, -- the credential id, base64url
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    body TEXT NOT NULL
) STRICT;

CREATE INDEX passkeys_operator ON passkeys (operator);

CREATE TABLE recovery_codes (
    hash BLOB PRIMARY KEY,
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    used INTEGER
) STRICT;

CREATE INDEX recovery_codes_operator ON recovery_codes (operator);

-- One-time links: the claim of a new store, invitations, ways back in.
CREATE TABLE sign_in_links (
    hash BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    operator TEXT, -- for whom; null: the claim
    body TEXT NOT NULL,
    expires INTEGER NOT NULL,
    used INTEGER
) STRICT;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    started INTEGER NOT NULL,
    seen INTEGER NOT NULL, -- when it was last used, to the minute
    expires INTEGER NOT NULL,
    ended INTEGER
) STRICT;

CREATE INDEX sessions_operator ON sessions (operator);
