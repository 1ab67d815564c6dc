import { isJsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { edgeId } from '@auth4agent/core/trust/edge-id'
import { verifyTrustStatement } from '@auth4agent/core/trust/verify-statement'
import { change, systemAuthor } from '../../ledger/ledger.ts'
import { OutboundError } from '../../platform/outbound/outbound-error.ts'
import type { TrustDeps } from '../config.ts'
import type { KnownIssuer } from '../knowledge/known-issuer.ts'
import { type CheckedStatement, storeStatement } from '../statements/store.ts'
import type { Authorize } from './foreign-calls.ts'

/** Dependencies of readPublished. */
export interface ReadPublishedDeps extends Pick<TrustDeps, 'db' | 'issuer' | 'outbound' | 'now' | 'knowledge' | 'log'> {
  readonly authorize: Authorize
}

/** Time between two readings of an issuer's statements, in seconds. */
const INTERVAL_S = 30
const MAX_BYTES = 1_048_576
/** The most statements of one issuer that count here. A page has at least one, so this bounds the pages too. */
const MAX_STATEMENTS = 1_000

/**
 * Reads the statements of other deployments that are meant to count here, from each issuer whose turn it is. A
 * statement that an issuer no longer lists does not count until it is listed again. What ends for good, the issuer's
 * revocation log tells.
 */
export async function readPublished(deps: ReadPublishedDeps): Promise<void> {
  const { db, knowledge, log } = deps
  for (const [id, issuer] of await claimDue(deps)) {
    const known = knowledge.copy?.issuers.get(issuer)
    if (known === undefined) continue
    const problem = await readFrom(deps, known).catch((error: unknown) => {
      log.warn({ issuer, error }, "an issuer's trust statements could not be read")
      return error instanceof OutboundError ? error.why : 'MALFORMED'
    })
    await db.prisma.issuer.update({ where: { id }, data: { statementsProblem: problem ?? '' } })
  }
}

/** Raises the time of the next reading, so that one process reads for all. */
async function claimDue({ db }: ReadPublishedDeps): Promise<readonly (readonly [string, string])[]> {
  const { rows } = await db.pool.query<{ readonly id: string; readonly issuer: string }>(
    `UPDATE issuers SET statements_due_at = now() + make_interval(secs => $1) WHERE id IN (
       SELECT id FROM issuers WHERE status = 'enabled' AND revocation_mode = 'log' AND statements_due_at <= now()
       FOR UPDATE SKIP LOCKED)
     RETURNING id::text, issuer`,
    [INTERVAL_S],
  )
  return rows.map(({ id, issuer }) => [id, issuer])
}

interface Published {
  readonly statement: string
  readonly signerEpoch: number
}

/** Returns why something listed was refused, or undefined. */
async function readFrom(deps: ReadPublishedDeps, issuer: KnownIssuer): Promise<string | undefined> {
  const listed = await list(deps, issuer)
  const stored: string[] = []
  let problem: string | undefined
  for (const { statement: text, signerEpoch } of listed) {
    const verified = verifyTrustStatement(text)
    if (!verified.ok) {
      problem = verified.text
      continue
    }
    const { statement, thumbprint } = verified
    if (statement.home !== issuer.issuer || !statement.aud.includes(deps.issuer)) {
      problem = 'A listed statement is of another deployment, or does not count here'
      continue
    }
    stored.push(await store(deps, issuer, { statement, text, kid: thumbprint, signerEpoch }))
  }
  await noteUnlisted(deps, issuer, stored)
  return problem
}

async function list({ outbound, authorize, issuer: own }: ReadPublishedDeps, issuer: KnownIssuer) {
  const listed: Published[] = []
  for (let after = '', isLast = false; !isLast; ) {
    const url = new URL(`${issuer.issuer}/v1/trust/published`)
    url.searchParams.set('audience', own)
    if (after !== '') url.searchParams.set('after', after)
    const headers = { authorization: await authorize(issuer, url.href) }
    const { body } = await outbound.get(url.href, { accept: ['application/json'], maxBytes: MAX_BYTES, headers })
    const page = readPage(body)
    if (page === undefined) throw new TypeError('The list of published statements is malformed')
    listed.push(...page.statements)
    if (listed.length > MAX_STATEMENTS) throw new RangeError(`An issuer may publish ${MAX_STATEMENTS} statements`)
    isLast = page.next === '' || page.statements.length === 0
    after = page.next
  }
  return listed
}

function readPage(body: Uint8Array): { statements: readonly Published[]; next: string } | undefined {
  const json = parseStrictJson(body)
  if (!json.ok) return undefined
  const { statements = [], next = '' } = json.value
  if (!Array.isArray(statements) || typeof next !== 'string') return undefined
  const read = statements.flatMap((entry: unknown): Published[] => {
    if (!isJsonObject(entry)) return []
    const { statement, signer_epoch: signerEpoch } = entry
    return typeof statement === 'string' && typeof signerEpoch === 'number' && Number.isInteger(signerEpoch)
      ? [{ statement, signerEpoch }]
      : []
  })
  return read.length === statements.length ? { statements: read, next } : undefined
}

/** Stores a statement that is new, and returns its edge. */
async function store(
  { db, now }: ReadPublishedDeps,
  { id }: KnownIssuer,
  checked: Pick<CheckedStatement, 'statement' | 'text' | 'kid'> & { readonly signerEpoch: number },
): Promise<string> {
  const edge = edgeId(checked.statement)
  const { signerEpoch } = checked
  const before = await db.prisma.trustStatement.findUnique({ where: { edgeId: edge } })
  if (before?.unlistedAt === null && before.signerEpoch === signerEpoch) return edge
  await change(db.prisma, systemAuthor('read-published'), async (tx, audit) => {
    const subject = checked.statement.jti
    if (before === null) {
      const { outcome } = await storeStatement(tx, { ...checked, issuerId: id, at: new Date(now()) })
      if (outcome === 'stored') await audit({ action: 'trust.read', subject, reason: checked.statement.home })
      return
    }
    await tx.trustStatement.update({ where: { edgeId: edge }, data: { unlistedAt: null, signerEpoch } })
    if (before.unlistedAt !== null) await audit({ action: 'trust.relist', subject, reason: before.home })
  })
  return edge
}

/** Notes which statements of an issuer are no longer listed. They do not count until they are listed again. */
async function noteUnlisted(
  { db, now }: ReadPublishedDeps,
  { id }: KnownIssuer,
  listed: readonly string[],
): Promise<void> {
  const where = { issuerId: id, unlistedAt: null, endedAt: null, replacedAt: null, edgeId: { notIn: [...listed] } }
  const gone = await db.prisma.trustStatement.findMany({ where, select: { edgeId: true, jti: true, home: true } })
  for (const { edgeId: edge, jti: subject, home } of gone) {
    await change(db.prisma, systemAuthor('read-published'), async (tx, audit) => {
      await tx.trustStatement.update({ where: { edgeId: edge }, data: { unlistedAt: new Date(now()) } })
      await audit({ action: 'trust.unlist', subject, reason: home })
    })
  }
}

/**
 * Ends a statement of another deployment because that deployment's log has ended it. The log of one deployment ends
 * only the statements that were read from it.
 */
export async function endForeignEdge(
  { db, now }: Pick<ReadPublishedDeps, 'db' | 'now'>,
  issuerId: string,
  edge: string,
): Promise<void> {
  const where = { edgeId: edge, issuerId, endedAt: null }
  // Most records are about edges that do not count here.
  const row = await db.prisma.trustStatement.findFirst({ where, select: { jti: true, home: true } })
  if (row === null) return
  await change(db.prisma, systemAuthor('foreign-log'), async (tx, audit) => {
    const { count } = await tx.trustStatement.updateMany({
      where,
      data: { endedAt: new Date(now()), end: 'revoked' },
    })
    if (count > 0) await audit({ action: 'trust.end', subject: row.jti, reason: row.home })
  })
}
