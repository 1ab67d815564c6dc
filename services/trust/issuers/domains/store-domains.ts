import { operatorId } from '@auth4agent/core/identity/operator-id'
import type { IssuerDomain, PrismaClient } from '../../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../../ledger/ledger.ts'
import type { Tx } from '../../../platform/db/db.ts'
import type { DomainProof } from './read-proof.ts'

/** A domain that a statement names at an admitted issuer. */
export interface NamedDomain {
  readonly issuerId: string
  readonly issuer: string
  readonly domain: string
  /** An operator of the domain, as a statement or an earlier proof names it. */
  readonly operatorId: string
}

/** A domain whose proof is due again. */
export interface DueDomain extends NamedDomain {
  readonly edgeId: string
}

/** What a proof has changed. */
export type ProofOutcome = 'proven' | 'kept' | 'failed' | 'ended' | 'taken' | 'full' | 'nothing'

type Proven = Extract<DomainProof, { kind: 'proven' }>

/** Milliseconds until a proof is looked up again: after a success, and after a failure. */
const AGAIN_MS = { proven: 3_600_000, failed: 300_000 } as const
/** Failures in a row that end a domain. */
const MAX_FAILURES = 3
/** The most named domains that one pass considers. */
const MAX_NAMED = 1000
/** The most proven domains of one issuer. Every process has them in memory, and each is looked up every hour. */
const MAX_DOMAINS = 10_000
/** How many domains make room at once. */
const ROOM = 100
/** Key of the advisory lock under which domains are inserted. */
const DOMAIN_LOCK = 0x646f6d61

/**
 * Claims at most `limit` proven domains of enabled issuers whose next proof is due. Each issuer gets its turn, however
 * many domains another one has.
 */
export function claimDueDomains(prisma: PrismaClient, now: number, limit: number): Promise<DueDomain[]> {
  const at = new Date(now)
  return prisma.$queryRaw<DueDomain[]>`
    WITH ranked AS (
      SELECT "edge_id", row_number() OVER (PARTITION BY "issuer_id" ORDER BY "next_proof_at") AS rank
      FROM "issuer_domains" WHERE "next_proof_at" <= ${at}
    ), due AS MATERIALIZED (
      SELECT d."edge_id", i."issuer" FROM "issuer_domains" d JOIN "issuers" i ON i."id" = d."issuer_id"
      JOIN ranked r ON r."edge_id" = d."edge_id"
      WHERE d."next_proof_at" <= ${at} AND i."status" = 'enabled'
      ORDER BY r.rank, d."next_proof_at" LIMIT ${limit} FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE "issuer_domains" d SET "next_proof_at" = ${new Date(now + AGAIN_MS.failed)} FROM due
    WHERE d."edge_id" = due."edge_id"
    RETURNING d."edge_id"::text AS "edgeId", d."issuer_id"::text AS "issuerId", due."issuer", d."domain",
      d."operator_id"::text AS "operatorId"`
}

/**
 * Returns the domains of enabled issuers of the kind auth4agent that statements name, and that are not proven. The
 * statements are those that can count here, at the issuer `own`.
 *
 * Anybody may name thousands of domains. So everybody who names some gets the first turn of one domain, then of a
 * second one, in random order. An operator of this deployment is one of them, and so is each other deployment, whose
 * operators take turns in the same way.
 */
