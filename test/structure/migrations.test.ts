import { describe, expect, it } from 'vitest'
import { problemsOf } from '../support/deploy/migrations.ts'

const EXPAND = '20270101000000_expand'
const CONTRACT = '20270101000000_contract_all'
const FUNCTION = 'CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql AS $$\n  DELETE FROM agents;\n$$;'
const REASON = '-- Older processes: they never read it.\n'
const OUTSIDE = '-- outside a transaction\n'
const INDEX = 'CREATE INDEX CONCURRENTLY "i" ON "agents" ("n");'

describe('the check of migrations', () => {
  it.each([
    [
      'a new table, with what belongs to it',
      'CREATE TABLE "t" ("n" int);\nCREATE INDEX "i" ON "t" ("n");\nALTER TABLE "t" ADD PRIMARY KEY ("n");',
    ],
    ['a column that may be null', 'ALTER TABLE "agents" ADD COLUMN "note" text;'],
    ['a column whose type has a size', 'ALTER TABLE "agents" ADD COLUMN "at" timestamptz(3);'],
    ['a column with a constant default', `ALTER TABLE "agents" ADD COLUMN "note" text NOT NULL DEFAULT 'a, b';`],
    [
      'several such columns',
      'ALTER TABLE "agents" ADD COLUMN "a" int, ADD COLUMN "b" numeric(4, 2), ADD COLUMN "c" int DEFAULT 0;',
    ],
    ['a constraint that is validated later', 'ALTER TABLE "agents" ADD CONSTRAINT "c" CHECK ("n" > 0) NOT VALID;'],
    ['its validation', 'ALTER TABLE "agents" VALIDATE CONSTRAINT "c";'],
    ['a function, whatever it does', FUNCTION],
    ['a trigger', 'CREATE TRIGGER "t" AFTER INSERT ON "agents" FOR EACH ROW EXECUTE FUNCTION f();'],
    ['an index that is built beside writers', OUTSIDE + INDEX],
    ['an index of a small table, with a reason', `${REASON}CREATE INDEX "i" ON "issuers" ("n");`],
    ['a change of the rows of a small table, with a reason', `${REASON}UPDATE "issuers" SET "n" = 1;`],
    ['a constraint that goes, with a reason', `${REASON}ALTER TABLE "agents" DROP CONSTRAINT "c";`],
    ['a trigger that goes, with a reason', `${REASON}DROP TRIGGER "t" ON "agents";`],
    ['a call, with a reason', `${REASON}SELECT partition_by_month('audit_logs');`],
  ])('accepts %s', (_what, sql) => {
    expect(problemsOf(EXPAND, sql)).toEqual([])
  })

  it.each([
    ['an index of a small table that is built under a lock', 'CREATE INDEX "i" ON "issuers" ("n");'],
    ['a change of rows', 'UPDATE "issuers" SET "n" = 1;'],
    ['a trigger that goes', 'DROP TRIGGER "t" ON "agents";'],
    ['a function that goes', 'DROP FUNCTION f();'],
    ['a column that an older INSERT leaves out', 'ALTER TABLE "issuers" ADD COLUMN "note" text NOT NULL;'],
    [
      'a column whose default rewrites each row',
      'ALTER TABLE "issuers" ADD COLUMN "id" uuid DEFAULT gen_random_uuid();',
    ],
    ['a column that is computed', 'ALTER TABLE "issuers" ADD COLUMN "b" int GENERATED ALWAYS AS ("a") STORED;'],
    ['a column that counts', 'ALTER TABLE "issuers" ADD COLUMN "b" bigserial;'],
    ['a column with an index', 'ALTER TABLE "issuers" ADD COLUMN "b" int UNIQUE;'],
    ['a constraint that reads each row', 'ALTER TABLE "issuers" ADD CONSTRAINT "c" CHECK ("n" > 0);'],
    ['a block of code', 'DO $$ BEGIN DELETE FROM agents; END $$;'],
    ['a statement after a function', `${FUNCTION}\nSELECT f();`],
    ['a statement after one with a reason', `${REASON}DROP TRIGGER "t" ON "a";\nDROP TRIGGER "t" ON "b";`],
    ['an index on a table with a name like a new one', 'CREATE TABLE "t" ("n" int);\nCREATE INDEX "i" ON "t2" ("n");'],
    ['a second clause', 'ALTER TABLE "issuers" ADD COLUMN "a" int, ALTER COLUMN "b" SET DEFAULT 1;'],
    ['an unknown statement', 'GRANT ALL ON "agents" TO public;'],
  ])('refuses %s without a reason', (_what, sql) => {
    expect(problemsOf(EXPAND, sql)).toEqual([expect.stringMatching(/^\w+: ".+" does more than add: say in a comment/)])
  })

  it.each([
    ['a column', 'ALTER TABLE "issuers" DROP COLUMN "note";'],
    ['a column, without the word', 'ALTER TABLE "issuers" DROP "note";'],
    ['a column behind an addition', 'ALTER TABLE "agents" ADD COLUMN "a" text, DROP COLUMN "b";'],
    ['a column of a large table', 'ALTER TABLE "agents" DROP COLUMN "note";'],
    ['a name of a column', 'ALTER TABLE "agents" RENAME COLUMN "a" TO "b";'],
    ['a name of a table', 'ALTER TABLE "agents" RENAME TO "actors";'],
    ['a name of a function', 'ALTER FUNCTION "f"() RENAME TO "g";'],
    ['a table', 'DROP TABLE "agents";'],
    ['a type', 'DROP TYPE "kind";'],
    ['the rows', 'TRUNCATE "issuers";'],
    ['a type of a column', 'ALTER TABLE "issuers" ALTER COLUMN "n" TYPE bigint;'],
    ['the right to be null', 'ALTER TABLE "issuers" ALTER COLUMN "n" SET NOT NULL;'],
  ])('refuses to take away %s, whatever the reason, and accepts it in a contract step', (_what, sql) => {
    for (const text of [sql, REASON + sql]) {
      expect(problemsOf(EXPAND, text)).toEqual([expect.stringMatching(/ removes what older processes may use: make/)])
    }
    expect(problemsOf(CONTRACT, sql)).toEqual([])
  })

  it.each([
    ['an index', 'CREATE INDEX "i" ON "redemptions" ("n");'],
    ['a unique index', 'CREATE UNIQUE INDEX "i" ON public."redemptions" ("n");'],
    ['a constraint', 'ALTER TABLE "audit_logs" ADD CONSTRAINT "c" CHECK ("n" > 0);'],
    ['a foreign key', 'ALTER TABLE ONLY agent_keys ADD CONSTRAINT "c" FOREIGN KEY ("n") REFERENCES "t" ("n");'],
    ['a computed default', 'ALTER TABLE "revocation_log" ADD COLUMN "id" uuid DEFAULT gen_random_uuid();'],
    ['a column with an index', 'ALTER TABLE "agents" ADD COLUMN "id" uuid UNIQUE;'],
    ['another type', 'ALTER TABLE "used_assertions" ALTER COLUMN "n" TYPE bigint;'],
    ['the end of null', 'ALTER TABLE "signed_requests" ALTER COLUMN "n" SET NOT NULL;'],
    ['another form', 'ALTER TABLE "agents" SET UNLOGGED;'],
    ['new values', 'UPDATE "agents" SET "n" = 1;'],
    ['a removal of rows', 'DELETE FROM "agents" WHERE "n" = 1;'],
  ])('refuses %s that reads or writes every row of a large table, whatever the reason', (_what, sql) => {
    for (const name of [EXPAND, CONTRACT]) {
      expect(problemsOf(name, REASON + sql)).toEqual([expect.stringMatching(/ every row of the large table \w+: add/)])
    }
  })

  it.each([
    ['an index that says nothing of it', EXPAND, INDEX, /needs the line "-- outside a transaction"/],
    ['more than one statement', EXPAND, `${OUTSIDE}${INDEX}\nDROP INDEX "j";`, /must be one CREATE INDEX CONCURRENTLY/],
    ['another statement', EXPAND, `${OUTSIDE}VACUUM "agents";`, /must be one CREATE INDEX CONCURRENTLY/],
    ['a unique index', EXPAND, OUTSIDE + INDEX.replace('INDEX', 'UNIQUE INDEX'), /does more than add/],
    ['a contract step', CONTRACT, OUTSIDE + INDEX, /a contract step runs in one transaction/],
  ])('refuses outside a transaction %s', (_what, name, sql, problem) => {
    expect(problemsOf(name, sql)).toEqual([expect.stringMatching(problem)])
  })
})
