-- SPDX-License-Identifier: Apache-2.0
-- What stores do by themselves, with every version of it; how a store stands
-- without them; and what tills and counters at the door counted.

CREATE TABLE scenarios (
    slug TEXT PRIMARY KEY,
    site TEXT NOT NULL REFERENCES sites (id) ON DELETE RESTRICT,
    body TEXT NOT NULL, -- the scenario as people wrote it, as JSON
    rev INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    state TEXT NOT NULL -- how it stands, as JSON
) STRICT;

-- Kept when the scenario is removed.
CREATE TABLE scenario_versions (
    slug TEXT NOT NULL,
    rev INTEGER NOT NULL,
    body TEXT NOT NULL, -- empty: it was removed
    at INTEGER NOT NULL,
    operator TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (slug, rev)
) STRICT;

CREATE TABLE site_standings (
    site TEXT PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
    base TEXT NOT NULL, -- how the store stands when no scenario runs
    ours TEXT NOT NULL -- what scenarios set last; anything else was set by somebody
) STRICT;

CREATE TABLE counts (
    site TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    minute INTEGER NOT NULL, -- since 1970
    n INTEGER NOT NULL,
    PRIMARY KEY (site, kind, minute)
) STRICT;