export function findNamedDomains(prisma: PrismaClient, own: string, now: number): Promise<NamedDomain[]> {
  return prisma.$queryRaw<NamedDomain[]>`
    WITH live AS (
      SELECT "home", "domain", "signer_id", "subject_home", "subject_domain", "subject_id",
        coalesce("issuer_id", "signer_id") AS party
      FROM "trust_statements"
      WHERE ${own} = ANY ("aud") AND "replaced_at" IS NULL AND "ended_at" IS NULL AND "unlisted_at" IS NULL
        AND "expires_at" > ${new Date(now)}
    ), named AS (
      SELECT "subject_home" AS home, "subject_domain" AS domain, "subject_id" AS operator_id, party, "signer_id" FROM live
      UNION SELECT "home", "domain", "signer_id", party, "signer_id" FROM live
    ), unproven AS (
      SELECT i."id", i."issuer", n.*,
        row_number() OVER (PARTITION BY n.party, n."signer_id" ORDER BY random()) AS turn_of_signer
      FROM named n JOIN "issuers" i ON i."issuer" = n.home AND i."kind" = 'auth4agent' AND i."status" = 'enabled'
      WHERE n.domain <> '' AND NOT EXISTS (
        SELECT 1 FROM "issuer_domains" d WHERE d."issuer_id" = i."id" AND d."domain" = n.domain
      )
    ), turns AS (
      SELECT *, row_number() OVER (PARTITION BY party ORDER BY turn_of_signer, random()) AS turn FROM unproven
    ), pairs AS (
      SELECT DISTINCT ON ("id", domain) "id"::text AS "issuerId", "issuer", domain AS "domain",
        operator_id::text AS "operatorId", turn FROM turns ORDER BY "id", domain, turn
    )
    SELECT "issuerId", "issuer", "domain", "operatorId" FROM pairs ORDER BY turn, random() LIMIT ${MAX_NAMED}`
}

/** Inserts a domain that DNS has proven. Does nothing for any other proof, or when it is there already. */
export async function recordFirstProof(
  prisma: PrismaClient,
  author: Author,
  named: NamedDomain,
  proof: DomainProof,
  now: number,
): Promise<ProofOutcome> {
  if (proof.kind !== 'proven') return 'failed'
  return change(prisma, author, (tx, audit) => insertDomain({ tx, audit, now }, named, proof))
}

/**
 * Applies a repeated proof. When DNS names another operator or another root key, the row is deleted, so that
 * everything that was decided with it ends, and a new row is inserted.
 */
export function recordNextProof(
  prisma: PrismaClient,
  author: Author,
  due: DueDomain,
  proof: DomainProof,
  now: number,
): Promise<ProofOutcome> {
  return change(prisma, author, async (tx, audit) => {
    const writing = { tx, audit, now }
    await lockDomains(tx)
    const row = await tx.issuerDomain.findUnique({ where: { edgeId: due.edgeId } })
    if (row === null) return 'nothing'
    if (proof.kind !== 'proven') return recordFailure(writing, row, due, proof.kind)
    if (proof.operatorId !== row.operatorId || proof.thumbprint !== row.thumbprint) {
      await endDomain(writing, row, due.issuer, `DNS names the operator ${proof.operatorId}, key ${proof.thumbprint}`)
      return insertDomain(writing, due, proof)
    }
    if (await isLocal(tx, row.operatorId)) return recordFailure(writing, row, due, 'taken')
    const data = { ...provenAt(now), failedProofs: 0 }
    await tx.issuerDomain.update({ where: { edgeId: row.edgeId }, data })
    return 'kept'
  })
}

interface Writing {
  readonly tx: Tx
  readonly audit: Audit
  /** Unix milliseconds. */
  readonly now: number
}

function provenAt(now: number) {
  return { provenAt: new Date(now), nextProofAt: new Date(now + AGAIN_MS.proven) }
}

async function recordFailure(writing: Writing, row: IssuerDomain, due: DueDomain, why: string): Promise<ProofOutcome> {
  const failedProofs = row.failedProofs + 1
  if (failedProofs >= MAX_FAILURES) {
    await endDomain(writing, row, due.issuer, `last proof: ${why}`)
    return 'ended'
  }
  await writing.tx.issuerDomain.update({ where: { edgeId: row.edgeId }, data: { failedProofs } })
  return 'failed'
}

async function endDomain(
  { tx, audit }: Pick<Writing, 'tx' | 'audit'>,
  row: IssuerDomain,
  issuer: string,
  reason: string,
): Promise<void> {
  await tx.issuerDomain.delete({ where: { edgeId: row.edgeId } })
  await audit({ action: 'issuer.end-domain', subject: `${issuer} ${row.domain}`, reason })
}

