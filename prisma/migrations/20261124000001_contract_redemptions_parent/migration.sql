-- No version writes this column. Versions before the table "processes" read it with the others of its row, and do not
-- look for contract steps. But they refuse a database that has an old migration which they do not know: hence the
-- date.
ALTER TABLE "redemptions" DROP COLUMN "parent_jti";
