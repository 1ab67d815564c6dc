import type pg from 'pg'
import { OWNER_STATUSES } from '../../operator-registry/index.ts'
import type { StatementRow } from '../decide/read-statements.ts'
import type { Around, Viewer } from './read-visible.ts'

/** An entry of the callers of an audience. */
export interface CallerRow {
  readonly edgeId: string
  readonly audience: string
  /** A domain, or `*` for every operator of this deployment. */
  readonly caller: string
  /** The owner of the audience. */
  readonly ownerId: string
  readonly ownerDomain: string
  /** The operator of this deployment that owns the caller's domain; null if there is none. */
  readonly callerId: string | null
}

/** One more than the most edges of an export, so that too many are noticed. */
const MAX_ROWS = 5_001
const OWNERS = `(${OWNER_STATUSES.map((status) => `'${status}'`).join(', ')})`

/** Conditions that indexes answer: on the row of the caller, and not on those of the operators that are joined. */
const domainsOf = (ids: string) => `ARRAY(SELECT domain FROM operators WHERE id = ANY (${ids}) AND status IN ${OWNERS})`
const at = (ids: string) => `c.operator_id = ANY (${ids}) OR c.caller = ANY (${domainsOf(ids)})`
const AT_DOMAIN = 'c.operator_id = ANY (ARRAY(SELECT id FROM operators WHERE domain = $2)) OR c.caller = $2'

/** $1: the operator that views, which sees its own lists and its entries, as a list; null for the administrator. */
const VISIBLE = `
SELECT c.edge_id::text AS "edgeId", c.audience, c.caller, o.id::text AS "ownerId", o.domain AS "ownerDomain",
  p.id::text AS "callerId"
FROM operator_audience_callers c
JOIN operators o ON o.id = c.operator_id
LEFT JOIN operators p ON p.domain = c.caller AND p.status IN ${OWNERS}
WHERE c.ended_at IS NULL`
const OF_ADMINISTRATOR = 'AND $1::uuid[] IS NULL'
const OF_OPERATOR = `AND (${at('$1::uuid[]')})`

/** Reads the callers that the viewer may see: all, or those of which an operator is the owner or the caller. */
export async function readCallers(
  pool: Pick<pg.Pool, 'query'>,
  viewer: Viewer,
  around: Around | undefined,
): Promise<readonly CallerRow[]> {
  if (viewer.kind === 'anyone') return []
  const where = conditionOf(around)
  const text = `${VISIBLE} ${viewer.kind === 'admin' ? OF_ADMINISTRATOR : OF_OPERATOR} ${where}
ORDER BY c.edge_id LIMIT ${MAX_ROWS}`
  const viewers = viewer.kind === 'operator' ? [viewer.operatorId] : null
  const values = around === undefined ? [] : ['ids' in around ? around.ids : around.domain]
  return (await pool.query<CallerRow>(text, [viewers, ...values])).rows
}

function conditionOf(around: Around | undefined): string {
  if (around === undefined) return ''
  return 'ids' in around ? `AND (${at('$2::uuid[]')})` : `AND (${AT_DOMAIN})`
}

/** Returns the ids of all operators of this deployment that callers name. */
export function partiesOf(callers: readonly CallerRow[]): string[] {
  return callers.flatMap(({ ownerId, callerId }) => (callerId === null ? [ownerId] : [ownerId, callerId]))
}

/** Returns the ids of the operators within one edge of the centre. */
export function nearOf(around: Around, statements: readonly StatementRow[], callers: readonly CallerRow[]): string[] {
  const isCentre = ({ operatorId, domain }: StatementRow['signer']) =>
    'ids' in around ? around.ids.includes(operatorId) : domain === around.domain
  const near = statements
    .filter(({ signer, subject }) => isCentre(signer) || isCentre(subject))
    .flatMap(({ signer, subject }) => [signer.operatorId, subject.operatorId])
  return [...new Set([...('ids' in around ? around.ids : []), ...near, ...partiesOf(callers)])]
}
