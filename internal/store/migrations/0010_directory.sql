-- SPDX-License-Identifier: Apache-2.0
-- What the personnel system calls people and roles, and who left. Only people
-- and roles of whom it said something have a row.

CREATE TABLE directory_people (
    person TEXT PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE,
    external_id TEXT UNIQUE, -- how the personnel system calls them
    user_name TEXT, -- the name they sign in with there
    user_key TEXT UNIQUE, -- the same without the difference of case
    left_at INTEGER, -- when they left; counts while they are suspended
    told INTEGER NOT NULL DEFAULT 0, -- 1: suspended because the personnel system said so, which can also take it back
    gone INTEGER NOT NULL DEFAULT 0 -- 1: the directory deleted them; counts while they are suspended
) STRICT;

CREATE TABLE directory_roles (
    role TEXT PRIMARY KEY REFERENCES roles (id) ON DELETE CASCADE,
    external_id TEXT UNIQUE,
    gone INTEGER NOT NULL DEFAULT 0 -- 1: the directory deleted the group, and grants still refer to the role
) STRICT;
