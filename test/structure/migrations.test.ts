import { describe, expect, it } from 'vitest'
import { problemsOf } from '../support/deploy/migrations.ts'

const FUNCTION = 'CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql AS $$\n  DELETE FROM agents;\n$$;'

describe('the check of migrations', () => {
  it.each([
    [
      'a new table, with what belongs to it',
      'CREATE TABLE "t" ("n" int);\nCREATE INDEX "i" ON "t" ("n");\nALTER TABLE "t" ADD PRIMARY KEY ("n");',
    ],
    ['a column that may be null', 'ALTER TABLE "agents" ADD COLUMN "note" text;'],
    ['a column with a constant default', `ALTER TABLE "agents" ADD COLUMN "note" text NOT NULL DEFAULT '';`],
    ['a constraint that is validated later', 'ALTER TABLE "agents" ADD CONSTRAINT "c" CHECK ("n" > 0) NOT VALID;'],
    ['its validation', 'ALTER TABLE "agents" VALIDATE CONSTRAINT "c";'],
    ['a function, whatever it does', FUNCTION],
    ['a trigger', 'CREATE TRIGGER "t" AFTER INSERT ON "agents" FOR EACH ROW EXECUTE FUNCTION f();'],
    [
      'anything else with a reason',
      '-- Older processes: they never read the column.\nALTER TABLE "agents" DROP COLUMN "note";',
    ],
  ])('lets pass %s', (_what, sql) => {
    expect(problemsOf('m', sql)).toEqual([])
  })

  it.each([
    ['a column that goes', 'ALTER TABLE "agents" DROP COLUMN "note";'],
    ['a column that gets another name', 'ALTER TABLE "agents" RENAME COLUMN "a" TO "b";'],
    ['a column that an older INSERT leaves out', 'ALTER TABLE "agents" ADD COLUMN "note" text NOT NULL;'],
    [
      'a column whose default rewrites each row',
      'ALTER TABLE "agents" ADD COLUMN "at" uuid DEFAULT gen_random_uuid();',
    ],
    ['a constraint that reads each row under a lock', 'ALTER TABLE "agents" ADD CONSTRAINT "c" CHECK ("n" > 0);'],
    ['an index that is built under a lock', 'CREATE INDEX "i" ON "agents" ("n");'],
    ['a table that goes', 'DROP TABLE "agents";'],
    ['a trigger that goes', 'DROP TRIGGER "t" ON "agents";'],
    ['a change of rows', 'UPDATE "agents" SET "n" = 1;'],
    ['a statement after one with a reason', '-- Older processes: fine.\nDROP TABLE "a";\nDROP TABLE "b";'],
    ['a statement after a function', `${FUNCTION}\nDROP TABLE "agents";`],
    ['an index on a table with a name like a new one', 'CREATE TABLE "t" ("n" int);\nCREATE INDEX "i" ON "t2" ("n");'],
  ])('refuses %s without a reason', (_what, sql) => {
    expect(problemsOf('m', sql)).toEqual([expect.stringMatching(/^m: ".+" does more than add: say in a comment/)])
  })
})
