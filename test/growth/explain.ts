import type { Client } from 'pg'
import type { PlanNode } from './judge-plan.ts'
import type { Statement } from './read-recorded.ts'

/** Times in values are as old as their test, or those of its clock. */
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/
const UNIX_MS = /^1[5-9]\d{11}(?:\.\d+)?$/

/**
 * Returns the plan that PostgreSQL has for a statement: for a prepared one the plan for all values, for others the
 * plan for its values, with the present in place of their times.
 */
export async function explain(
  client: Pick<Client, 'query'>,
  { name, text, values }: Pick<Statement, 'name' | 'text' | 'values'>,
): Promise<PlanNode> {
  const isPrepared = name !== ''
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>({
    text: `EXPLAIN (${isPrepared ? 'GENERIC_PLAN, ' : ''}FORMAT JSON) ${text}`,
    values: isPrepared ? [] : values.map(asPresent),
  })
  const plan = rows[0]?.['QUERY PLAN'][0].Plan
  if (plan === undefined) throw new Error(`PostgreSQL has no plan for ${text}`)
  return plan
}

function asPresent(value: string | null): string | null {
  if (value !== null && TIME.test(value)) return new Date().toISOString()
  return value !== null && UNIX_MS.test(value) ? String(Date.now()) : value
}