/**
 * Inserts a domain, unless its operator id belongs to somebody else. Anybody can write any id into a record. So the
 * id of an operator of this deployment is refused, and one that another domain holds. An id that follows from the
 * record's own key, as operatorId computes it, cannot be copied: it takes the place of one that does not.
 */
async function insertDomain(writing: Writing, named: NamedDomain, proof: Proven): Promise<ProofOutcome> {
  const { tx, audit, now } = writing
  const { issuerId, issuer, domain } = named
  await lockDomains(tx)
  const own = await isLocal(tx, proof.operatorId)
  const holders = await tx.issuerDomain.findMany({ where: { operatorId: proof.operatorId }, include: { issuer: true } })
  const isDerived = (issuerOf: string, domainOf: string, thumbprint: string | null) =>
    thumbprint !== null && operatorId({ issuer: issuerOf, domain: domainOf, thumbprint }) === proof.operatorId
  const wins = isDerived(issuer, domain, proof.thumbprint)
  const isHeld = holders.some((row) => !wins || isDerived(row.issuer.issuer, row.domain, row.thumbprint))
  if (own || isHeld) return 'taken'
  if (!(await makeRoom(writing, named))) return 'full'
  for (const row of holders) await endDomain(writing, row, row.issuer.issuer, `the operator belongs to ${domain}`)
  const data = { issuerId, domain, operatorId: proof.operatorId, thumbprint: proof.thumbprint, ...provenAt(now) }
  const { count } = await tx.issuerDomain.createMany({ data: [data], skipDuplicates: true })
  if (count === 0) return 'nothing'
  const reason = `operator ${proof.operatorId}, root key ${proof.thumbprint}`
  await audit({ action: 'issuer.prove-domain', subject: `${issuer} ${domain}`, reason })
  return 'proven'
}

/**
 * If an issuer has too many domains, ends some that no statement names. Each end is a record of the revocation log, so
 * there are not many at once. Returns whether one more domain has room.
 */
async function makeRoom({ tx, audit, now }: Writing, { issuerId, issuer }: NamedDomain): Promise<boolean> {
  const count = await tx.issuerDomain.count({ where: { issuerId } })
  if (count < MAX_DOMAINS) return true
  const ended = await tx.$executeRaw`
    WITH live AS (
      SELECT * FROM "trust_statements"
      WHERE "replaced_at" IS NULL AND "ended_at" IS NULL AND "unlisted_at" IS NULL AND "expires_at" > ${new Date(now)}
    )
    DELETE FROM "issuer_domains" WHERE "edge_id" IN (
      SELECT "edge_id" FROM "issuer_domains"
      WHERE "issuer_id" = ${issuerId}::uuid AND "proven_at" IS NOT NULL AND "domain" NOT IN (
        SELECT "domain" FROM live WHERE "home" = ${issuer}
        UNION ALL SELECT "subject_domain" FROM live WHERE "subject_home" = ${issuer}
      )
      ORDER BY "proven_at" LIMIT ${ROOM}
    )`
  if (ended > 0) await audit({ action: 'issuer.end-domain', subject: issuer, reason: `${ended} that nobody names` })
  return ended > 0
}

/**
 * Ends the domains that claim the id of an operator which the administrator pins now. Such an id can be computed by
 * everybody, so anybody may have claimed it.
 */
export async function endClaims(tx: Tx, audit: Audit, operatorId: string): Promise<void> {
  await lockDomains(tx)
  const rows = await tx.issuerDomain.findMany({ where: { operatorId }, include: { issuer: true } })
  for (const row of rows) await endDomain({ tx, audit }, row, row.issuer.issuer, 'the administrator pins the operator')
}

async function isLocal(tx: Tx, id: string): Promise<boolean> {
  return (await tx.operator.count({ where: { id } })) > 0
}

/** Only one transaction at a time changes which operator a domain has. */
async function lockDomains(tx: Tx): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${DOMAIN_LOCK}::int8)`
}
