-- SPDX-License-Identifier: Apache-2.0
-- Signing in by a password with one-time codes and by single sign-on, and
-- higher roles for a while. What is secret is a hash or sealed. Bodies are JSON.

-- The network a session came from; null once it has ended.
ALTER TABLE sessions ADD COLUMN network TEXT;

CREATE INDEX sessions_network ON sessions (expires) WHERE network IS NOT NULL;

CREATE TABLE passwords (
    operator TEXT PRIMARY KEY REFERENCES operators (id) ON DELETE CASCADE,
    verifier TEXT NOT NULL, -- argon2id
    code_key BLOB NOT NULL, -- of the one-time codes
    step INTEGER NOT NULL, -- the last one whose code was used
    added INTEGER NOT NULL,
    used INTEGER
) STRICT;

-- 'sso' and 'policy'.
CREATE TABLE sign_in_settings (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    secret BLOB,
    rev INTEGER NOT NULL
) STRICT;

-- Whom another system's accounts belong to here.
CREATE TABLE sso_accounts (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    made INTEGER NOT NULL, -- 1: the operator was made by signing in, and follows the other system
    added INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT;

CREATE INDEX sso_accounts_operator ON sso_accounts (operator);

CREATE TABLE elevations (
    id TEXT PRIMARY KEY,
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    session TEXT NOT NULL,
    state TEXT NOT NULL, -- asked, standing, ended, turned down
    asked INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE INDEX elevations_session ON elevations (session);
CREATE INDEX elevations_state ON elevations (state, asked);
