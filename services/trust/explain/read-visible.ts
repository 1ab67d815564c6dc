import type pg from 'pg'
import { COUNTING, type StatementRow } from '../knowledge/read-statements.ts'

/** The operators around which a graph is wanted: one id, or all of one domain. */
export type Around = { readonly id: string } | { readonly domain: string }

/** Who wants to see the graph: everybody sees public statements, and an operator also its own. */
export type Viewer = { readonly kind: 'admin' | 'anyone' } | { readonly kind: 'operator'; readonly operatorId: string }

/** A statement that the viewer may see. */
export interface VisibleRow extends StatementRow {
  readonly isPublic: boolean
}

/** A domain for which an enabled issuer speaks. */
export interface SpokenFor {
  readonly issuer: string
  readonly domain: string
  readonly operatorId: string
  readonly edgeId: string
}

/** One more than the most edges of an export, so that too many are noticed. */
const MAX_ROWS = 5_001

/** $1: whether the viewer is the administrator; $2: the operator that views. */
const VISIBLE = `${COUNTING} AND ($1::boolean OR s.is_public OR (s.signer_id = $2::uuid AND s.home = d.issuer)
  OR (s.subject_id = $2::uuid AND s.subject_home = d.issuer))`
const AT_DOMAIN = 's.domain = $3 OR s.subject_domain = $3'
const AT_IDS = 's.signer_id = ANY ($3::uuid[]) OR s.subject_id = ANY ($3::uuid[])'
/** Adds whether a statement is public. */
const shown = (where: string) => `SELECT shown.*, t.is_public AS "isPublic"
FROM (${VISIBLE} ${where} ORDER BY s.edge_id LIMIT ${MAX_ROWS}) shown
JOIN trust_statements t ON t.edge_id = shown.id::uuid ORDER BY t.edge_id`

const SPOKEN_FOR = `SELECT i.issuer, n.domain, n.operator_id::text AS "operatorId", n.edge_id::text AS "edgeId"
  FROM issuer_domains n JOIN issuers i ON i.id = n.issuer_id AND i.status = 'enabled' WHERE n.operator_id = ANY ($1::uuid[])`

/**
 * Reads the statements that count now and that the viewer may see: all, or those within two edges of an operator.
 * @param near ids of operators that are within one edge of it by other edges than statements
 */
export async function readVisible(
  pool: Pick<pg.Pool, 'query'>,
  viewer: Viewer,
  around: Around | undefined,
  near: readonly string[] = [],
): Promise<readonly VisibleRow[]> {
  const read = async (where: string, value?: unknown) => {
    const operatorId = viewer.kind === 'operator' ? viewer.operatorId : null
    const values = [viewer.kind === 'admin', operatorId, ...(value === undefined ? [] : [value])]
    return (await pool.query<VisibleRow>(shown(where), values)).rows
  }
  if (around === undefined) return read('')
  const first =
    'id' in around ? await read(`AND (${AT_IDS})`, [around.id]) : await read(`AND (${AT_DOMAIN})`, around.domain)
  return read(`AND (${AT_IDS})`, [...operatorsOf(first), ...near])
}

/** Reads which enabled issuers speak for operators. */
export async function readSpokenFor(
  pool: Pick<pg.Pool, 'query'>,
  operators: readonly string[],
): Promise<readonly SpokenFor[]> {
  return (await pool.query<SpokenFor>(SPOKEN_FOR, [operators])).rows
}

/** Returns the ids of all operators that statements name. */
export function operatorsOf(rows: readonly StatementRow[]): string[] {
  return [...new Set(rows.flatMap(({ signer, subject }) => [signer.operatorId, subject.operatorId]))]
}
