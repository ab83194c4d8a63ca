-- SPDX-License-Identifier: Apache-2.0
-- The seal of a small commit stands in the same row as what the commit changed,
-- until both are carried over: two rows in two tables would cost a page of the
-- write-ahead log each. Seals are the rows of the table seals and after them
-- those of this table that have one.

ALTER TABLE changes ADD COLUMN first_hash INTEGER; -- null: the row has no seal
ALTER TABLE changes ADD COLUMN size INTEGER;
ALTER TABLE changes ADD COLUMN hashes BLOB;
ALTER TABLE changes ADD COLUMN checkpoint TEXT;
ALTER TABLE changes ADD COLUMN at INTEGER;
