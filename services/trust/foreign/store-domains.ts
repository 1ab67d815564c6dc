import { operatorId } from '@auth4agent/core/identity/operator-id'
import type { IssuerDomain, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import type { DomainProof } from './domain/read-proof.ts'

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
export type ProofOutcome = 'proven' | 'kept' | 'failed' | 'ended' | 'taken' | 'nothing'

type Proven = Extract<DomainProof, { kind: 'proven' }>

/** Milliseconds until a proof is looked up again: after a success, and after a failure. */
const AGAIN_MS = { proven: 3_600_000, failed: 300_000 } as const
/** Failures in a row that end a domain. */
const MAX_FAILURES = 3
/** The most named domains that one pass considers. */
const MAX_NAMED = 1000
/** Key of the advisory lock under which domains are inserted. */
const DOMAIN_LOCK = 0x646f6d61

/** Claims at most `limit` proven domains of enabled issuers whose next proof is due. */
export function claimDueDomains(prisma: PrismaClient, now: number, limit: number): Promise<DueDomain[]> {
  return prisma.$queryRaw<DueDomain[]>`
    WITH due AS MATERIALIZED (
      SELECT d."edge_id", i."issuer" FROM "issuer_domains" d JOIN "issuers" i ON i."id" = d."issuer_id"
      WHERE d."next_proof_at" <= ${new Date(now)} AND i."status" = 'enabled'
      ORDER BY d."next_proof_at" LIMIT ${limit} FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE "issuer_domains" d SET "next_proof_at" = ${new Date(now + AGAIN_MS.failed)} FROM due
    WHERE d."edge_id" = due."edge_id"
    RETURNING d."edge_id"::text AS "edgeId", d."issuer_id"::text AS "issuerId", due."issuer", d."domain",
      d."operator_id"::text AS "operatorId"`
}

/**
 * Returns the domains of enabled issuers of the kind auth4agent that live statements name, and that are not proven, in
 * random order.
 */
export function findNamedDomains(prisma: PrismaClient, now: number): Promise<NamedDomain[]> {
  return prisma.$queryRaw<NamedDomain[]>`
    WITH live AS (
      SELECT * FROM "trust_statements"
      WHERE "replaced_at" IS NULL AND "ended_at" IS NULL AND "expires_at" > ${new Date(now)}
    ), named AS (
      SELECT "subject_home" AS home, "subject_domain" AS domain, "subject_id" AS operator_id FROM live
      UNION ALL SELECT "home", "domain", "signer_id" FROM live
    ), pairs AS (
      SELECT DISTINCT ON (i."id", n.domain) i."id"::text AS "issuerId", i."issuer", n.domain AS "domain",
        n.operator_id::text AS "operatorId"
      FROM named n JOIN "issuers" i ON i."issuer" = n.home AND i."kind" = 'auth4agent' AND i."status" = 'enabled'
      WHERE n.domain <> '' AND NOT EXISTS (
        SELECT 1 FROM "issuer_domains" d WHERE d."issuer_id" = i."id" AND d."domain" = n.domain
      )
    )
    SELECT * FROM pairs ORDER BY random() LIMIT ${MAX_NAMED}`
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
  const [own, holders] = await Promise.all([
    isLocal(tx, proof.operatorId),
    tx.issuerDomain.findMany({ where: { operatorId: proof.operatorId }, include: { issuer: true } }),
  ])
  const isDerived = (issuerOf: string, domainOf: string, thumbprint: string | null) =>
    thumbprint !== null && operatorId({ issuer: issuerOf, domain: domainOf, thumbprint }) === proof.operatorId
  const wins = isDerived(issuer, domain, proof.thumbprint)
  const isHeld = holders.some((row) => !wins || isDerived(row.issuer.issuer, row.domain, row.thumbprint))
  if (own || isHeld) return 'taken'
  for (const row of holders) await endDomain(writing, row, row.issuer.issuer, `the operator belongs to ${domain}`)
  const data = { issuerId, domain, operatorId: proof.operatorId, thumbprint: proof.thumbprint, ...provenAt(now) }
  const { count } = await tx.issuerDomain.createMany({ data: [data], skipDuplicates: true })
  if (count === 0) return 'nothing'
  const reason = `operator ${proof.operatorId}, root key ${proof.thumbprint}`
  await audit({ action: 'issuer.prove-domain', subject: `${issuer} ${domain}`, reason })
  return 'proven'
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
