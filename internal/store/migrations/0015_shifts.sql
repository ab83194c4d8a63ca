-- SPDX-License-Identifier: Apache-2.0
-- Who works when: from rotas and made here, with when they came and went.

CREATE TABLE shifts (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    site TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    role TEXT REFERENCES roles (id) ON DELETE SET NULL,
    begins INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    came INTEGER, -- clocked in
    went INTEGER, -- clocked out
    forgot INTEGER NOT NULL DEFAULT 0, -- 1: nobody clocked out; it was closed by itself
    cancelled INTEGER, -- when it was called off; such a shift counts for nothing
    source TEXT NOT NULL DEFAULT '', -- the rota it came from; empty: it was made here
    ref TEXT, -- what the rota calls it
    planned TEXT REFERENCES people (id) ON DELETE SET NULL, -- whom the rota has, where somebody here gave it away
    reason TEXT NOT NULL DEFAULT '', -- why a supervisor allowed it
    rev INTEGER NOT NULL,
    UNIQUE (source, ref)
) STRICT;

CREATE INDEX shifts_site ON shifts (site, begins);
CREATE INDEX shifts_person ON shifts (person, begins);
CREATE INDEX shifts_ends ON shifts (ends);
CREATE INDEX shifts_unfinished ON shifts (ends) WHERE came IS NOT NULL AND went IS NULL;
