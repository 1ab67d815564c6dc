import type { Issuer, PrismaClient } from '../../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../../ledger/ledger.ts'
import type { Tx } from '../../../platform/db/db.ts'
import { type IssuerRow, lockIssuer } from '../store.ts'
import type { FetchedSet } from './fetch-key-set.ts'
import { type KeyChanges, mergeKeys, type OfferedKey } from './merge-keys.ts'

/** What one fetch has brought, and when the next one is due. Times are in Unix milliseconds. */
export interface KeyFetch extends FetchedSet {
  readonly began: number
  readonly dueAt: number
  /** The trust chain that led to these keys; undefined for an issuer that the administrator vouches for. */
  readonly chainId?: string
}

/**
 * Milliseconds that a claim lasts, and the pause after a failed fetch. A fetch takes at most 20 seconds: 10 for the
 * discovery document, and 10 for the keys.
 */
const KEYS_LEASE_MS = 30_000
/** How many keys of an issuer are remembered. Beyond it, those that were withdrawn first are forgotten. */
const MAX_REMEMBERED = 256

/** Claims at most `limit` enabled issuers whose keys are due, so that no other process fetches them too. */
export function claimDueIssuers(prisma: PrismaClient, now: number, limit: number): Promise<Issuer[]> {
  return prisma.$transaction(async (tx) => {
    const due = await tx.$queryRaw<{ id: string }[]>`
      SELECT "id"::text FROM "issuers" WHERE "status" = 'enabled' AND "keys_due_at" <= ${new Date(now)}
      ORDER BY "keys_due_at" LIMIT ${limit} FOR UPDATE SKIP LOCKED`
    const where = { id: { in: due.map(({ id }) => id) } }
    await tx.issuer.updateMany({ where, data: { keysDueAt: new Date(now + KEYS_LEASE_MS) } })
    return tx.issuer.findMany({ where })
  })
}

/** Records why a fetch has failed. The keys that are known stay as they are. */
export async function recordKeyProblem(prisma: PrismaClient, id: string, problem: string): Promise<void> {
  await prisma.issuer.update({ where: { id }, data: { keysProblem: problem } })
}

/**
 * Compares a fetched set with the known keys, and writes what has changed. Does nothing when the issuer has been
 * disabled meanwhile, when a later fetch has been written already, or when another trust chain counts now.
 *
 * @returns the changes, or undefined if nothing was done
 */
export function recordKeys(
  prisma: PrismaClient,
  author: Author,
  id: string,
  fetched: KeyFetch,
): Promise<KeyChanges | undefined> {
  return change(prisma, author, async (tx, audit) => {
    const issuer = await lockIssuer(tx, id)
    const isLate = issuer.keysAsOf !== null && issuer.keysAsOf.getTime() > fetched.began
    if (issuer.status === 'disabled' || isLate || !(await isCurrent(tx, issuer, fetched))) return undefined
    const ours = await findOurs(tx, fetched.keys)
    const changes = mergeKeys({ known: issuer.keys, offered: fetched.keys, ours, now: fetched.began })
    await applyKeys({ tx, audit, issuer, at: new Date(fetched.began) }, changes)
    const { date, dueAt } = fetched
    const last = issuer.keysDate
    const keysDate = date !== undefined && (last === null || date > last) ? date : last
    const keysProblem = problemOf(changes, fetched.keys)
    const data = { keysAsOf: new Date(fetched.began), keysDate, keysDueAt: new Date(dueAt), keysProblem }
    await tx.issuer.update({ where: { id }, data })
    return changes
  })
}

/** The pins of the anchor may have been replaced while the keys were fetched. Then another chain counts, or none. */
async function isCurrent(tx: Tx, { issuer, anchor }: IssuerRow, { chainId }: KeyFetch): Promise<boolean> {
  if (anchor === null) return chainId === undefined
  const chain = await tx.trustChain.findUnique({ where: { subject: issuer }, select: { id: true, anchorId: true } })
  return chain?.id === chainId && chain?.anchorId === anchor
}

/** Returns the thumbprints of offered keys that are keys of this deployment. */
async function findOurs(tx: Tx, offered: readonly OfferedKey[]): Promise<ReadonlySet<string>> {
  const thumbprints = offered.map(({ thumbprint }) => thumbprint)
  // Raw SQL, because Prisma cannot read keys with a purpose of a newer version.
  const ours = await tx.$queryRaw<{ kid: string }[]>`SELECT kid FROM jwks_keys WHERE kid = ANY(${thumbprints})`
  return new Set(ours.map(({ kid }) => kid))
}

interface Applying {
  readonly tx: Tx
  readonly audit: Audit
  readonly issuer: IssuerRow
  readonly at: Date
}

async function applyKeys({ tx, audit, issuer, at }: Applying, changes: KeyChanges): Promise<void> {
  const { inserted, returned, absent, withdrawn } = changes
  const of = (kids: readonly string[]) => ({ issuerId: issuer.id, kid: { in: [...kids] } })
  if (inserted.length > 0) {
    const common = { issuerId: issuer.id, firstSeenAt: at }
    const data = inserted.map(({ kid, alg, jwk, thumbprint }) =>
      Object.assign({ kid, alg, publicJwk: { ...jwk }, thumbprint }, common),
    )
    await tx.issuerKey.createMany({ data })
    // Who can make tokens for the issuer's domains is a change that people must be able to find later.
    const kids = inserted.map(({ kid }) => kid).join(' ')
    await audit({ action: 'issuer.new-key', subject: issuer.issuer, reason: kids })
    await forgetOldest(tx, issuer.id)
  }
  if (returned.length > 0) await tx.issuerKey.updateMany({ where: of(returned), data: { absentSince: null } })
  if (absent.length > 0) await tx.issuerKey.updateMany({ where: of(absent), data: { absentSince: at } })
  if (withdrawn.length === 0) return
  await tx.issuerKey.updateMany({ where: of(withdrawn), data: { withdrawnAt: at } })
  const subjects = withdrawn.map((kid) => `${issuer.issuer} ${kid}`)
  await audit(...subjects.map((subject) => ({ action: 'issuer.withdraw-key' as const, subject })))
}

/** Keeps the list of keys bounded, whatever the issuer publishes. */
async function forgetOldest(tx: Tx, issuerId: string): Promise<void> {
  await tx.$executeRaw`
    DELETE FROM "issuer_keys" WHERE "issuer_id" = ${issuerId}::uuid AND "withdrawn_at" IS NOT NULL AND "kid" NOT IN (
      SELECT "kid" FROM "issuer_keys" WHERE "issuer_id" = ${issuerId}::uuid
      ORDER BY "withdrawn_at" DESC NULLS FIRST, "kid" LIMIT ${MAX_REMEMBERED}
    )`
}

function problemOf({ refused: [first] }: KeyChanges, offered: readonly OfferedKey[]): string {
  if (first !== undefined) return `${first.why} ${first.kid}`
  return offered.length === 0 ? 'NO_USABLE_KEY' : ''
}
