-- SPDX-License-Identifier: Apache-2.0
-- Files that were applied under a name: what each declares belongs to it, and
-- what is otherwise than it says has drifted.

CREATE TABLE files (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL, -- the estate it declares, as JSON
    operator TEXT NOT NULL, -- who applied it last; empty: nobody who is known
    applied INTEGER NOT NULL -- when it was applied last, in microseconds
) STRICT;
