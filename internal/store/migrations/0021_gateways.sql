-- SPDX-License-Identifier: Apache-2.0
-- Gateways that were set up on the console. Those of config.yaml are not here.

CREATE TABLE gateways (
    name TEXT PRIMARY KEY,
    driver TEXT NOT NULL,
    config TEXT NOT NULL, -- the driver's settings as JSON; secrets by the name of their file or variable
    rev INTEGER NOT NULL
) STRICT;
