import type pg from 'pg'
import { COUNTING, type StatementRow } from '../decide/read-statements.ts'

/** The operators around which a graph is wanted: by their ids, or all of one domain. */
export type Around = { readonly ids: readonly string[] } | { readonly domain: string }

/** Who wants to see the graph: everybody sees public statements, and an operator also its own. */
export type Viewer = { readonly kind: 'admin' | 'anyone' } | { readonly kind: 'operator'; readonly operatorId: string }

/** A statement that the viewer may see. */
export interface VisibleRow extends StatementRow {
  readonly isPublic: boolean
}

/** The statements that a viewer may see. */
export interface Visible {
  readonly statements: readonly VisibleRow[]
  /** Whether there are more than everybody may read at once. */
  readonly isPart: boolean
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
/** The most that everybody may read at once. One caller can have many addresses, so one answer must cost little. */
export const MOST_PUBLIC = { statements: 500, bytes: 256 * 1024 }

/** $1: whether the viewer is the administrator; $2: the operator that views. */
const VISIBLE = `${COUNTING} AND ($1::boolean OR s.is_public OR (s.signer_id = $2::uuid AND s.home = d.issuer)
  OR (s.subject_id = $2::uuid AND s.subject_home = d.issuer))`
/** Conditions, by the place of their value among the parameters. */
const all = () => ''
const atDomain = (value: string) => `AND (s.domain = ${value} OR s.subject_domain = ${value})`
const atIds = (value: string) => `AND (s.signer_id = ANY (${value}::uuid[]) OR s.subject_id = ANY (${value}::uuid[]))`
/** Adds whether a statement is public. */
const shown = (where: string) => `SELECT shown.*, t.is_public AS "isPublic"
FROM (${VISIBLE} ${where} ORDER BY s.edge_id LIMIT ${MAX_ROWS}) shown
JOIN trust_statements t ON t.edge_id = shown.id::uuid ORDER BY t.edge_id`

/** The public statements up to one more than everybody may read, with the bytes of all up to each. */
const publicOnes = (where: string) => `SELECT * FROM (
  SELECT shown.*, true AS "isPublic", sum(octet_length(t.statement)) OVER (ORDER BY t.edge_id)::float8 AS bytes,
    octet_length(t.statement) AS size
  FROM (${COUNTING} AND s.is_public ${where} ORDER BY s.edge_id LIMIT ${MOST_PUBLIC.statements + 1}) shown
  JOIN trust_statements t ON t.edge_id = shown.id::uuid
) page WHERE bytes - size <= ${MOST_PUBLIC.bytes} ORDER BY id`

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
): Promise<Visible> {
  const read = viewer.kind === 'anyone' ? readPublic(pool) : readAll(pool, viewer)
  if (around === undefined) return read(all)
  const first = await ('ids' in around ? read(atIds, around.ids) : read(atDomain, around.domain))
  const second = await read(atIds, [...operatorsOf(first.statements), ...near])
  return { ...second, isPart: first.isPart || second.isPart }
}

/** Reads statements that fulfil a condition, which has a value. */
type Read = (where: (value: string) => string, ...value: readonly unknown[]) => Promise<Visible>

function readAll(pool: Pick<pg.Pool, 'query'>, viewer: Viewer): Read {
  const operatorId = viewer.kind === 'operator' ? viewer.operatorId : null
  return async (where, ...value) => {
    const values = [viewer.kind === 'admin', operatorId, ...value]
    return { statements: (await pool.query<VisibleRow>(shown(where('$3')), values)).rows, isPart: false }
  }
}

function readPublic(pool: Pick<pg.Pool, 'query'>): Read {
  return async (where, ...value) => {
    const { rows } = await pool.query<VisibleRow & { readonly bytes: number }>(publicOnes(where('$1')), [...value])
    const isPart = rows.length > MOST_PUBLIC.statements || (rows.at(-1)?.bytes ?? 0) > MOST_PUBLIC.bytes
    return { statements: rows, isPart }
  }
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
