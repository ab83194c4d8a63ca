-- SPDX-License-Identifier: Apache-2.0
-- Guard rails: what no grant and no scenario can beat. Those that come with the
-- program are not here unless somebody edited or removed them.

CREATE TABLE rails (
    slug TEXT PRIMARY KEY,
    text TEXT NOT NULL, -- Cedar
    site TEXT REFERENCES sites (id) ON DELETE RESTRICT, -- null: everywhere
    shadow INTEGER NOT NULL DEFAULT 0, -- recorded, not enforced
    removed INTEGER NOT NULL DEFAULT 0, -- a shipped one that is not wanted here
    rev INTEGER NOT NULL
) STRICT;
