import { isJsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { msSince, present } from '@auth4agent/core/platform/moment'
import { MAX_STATEMENT_BYTES } from '@auth4agent/core/trust/statement'
import { OutboundError } from '../../../platform/outbound/outbound-error.ts'
import type { TrustDeps } from '../../config.ts'
import type { KnownIssuer } from '../../issuers/known-issuer.ts'
import type { Authorize } from '../../issuers/own-secrets.ts'
import { edgeId } from '../domain/edge-id.ts'
import { noteUnlisted, type Published, storePublished } from './store-published.ts'

/** Dependencies of readPublished. */
export interface ReadPublishedDeps extends Pick<TrustDeps, 'db' | 'issuer' | 'now' | 'knowledge' | 'settings'> {
  readonly outbound: Pick<TrustDeps['outbound'], 'get'>
  readonly log: Pick<TrustDeps['log'], 'warn'>
  readonly authorize: Authorize
}

/** Time between two readings of an issuer's statements, in seconds. */
const INTERVAL_S = 30
const MAX_BYTES = 1_048_576
/** Time for all pages of one issuer, in milliseconds. */
const MAX_READING_MS = 10_000
/** The most statements of one issuer that are read. Each of its operators may have a thousand. */
const MAX_STATEMENTS = 10_000
/** A page may be empty, because an issuer leaves out the statements of operators that are not active. */
const MAX_PAGES = 100

/**
 * Reads the statements of other deployments that are meant to count here, from each issuer whose turn it is. A
 * statement that an issuer no longer lists does not count until it is listed again. What ends for good, the issuer's
 * revocation log tells.
 */
export async function readPublished(deps: ReadPublishedDeps): Promise<void> {
  const due = await claimDue(deps)
  // Together, so that an issuer that answers slowly delays no other. Each has a time limit of its own.
  await Promise.all(due.map(([id, issuer]) => readOne(deps, id, issuer)))
}

async function readOne(deps: ReadPublishedDeps, id: string, issuer: string): Promise<void> {
  const { db, knowledge, log } = deps
  const known = knowledge.copy.issuers.get(issuer)
  if (known === undefined) return
  const began = new Date(deps.now())
  try {
    const problem = await readFrom(deps, known)
    // Only a whole list proves that what it contains still counts.
    await db.prisma.issuer.update({ where: { id }, data: { statementsProblem: problem ?? '', statementsAsOf: began } })
  } catch (error) {
    log.warn({ issuer, error }, "an issuer's trust statements could not be read")
    const why = error instanceof OutboundError ? error.why : 'MALFORMED'
    await db.prisma.issuer.update({ where: { id }, data: { statementsProblem: why } })
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

/** Reads and stores page by page. Returns why something listed was refused, or undefined. */
async function readFrom(deps: ReadPublishedDeps, issuer: KnownIssuer): Promise<string | undefined> {
  const { outbound, authorize, issuer: own } = deps
  const listed: string[] = []
  let problem: string | undefined
  let after = ''
  const began = present()
  for (let pages = 0; pages === 0 || after !== ''; pages += 1) {
    if (pages === MAX_PAGES) throw new RangeError(`An issuer may list its statements on ${MAX_PAGES} pages`)
    const url = new URL(`${issuer.issuer}/v1/trust/published`)
    url.searchParams.set('audience', own)
    if (after !== '') url.searchParams.set('after', after)
    const timeoutMs = MAX_READING_MS - msSince(began)
    if (timeoutMs <= 0) throw new OutboundError('TIMEOUT', `${issuer.issuer} did not list its statements in time`)
    const headers = { authorization: await authorize(issuer, url.href) }
    const wanted = { accept: ['application/json'], maxBytes: MAX_BYTES, timeoutMs, headers }
    const { body } = await outbound.get(url.href, wanted)
    const page = readPage(body)
    if (page === undefined) throw new TypeError('The list of published statements is malformed')
    const stored = await storePublished(deps, issuer, page.statements)
    listed.push(...stored.statements.map((statement) => edgeId(statement)))
    problem ??= stored.problem
    if (listed.length > MAX_STATEMENTS) throw new RangeError(`An issuer may publish ${MAX_STATEMENTS} statements`)
    after = page.next
  }
  await noteUnlisted(deps, issuer, listed)
  return problem
}

function readPage(body: Uint8Array): { statements: readonly Published[]; next: string } | undefined {
  const json = parseStrictJson(body)
  if (!json.ok) return undefined
  const { statements = [], next = '' } = json.value
  if (!Array.isArray(statements) || typeof next !== 'string') return undefined
  const read = statements.flatMap((entry: unknown): Published[] => {
    if (!isJsonObject(entry)) return []
    const { statement, signer_epoch: signerEpoch } = entry
    const isText = typeof statement === 'string' && statement.length <= MAX_STATEMENT_BYTES
    return isText && typeof signerEpoch === 'number' && Number.isInteger(signerEpoch)
      ? [{ statement, signerEpoch }]
      : []
  })
  return read.length === statements.length ? { statements: read, next } : undefined
}
