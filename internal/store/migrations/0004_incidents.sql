-- SPDX-License-Identifier: Apache-2.0
-- What people make of alarms: shelving, and the incidents that gather them.

CREATE TABLE shelves (
    alarm TEXT PRIMARY KEY,
    until INTEGER NOT NULL,
    operator TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE INDEX shelves_until ON shelves (until);

CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    site TEXT NOT NULL,
    area TEXT NOT NULL, -- empty: of no area
    level TEXT NOT NULL,
    opened INTEGER NOT NULL, -- when its first alarm was raised
    latest INTEGER NOT NULL, -- when its latest alarm was raised
    resolved INTEGER,
    owner TEXT NOT NULL, -- the operator who has taken it; empty: nobody
    alarms INTEGER NOT NULL, -- how many it gathers
    body TEXT NOT NULL, -- cause, notes and the rest, as JSON
    rev INTEGER NOT NULL
) STRICT;

CREATE INDEX incidents_open ON incidents (latest) WHERE resolved IS NULL;
CREATE INDEX incidents_opened ON incidents (opened);

CREATE TABLE incident_alarms (
    alarm TEXT PRIMARY KEY,
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE
) STRICT;

CREATE INDEX incident_alarms_incident ON incident_alarms (incident);

CREATE TABLE incident_seen (
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    operator TEXT NOT NULL,
    first INTEGER NOT NULL, -- when the operator saw it first
    at INTEGER NOT NULL, -- when the operator saw it last
    PRIMARY KEY (incident, operator)
) STRICT, WITHOUT ROWID;
