import type { TrustStatement } from '@auth4agent/core/trust/statement'
import type { TrustStatement as Row } from '../../../gen/prisma/client.ts'
import type { TrustKind } from '../../../gen/prisma/enums.ts'
import type { Tx } from '../../platform/db/db.ts'
import { allowsLess } from './domain/allows-less.ts'
import { edgeId } from './domain/edge-id.ts'
import { subjectId } from './domain/subject-id.ts'
import { grantsOf, STORED_KINDS } from './messages.ts'

/** Largest number of statements of one signer that count or wait. It bounds the graph that every process holds. */
export const MAX_LIVE_STATEMENTS = 1_000

/**
 * All statements of one signer and kind about one subject: the versions of one edge. The home is part of it, because a
 * domain of another deployment can claim the id of an operator of this one.
 */
interface Series {
  readonly home: string
  readonly signerId: string
  readonly kind: TrustKind
  readonly subjectId: string
}

/** A statement to store. Its signature, signer and subject were checked. */
export interface CheckedStatement {
  readonly statement: TrustStatement
  /** The JWS, and the thumbprint of the key that signed it. */
  readonly text: string
  readonly kid: string
  /** The time of the change. */
  readonly at: Date
  /** For a statement of another deployment: the row of its issuer, and the epoch of its signer there. */
  readonly issuerId?: string
  readonly signerEpoch?: number
}

/**
 * What became of a statement. `known`: the signer has a statement with this jti already. `older`: its version is not
 * above `version`. `gap`: it begins later, and `version` is in force now. `full`: the signer has the largest number of
 * statements.
 */
export type StoreOutcome =
  | { readonly outcome: 'stored' | 'known'; readonly row: Row }
  | { readonly outcome: 'older' | 'gap'; readonly version: number }
  | { readonly outcome: 'full' }

/**
 * Lets only one transaction at a time change the statements and proposals of an operator. A row cannot be locked for
 * this, because the first statement of a series has none before it.
 */
export async function lockSigner(tx: Tx, operatorId: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('trust ' || ${operatorId}::text, 0))`
}

/**
 * Stores a statement. The newest version of a series takes the place of the one before. If it allows less, everything
 * that the one before allowed ends.
 */
export async function storeStatement(tx: Tx, checked: CheckedStatement): Promise<StoreOutcome> {
  const { statement, at } = checked
  const { home, iss: signerId, jti, kind } = statement
  await lockSigner(tx, signerId)
  const known = await tx.trustStatement.findFirst({ where: { home, signerId, jti } })
  if (known !== null) return { outcome: 'known', row: known }
  const series: Series = { home, signerId, kind: STORED_KINDS[kind], subjectId: subjectId(statement) }
  const latest = await tx.trustStatement.findFirst({ where: series, orderBy: { version: 'desc' } })
  if (latest !== null && statement.version <= latest.version) return { outcome: 'older', version: latest.version }
  const next = rowOf(series, checked)
  const before = await tx.trustStatement.findFirst({ where: { ...series, replacedAt: null, endedAt: null } })
  if (before === null && (await isFull(tx, series, at))) return { outcome: 'full' }
  if (before !== null && leavesGap(next, before, at)) return { outcome: 'gap', version: before.version }
  if (before !== null) await replace(tx, series, before, next, at)
  const row = await tx.trustStatement.create({ data: next })
  // Owners of audiences are operators of this deployment, and the log of another one names its edges by their own ids.
  if (kind === 'blocks' && checked.issuerId === undefined) await beginAnew(tx, series, at)
  return { outcome: 'stored', row }
}

type NewRow = ReturnType<typeof rowOf>

function rowOf(series: Series, { statement, text, kid, at, issuerId, signerEpoch }: CheckedStatement) {
  const { domain, subHome, subDomain, depth = 0, grants, aud, visibility, jti, version } = statement
  return {
    edgeId: edgeId(statement),
    jti,
    ...series,
    domain,
    subjectHome: subHome,
    subjectDomain: subDomain,
    depth,
    grants: grants.map(({ audience, scopes }) => ({ audience, scopes: copy(scopes) })),
    aud: [...aud],
    isPublic: visibility === 'public',
    version,
    issuedAt: new Date(statement.iat * 1_000),
    notBefore: beginOf(statement, at),
    expiresAt: new Date(statement.exp * 1_000),
    statement: text,
    kid,
    putAt: at,
    ...(issuerId !== undefined && { issuerId }),
    ...(signerEpoch !== undefined && { signerEpoch }),
  }
}

/**
 * Returns when a statement begins. The clock of its signer may be ahead, so one that begins when it was signed begins
 * now. Otherwise neither it nor the version that it replaces would count until then.
 */
function beginOf({ iat, nbf }: TrustStatement, at: Date): Date {
  const begin = new Date(nbf * 1_000)
  return nbf === iat && begin > at ? at : begin
}

/** Copies a map of scopes, because Prisma takes no read-only lists. */
function copy(scopes: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(scopes).map(([scope, effective]) => [scope, [...effective]]))
}

async function isFull(tx: Tx, { home, signerId }: Series, at: Date): Promise<boolean> {
  const live = { home, signerId, replacedAt: null, endedAt: null, expiresAt: { gt: at } }
  return (await tx.trustStatement.count({ where: live })) >= MAX_LIVE_STATEMENTS
}

/** Tells whether neither version would count for a while. */
function leavesGap(next: NewRow, before: Row, at: Date): boolean {
  return before.notBefore <= at && before.expiresAt > at && next.notBefore > at
}

async function replace(tx: Tx, series: Series, before: Row, next: NewRow, at: Date): Promise<void> {
  await tx.trustStatement.update({ where: { edgeId: before.edgeId }, data: { replacedAt: at } })
  if (!allowsLess(next, { ...before, grants: grantsOf(before) })) return
  // Versions that were replaced earlier allowed no more than the last one, and decisions may still rest on them.
  const unended = { ...series, endedAt: null, expiresAt: { gt: at } }
  await tx.trustStatement.updateMany({ where: unended, data: { endedAt: at, end: 'narrowed' } })
}

/**
 * Gives the signer's other edges that can lead to a blocked operator new ids. The revocation log then names the old
 * ids, so that everything that was decided through them is decided again, with the block. A process would learn of a
 * new row too late. A decision may still rest on a replaced version.
 */
async function beginAnew(tx: Tx, { home, signerId, subjectId: blocked }: Series, at: Date): Promise<void> {
  await tx.$executeRaw`UPDATE trust_statements SET edge_id = gen_random_uuid()
    WHERE home = ${home} AND signer_id = ${signerId}::uuid AND ended_at IS NULL AND expires_at > ${at}
      AND (kind = 'accepts-members-of' OR (kind = 'lets-call' AND subject_id = ${blocked}::uuid))`
}
