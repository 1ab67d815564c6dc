import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import type { Operator } from '../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { isRecordSeen, judgeProof, type ProofVerdict, readNamedKey } from '../../platform/dns/judge-proof.ts'
import type { Context } from '../context.ts'
import { isOwner } from '../domain/decide-confirm.ts'
import { judgeReverification, nextProofDelay, type Reverification } from '../domain/judge-reverification.ts'
import { activation } from './confirm.ts'
import { proofOf } from './manifests.ts'
import { applyNamedKey } from './named-key.ts'
import { endWaits, lockDomain } from './operators.ts'

/** An owner whose scheduled proof is due. */
export interface DueProof {
  readonly id: string
  readonly domain: string
  /** Number of the operator's manifest before the look at DNS. */
  readonly manifestSeq: number
}

/**
 * Milliseconds that a claim lasts. When a process ends after it claimed proofs, the proofs are late by at most this.
 */
const LEASE_MS = 5 * 60_000

/**
 * Claims at most `limit` owners whose scheduled proof is due. It postpones their next proof, so that no other process
 * claims them. It skips test domains when they are allowed, because they have no proof in DNS.
 */
export function claimDueProofs({ prisma, now, testDomains }: Context, limit: number): Promise<DueProof[]> {
  const at = now()
  return prisma.$queryRaw<DueProof[]>`
    WITH due AS MATERIALIZED (
      SELECT "id" FROM "operators"
      WHERE "next_proof_at" <= ${new Date(at)} AND "status" IN ('active', 'lapsed', 'suspended')
        AND NOT (${testDomains} AND "domain" LIKE '%.test')
      ORDER BY "next_proof_at" LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE "operators" SET "next_proof_at" = ${new Date(at + LEASE_MS)} WHERE "id" IN (SELECT "id" FROM due)
    RETURNING "id"::text, "domain", "manifest_seq" AS "manifestSeq"`
}

/** What a scheduled proof has shown. */
export interface ProofOutcome {
  readonly verdict: ProofVerdict
  /** Whether the record names a key that is no root key of the operator, so that the operator is frozen. */
  readonly isFrozen: boolean
}

/**
 * Judges a scheduled proof by the keys that the operator has now, and applies the result. Does nothing when the
 * operator no longer owns its domain, or when its keys have changed since the look at DNS: the proof is then due again
 * when its claim has ended.
 */
export function recordProof(
  context: Context,
  author: Author,
  due: DueProof,
  answers: readonly TxtAnswer[],
): Promise<ProofOutcome | undefined> {
  return change(context.prisma, author, async (tx, audit) => {
    const domain = await lockDomain(tx, due.domain)
    const operator = domain.operators.find(({ id }) => id === due.id)
    if (operator === undefined || !isOwner(operator) || operator.manifestSeq !== due.manifestSeq) return undefined
    const wanted = await proofOf(tx, context.issuer, operator)
    const verdict = judgeProof(answers, wanted)
    const applying = { tx, audit, context }
    const isFrozen = await applyNamedKey(applying, operator, readNamedKey(answers, wanted), due.manifestSeq)
    const { status, failedProofs } = operator
    const threshold = context.settings.reverifyFailures
    const judged = judgeReverification({ status, failedProofs, verdict, threshold, namesForeignKey: isFrozen })
    await applyReverification(applying, operator, judged, verdict)
    if (isRecordSeen(answers, wanted)) await endWaits(tx, audit, domain, "DNS has the owner's record")
    return { verdict, isFrozen }
  })
}

interface Applying {
  readonly tx: Tx
  readonly audit: Audit
  readonly context: Context
}

async function applyReverification(
  { tx, audit, context }: Applying,
  { id }: Operator,
  { becomes, failedProofs, soon }: Reverification,
  verdict: ProofVerdict,
): Promise<void> {
  const at = context.now()
  if (becomes === 'active') {
    await tx.operator.update({ where: { id }, data: activation(context, new Date(at)) })
    await audit({ action: 'operator.recover', subject: id, operatorId: id })
    return
  }
  const lapses = becomes === 'lapsed'
  const delay = nextProofDelay(context.settings.reverifyIntervalMs, soon, context.random())
  const nextProofAt = new Date(at + delay)
  const ends = { status: 'lapsed', lapsedAt: new Date(at), version: { increment: 1 }, epoch: { increment: 1 } } as const
  await tx.operator.update({ where: { id }, data: { failedProofs, nextProofAt, ...(lapses ? ends : {}) } })
  if (lapses) await audit({ action: 'operator.lapse', subject: id, operatorId: id, reason: `last proof: ${verdict}` })
}

/**
 * Removes at most `limit` pending registrations: those that have expired, and the oldest beyond the limit for all
 * domains together. A registration that waits for a takeover stays, because DNS has its proof.
 *
 * @returns the number of removed registrations.
 */
export function expirePending({ prisma, now, settings }: Context, author: Author, limit: number): Promise<number> {
  return change(prisma, author, async (tx, audit) => {
    const expired = await tx.$queryRaw<{ id: string }[]>`
      WITH expired AS MATERIALIZED (
        SELECT "id" FROM "operators"
        WHERE "status" = 'pending' AND "takeover_at" IS NULL AND "expires_at" <= greatest(${new Date(now())}, (
          SELECT "expires_at" FROM "operators" WHERE "expires_at" IS NOT NULL
          ORDER BY "expires_at" DESC OFFSET ${settings.maxPending} LIMIT 1
        ))
        ORDER BY "expires_at" LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      DELETE FROM "operators" WHERE "id" IN (SELECT "id" FROM expired) RETURNING "id"::text`
    await audit(...expired.map(({ id }) => ({ action: 'operator.expire' as const, subject: id, operatorId: id })))
    return expired.length
  })
}
