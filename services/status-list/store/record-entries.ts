import type pg from 'pg'
import { KEEP_BEYOND_EXPIRY_S } from '../../ledger/ledger.ts'
import type { TokenEnds } from '../domain/describe-token.ts'

/** The place of a new token, and what can end the token. */
export interface Entry {
  readonly listId: string
  readonly index: number
  readonly ends: TokenEnds
}

/**
 * Records entries. A place in a list is void if the database may have lost entries of the list since the block was
 * reserved, or if all tokens of the deployment have ended. A place that has an entry already is an error.
 */
const RECORD = `
INSERT INTO status_entries (list_id, idx, part, operator_id, sub, jti, agent_epoch, operator_epoch, kid, edges, issuer,
  generation, chained, keep_until)
SELECT e.list_id, e.idx, e.part, e.operator_id, e.sub, e.jti, e.agent_epoch, e.operator_epoch, e.kid,
  ARRAY(SELECT jsonb_array_elements_text(e.edges)), e.issuer, e.generation, e.chained, to_timestamp(e.keep_until)
FROM jsonb_to_recordset($1::jsonb) AS e (list_id uuid, idx int, part int, operator_id uuid, sub text, jti text,
  agent_epoch int, operator_epoch int, kid text, edges jsonb, issuer text, generation int, chained jsonb,
  keep_until float8)
JOIN status_lists l ON l.id = e.list_id AND l.timeline = wal_timeline() AND l.ends_at >= to_timestamp(e.keep_until)
  AND l.first_epoch = (SELECT first_epoch FROM deployment)
ORDER BY e.list_id, e.idx, e.part
RETURNING list_id::text AS "listId", idx AS index`

type Recorded = Pick<Entry, 'listId' | 'index'>

/**
 * Records entries in one statement, so in one commit. When this function returns, the entries are committed.
 *
 * @returns for each entry, in the order of the entries, whether it was recorded; it was not if its place is void
 */
export async function recordEntries(pool: pg.Pool, entries: readonly Entry[]): Promise<readonly boolean[]> {
  const values = [JSON.stringify(entries.flatMap(rowsOf))]
  const { rows } = await pool.query<Recorded>({ name: 'record-status-entries', text: RECORD, values })
  const recorded = new Set(rows.map(keyOf))
  return entries.map((entry) => recorded.has(keyOf(entry)))
}

function keyOf({ listId, index }: Recorded): string {
  return `${listId} ${index}`
}

function rowsOf({ listId, index, ends: { exp, lookups, chained } }: Entry) {
  return lookups.map(({ operatorId, sub, jti, agentEpoch, operatorEpoch, kid, edges = [], home, provider }, part) => ({
    list_id: listId,
    idx: index,
    part,
    operator_id: operatorId,
    sub,
    jti,
    agent_epoch: agentEpoch,
    operator_epoch: operatorEpoch,
    kid,
    edges,
    issuer: (home ?? provider)?.issuer,
    generation: (home ?? provider)?.generation,
    chained: part === 0 ? chained : undefined,
    keep_until: exp + KEEP_BEYOND_EXPIRY_S,
  }))
}
