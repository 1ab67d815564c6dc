import type { TrustStatement } from '@auth4agent/core/trust/statement'
import { change, systemAuthor } from '../../../ledger/ledger.ts'
import type { Tx } from '../../../platform/db/db.ts'
import type { TrustDeps } from '../../config.ts'
import type { KnownIssuer } from '../../issuers/known-issuer.ts'
import { edgeId } from '../domain/edge-id.ts'
import { verifyTrustStatement } from '../domain/verify-statement.ts'
import { type CheckedStatement, storeStatement } from '../store.ts'

/** A statement as another deployment lists it. */
export interface Published {
  readonly statement: string
  readonly signerEpoch: number
}

type StoreDeps = Pick<TrustDeps, 'db' | 'issuer' | 'now' | 'settings'>
interface Checked extends Pick<CheckedStatement, 'statement' | 'text' | 'kid'> {
  readonly signerEpoch: number
}
/** A statement that is new, listed again, or whose signer has another epoch than before. */
interface Changed extends Checked {
  readonly hasNewEpoch: boolean
}

const JOB = 'read-published'
/** Changes in one transaction, with one audit record, so that a list that changes all the time fills no audit. */
const CHUNK = 50
/** The most rows of one issuer, those included that no longer count. Old ones of them are deleted. */
const MAX_ROWS = 20_000
/** How long a statement is kept that no longer counts, in milliseconds. */
const KEEP_MS = 604_800_000

/**
 * Checks and stores what is new on a page. Returns the statements that are listed, and why another one was refused.
 */
export async function storePublished(
  deps: StoreDeps,
  issuer: KnownIssuer,
  page: readonly Published[],
): Promise<{ readonly statements: readonly TrustStatement[]; readonly problem: string | undefined }> {
  const checked: Checked[] = []
  const latestS = deps.now() / 1_000 + deps.settings.skewS
  let problem: string | undefined
  for (const { statement: text, signerEpoch } of page) {
    const verified = verifyTrustStatement(text)
    if (!verified.ok) problem = verified.text
    else if (verified.statement.home !== issuer.issuer || !verified.statement.aud.includes(deps.issuer)) {
      problem = 'A listed statement is of another deployment, or does not count here'
    } else if (verified.statement.iat > latestS) problem = 'iat of a listed statement is in the future'
    else checked.push({ statement: verified.statement, text, kid: verified.thumbprint, signerEpoch })
  }
  const edges = checked.map(({ statement }) => edgeId(statement))
  const rows = await deps.db.prisma.trustStatement.findMany({
    where: { edgeId: { in: edges } },
    select: { edgeId: true, unlistedAt: true, signerEpoch: true },
  })
  const known = new Map(rows.map((row) => [row.edgeId, row]))
  const changed = checked.flatMap((each): Changed[] => {
    const row = known.get(edgeId(each.statement))
    const hasNewEpoch = row !== undefined && row.signerEpoch !== each.signerEpoch
    return row === undefined || row.unlistedAt !== null || hasNewEpoch ? [{ ...each, hasNewEpoch }] : []
  })
  for (let first = 0; first < changed.length; first += CHUNK) {
    if (!(await storeChunk(deps, issuer, changed.slice(first, first + CHUNK)))) problem = 'TOO_MANY_STATEMENTS'
  }
  return { statements: checked.map(({ statement }) => statement), problem }
}

/** Returns false if the issuer has too many rows for what is new. */
async function storeChunk({ db, now }: StoreDeps, { id, issuer }: KnownIssuer, chunk: readonly Changed[]) {
  return change(db.prisma, systemAuthor(JOB), async (tx, audit) => {
    const isFull = (await tx.trustStatement.count({ where: { issuerId: id } })) > MAX_ROWS - CHUNK
    const stored: Changed[] = []
    for (const each of chunk) if (await storeOne(tx, id, each, { isFull, at: new Date(now()) })) stored.push(each)
    if (stored.length > 0) await audit({ action: 'trust.read', subject: issuer, reason: describe(stored) })
    return !isFull
  })
}

/** Says how many statements have changed, and which signers have a new epoch. */
function describe(stored: readonly Changed[]): string {
  const epochs = stored.flatMap(({ hasNewEpoch, statement, signerEpoch }) =>
    hasNewEpoch ? [`epoch of ${statement.iss} is ${signerEpoch}`] : [],
  )
  return [`${stored.length} statements`, ...new Set(epochs)].join(', ')
}

async function storeOne(tx: Tx, issuerId: string, checked: Checked, { isFull, at }: { isFull: boolean; at: Date }) {
  const { signerEpoch, statement } = checked
  const where = { edgeId: edgeId(statement), issuerId }
  const { count } = await tx.trustStatement.updateMany({ where, data: { unlistedAt: null, signerEpoch } })
  if (count > 0) return true
  if (isFull) return false
  const { outcome } = await storeStatement(tx, { ...checked, issuerId, at })
  return outcome === 'stored'
}

/**
 * Notes which statements of an issuer are no longer listed. They do not count until they are listed again. Deletes
 * those that have not counted for a week: they are proof of nothing here.
 */
export async function noteUnlisted(
  { db, now }: StoreDeps,
  { id, issuer }: KnownIssuer,
  listed: readonly string[],
): Promise<void> {
  const where = { issuerId: id, unlistedAt: null, endedAt: null, replacedAt: null, edgeId: { notIn: [...listed] } }
  const old = new Date(now() - KEEP_MS)
  const gone = [
    { unlistedAt: { lt: old } },
    { endedAt: { lt: old } },
    { replacedAt: { lt: old } },
    { expiresAt: { lt: old } },
  ]
  const isDue = { OR: [where, { issuerId: id, OR: gone }] }
  if ((await db.prisma.trustStatement.findFirst({ where: isDue, select: { edgeId: true } })) === null) return
  await change(db.prisma, systemAuthor(JOB), async (tx, audit) => {
    const { count } = await tx.trustStatement.updateMany({ where, data: { unlistedAt: new Date(now()) } })
    const { count: deleted } = await tx.trustStatement.deleteMany({ where: { issuerId: id, OR: gone } })
    const reason = `${count} no longer listed, ${deleted} deleted`
    await audit({ action: 'trust.unlist', subject: issuer, reason })
  })
}
