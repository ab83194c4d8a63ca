-- SPDX-License-Identifier: Apache-2.0
-- What operators declare. The rooms own the queries. Truth values are 0 and 1,
-- durations are milliseconds, revisions count from 1.

CREATE TABLE schedules (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    body TEXT NOT NULL, -- weekly periods and special days as JSON
    first TEXT NOT NULL DEFAULT '', -- first local day, "2026-11-22"; empty: no limit
    last TEXT NOT NULL DEFAULT '', -- last local day
    rev INTEGER NOT NULL
) STRICT;

CREATE TABLE sites (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    hours TEXT REFERENCES schedules (id) ON DELETE RESTRICT, -- when the store is staffed
    rev INTEGER NOT NULL
) STRICT;

CREATE TABLE areas (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    site TEXT NOT NULL REFERENCES sites (id) ON DELETE RESTRICT,
    rev INTEGER NOT NULL,
    UNIQUE (site, slug)
) STRICT;

CREATE TABLE openings (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    class TEXT NOT NULL,
    site TEXT NOT NULL REFERENCES sites (id) ON DELETE RESTRICT,
    area TEXT REFERENCES areas (id) ON DELETE RESTRICT,
    egress TEXT NOT NULL,
    on_fault TEXT NOT NULL,
    release_ms INTEGER NOT NULL,
    open_ms INTEGER NOT NULL,
    unattended_ms INTEGER NOT NULL,
    plan_x INTEGER NOT NULL DEFAULT 0,
    plan_y INTEGER NOT NULL DEFAULT 0,
    rev INTEGER NOT NULL
) STRICT;

CREATE INDEX openings_site ON openings (site);
CREATE INDEX openings_area ON openings (area) WHERE area IS NOT NULL;

CREATE TABLE people (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    suspended INTEGER NOT NULL DEFAULT 0,
    valid_from INTEGER,
    valid_until INTEGER,
    rev INTEGER NOT NULL
) STRICT;

CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    rev INTEGER NOT NULL
) STRICT;

CREATE TABLE person_roles (
    person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (id) ON DELETE RESTRICT,
    PRIMARY KEY (person, role)
) STRICT, WITHOUT ROWID;

CREATE INDEX person_roles_role ON person_roles (role);

CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    person TEXT REFERENCES people (id) ON DELETE RESTRICT,
    role TEXT REFERENCES roles (id) ON DELETE RESTRICT,
    opening TEXT REFERENCES openings (id) ON DELETE RESTRICT,
    area TEXT REFERENCES areas (id) ON DELETE RESTRICT,
    site TEXT REFERENCES sites (id) ON DELETE RESTRICT,
    schedule TEXT REFERENCES schedules (id) ON DELETE RESTRICT,
    valid_from INTEGER,
    valid_until INTEGER,
    rev INTEGER NOT NULL,
    CHECK ((person IS NULL) <> (role IS NULL)),
    CHECK (CASE WHEN opening IS NULL THEN 0 ELSE 1 END + CASE WHEN area IS NULL THEN 0 ELSE 1 END + CASE WHEN site IS NULL THEN 0 ELSE 1 END = 1)
) STRICT;

-- Without these, removing an object would search all grants for it.
CREATE INDEX grants_person ON grants (person) WHERE person IS NOT NULL;
CREATE INDEX grants_role ON grants (role) WHERE role IS NOT NULL;
CREATE INDEX grants_opening ON grants (opening) WHERE opening IS NOT NULL;
CREATE INDEX grants_area ON grants (area) WHERE area IS NOT NULL;
CREATE INDEX grants_site ON grants (site) WHERE site IS NOT NULL;
CREATE INDEX grants_schedule ON grants (schedule) WHERE schedule IS NOT NULL;

CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    driver TEXT NOT NULL,
    gateway TEXT NOT NULL,
    address TEXT NOT NULL,
    name TEXT NOT NULL,
    maker TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    firmware TEXT NOT NULL DEFAULT '',
    security TEXT NOT NULL DEFAULT '',
    weak TEXT NOT NULL DEFAULT '', -- why its link is weak, in a sentence; empty: it is not
    capabilities TEXT NOT NULL, -- a JSON list
    opening TEXT REFERENCES openings (id) ON DELETE RESTRICT,
    rev INTEGER NOT NULL,
    UNIQUE (driver, gateway, address)
) STRICT;

CREATE INDEX devices_opening ON devices (opening) WHERE opening IS NOT NULL;

-- Alarms refer to sites and openings without foreign keys: they outlive them,
-- and they can come out of the emergency journal.
CREATE TABLE alarms (
    id TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    level TEXT NOT NULL,
    site TEXT NOT NULL,
    opening TEXT NOT NULL,
    why TEXT NOT NULL,
    raised INTEGER NOT NULL,
    cleared INTEGER,
    acknowledged INTEGER,
    acknowledged_by TEXT,
    rev INTEGER NOT NULL
) STRICT;

CREATE INDEX alarms_standing ON alarms (raised) WHERE cleared IS NULL OR acknowledged IS NULL;
CREATE INDEX alarms_raised ON alarms (raised);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL, -- a JSON list
    created INTEGER NOT NULL,
    expires INTEGER,
    last_used INTEGER,
    revoked INTEGER
) STRICT;

-- Answers already given, so that a request sent twice acts once.
CREATE TABLE idempotency (
    operator TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    status INTEGER NOT NULL, -- 0: under way, or cut off
    body BLOB NOT NULL, -- the answer as JSON: headers and body
    created INTEGER NOT NULL,
    PRIMARY KEY (operator, key)
) STRICT;

CREATE INDEX idempotency_created ON idempotency (created);
