-- SPDX-License-Identifier: Apache-2.0
-- Searches that operators keep.

CREATE TABLE views (
    id TEXT PRIMARY KEY,
    operator TEXT NOT NULL,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (operator, name)
) STRICT;
