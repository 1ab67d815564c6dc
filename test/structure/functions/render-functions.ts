import type { Client } from 'pg'
import type { FunctionRule } from './function-rules.ts'

/** A function that the migrations leave in the database, and the triggers that call it. */
export interface DatabaseFunction {
  readonly name: string
  readonly definition: string
  readonly triggers: readonly string[]
}

const READ = `
SELECT f.proname AS name, pg_get_functiondef(f.oid) AS definition, ARRAY(
  SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  WHERE t.tgfoid = f.oid AND NOT t.tgisinternal AND NOT c.relispartition ORDER BY t.tgrelid::regclass::text, t.tgname
) AS triggers
FROM pg_proc f WHERE f.pronamespace = 'public'::regnamespace AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.objid = f.oid AND d.deptype = 'e'
) ORDER BY f.proname, f.oid`

/**
 * Reads all functions of a migrated database, except those of extensions. Partitions have the triggers of their table.
 */
export async function readFunctions(client: Pick<Client, 'query'>): Promise<readonly DatabaseFunction[]> {
  return (await client.query<DatabaseFunction>(READ)).rows
}

const HEAD = `-- Every function and trigger that the migrations leave, and the rule that each function holds.
--
-- To read, not to run: migrations make the functions. npm run generate:functions reads them from a migrated database
-- and writes this file. The rules are in test/structure/functions/function-rules.ts.
`

/**
 * Returns the text of `prisma/functions.sql`: the functions in the order of their rules.
 * @throws Error when a function has no rule, or a rule no function
 */
export function renderFunctions(
  functions: readonly DatabaseFunction[],
  rules: Readonly<Record<string, FunctionRule>>,
): string {
  const ruled = new Set(Object.keys(rules))
  const without = functions.filter(({ name }) => !ruled.has(name)).map(({ name }) => name)
  if (without.length > 0) throw new Error(`These functions need a line in FUNCTION_RULES: ${without.join(', ')}`)
  const parts = Object.entries(rules).map(([name, { rule, stated }]) => {
    const named = functions.filter((candidate) => candidate.name === name)
    if (named.length !== 1)
      throw new Error(`FUNCTION_RULES names ${name}, of which there are ${named.length} functions`)
    return named.map(
      (one) => `\n-- ${rule}.\n-- ${stated}\n${one.definition.trimEnd()};\n${one.triggers.map(asLine).join('')}`,
    )
  })
  return HEAD + parts.flat().join('')
}

const asLine = (trigger: string): string => `${trigger};\n`
