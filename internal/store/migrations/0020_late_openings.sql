-- SPDX-License-Identifier: Apache-2.0
-- By when the first person is to have come in at a site.

ALTER TABLE sites ADD COLUMN open_by TEXT REFERENCES schedules (id) ON DELETE RESTRICT;
ALTER TABLE sites ADD COLUMN open_tolerance_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sites_open_by ON sites (open_by) WHERE open_by IS NOT NULL;
