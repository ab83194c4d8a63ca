-- SPDX-License-Identifier: Apache-2.0
-- Openings on trial beside an older system: decided and recorded, never told.

ALTER TABLE openings ADD COLUMN trial INTEGER NOT NULL DEFAULT 0;
