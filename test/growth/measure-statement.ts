import type { Client } from 'pg'
import { explain } from './explain.ts'
import { findScans, type PlanNode } from './judge-plan.ts'
import type { Statement } from './read-recorded.ts'

/** What one statement costs on grown tables. */
export interface MeasuredStatement {
  readonly sites: readonly string[]
  readonly text: string
  /** The ways in which it reads tables, from the top of its plan. */
  readonly plan: string
  readonly cost: number
  /** Reading to the end of tables that can grow. */
  readonly scans: readonly string[]
  /** Undefined if it cannot run with the values of its test. */
  readonly ms: number | undefined
  readonly buffers: number | undefined
}

interface Analysed {
  readonly Plan: { readonly 'Shared Hit Blocks': number; readonly 'Shared Read Blocks': number }
  readonly 'Execution Time': number
}

/** Plans a statement and runs it once, in a transaction that is rolled back. */
export async function measureStatement(
  client: Pick<Client, 'query'>,
  statement: Statement,
  isGrown: (table: string) => boolean,
): Promise<MeasuredStatement> {
  const plan = await explain(client, statement)
  const ran = await run(client, statement)
  return {
    sites: statement.sites,
    text: statement.text,
    plan: readsOf(plan).join(', '),
    cost: plan['Total Cost'],
    scans: findScans(plan, isGrown),
    ms: ran?.['Execution Time'],
    buffers: ran && ran.Plan['Shared Hit Blocks'] + ran.Plan['Shared Read Blocks'],
  }
}

async function run(client: Pick<Client, 'query'>, { text, values }: Statement): Promise<Analysed | undefined> {
  await client.query('BEGIN')
  try {
    const { rows } = await client.query<{ 'QUERY PLAN': [Analysed] }>({
      text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
      values: [...values],
    })
    return rows[0]?.['QUERY PLAN'][0]
  } catch {
    // For example, a row with this key is there already.
    return undefined
  } finally {
    await client.query('ROLLBACK')
  }
}

function readsOf(node: PlanNode): string[] {
  const { 'Node Type': type, 'Relation Name': table, 'Index Name': index, Plans: parts = [] } = node
  const place = index ?? table
  return [...(place === undefined ? [] : [`${type} ${place}`]), ...parts.flatMap(readsOf)]
}
