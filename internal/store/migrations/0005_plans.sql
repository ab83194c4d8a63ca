-- SPDX-License-Identifier: Apache-2.0
-- Floor plans: the picture under the openings, the outlines of areas, and
-- where cameras and sensors are.

CREATE TABLE plans (
    site TEXT PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
    body TEXT NOT NULL, -- outlines and places as JSON
    rev INTEGER NOT NULL
) STRICT;

-- The ground of a site's plan, and the photo of an opening.
CREATE TABLE pictures (
    id TEXT PRIMARY KEY, -- that of the site or of the opening
    site TEXT REFERENCES sites (id) ON DELETE CASCADE, -- of a plan
    opening TEXT REFERENCES openings (id) ON DELETE CASCADE, -- of a photo
    kind TEXT NOT NULL, -- media type
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    content BLOB NOT NULL,
    rev INTEGER NOT NULL
) STRICT;
