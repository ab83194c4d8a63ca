-- SPDX-License-Identifier: Apache-2.0
-- A long list of people that is being carried out, a part at a time. The row
-- goes with the last part; what an interrupted program leaves behind is finished
-- at its next start.

CREATE TABLE people_lists (
    slot INTEGER PRIMARY KEY CHECK (slot = 1), -- there is one at a time
    id TEXT NOT NULL, -- of this carrying out: another takes its place
    operator TEXT NOT NULL, -- empty: nobody in particular
    everyone INTEGER NOT NULL, -- 1: whoever is not in it has left
    zone TEXT NOT NULL, -- whose midnight the days begin at
    content TEXT NOT NULL -- base64
) STRICT;

-- Who asks twice in a row holds the opening unlocked for so long; 0: they do not.
ALTER TABLE grants ADD COLUMN hold_ms INTEGER NOT NULL DEFAULT 0;
