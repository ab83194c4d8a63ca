-- SPDX-License-Identifier: Apache-2.0
-- What grants ask for beyond person, opening and time; what openings and areas
-- ask of everybody; what sites go by; and what stands of people, grants and
-- sites meanwhile.

ALTER TABLE grants ADD COLUMN uses INTEGER NOT NULL DEFAULT 0; -- 0: without limit
ALTER TABLE grants ADD COLUMN lasts_ms INTEGER NOT NULL DEFAULT 0; -- from the first use; 0: no such end
ALTER TABLE grants ADD COLUMN on_shift INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN with_role TEXT REFERENCES roles (id) ON DELETE RESTRICT;
ALTER TABLE grants ADD COLUMN escort TEXT REFERENCES people (id) ON DELETE RESTRICT;
ALTER TABLE grants ADD COLUMN two INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN level INTEGER NOT NULL DEFAULT 0;

CREATE INDEX grants_with_role ON grants (with_role) WHERE with_role IS NOT NULL;
CREATE INDEX grants_escort ON grants (escort) WHERE escort IS NOT NULL;

ALTER TABLE openings ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
ALTER TABLE openings ADD COLUMN two INTEGER NOT NULL DEFAULT 0;
ALTER TABLE openings ADD COLUMN first_in TEXT REFERENCES roles (id) ON DELETE RESTRICT;
ALTER TABLE openings ADD COLUMN interlock TEXT NOT NULL DEFAULT '';

ALTER TABLE areas ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
ALTER TABLE areas ADD COLUMN two INTEGER NOT NULL DEFAULT 0;
ALTER TABLE areas ADD COLUMN first_in TEXT REFERENCES roles (id) ON DELETE RESTRICT;
ALTER TABLE areas ADD COLUMN passback TEXT NOT NULL DEFAULT '';
ALTER TABLE areas ADD COLUMN passback_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE areas ADD COLUMN occupancy INTEGER NOT NULL DEFAULT 0;

ALTER TABLE sites ADD COLUMN jurisdiction TEXT NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN shift_grace_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sites ADD COLUMN clock_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sites ADD COLUMN longest_ms INTEGER NOT NULL DEFAULT 0;

-- As opening_states, for everything else that stands: "person:prs_…",
-- "grant:grt_…", "site:site_…".
CREATE TABLE standings (
    subject TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
