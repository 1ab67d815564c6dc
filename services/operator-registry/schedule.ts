import { recordName } from '@auth4agent/core/identity/proof-record'
import { type Author, systemAuthor } from '../ledger/ledger.ts'
import { judgeProof } from '../platform/dns/judge-proof.ts'
import { type Context, warnOfFreeze } from './context.ts'
import { pruneKeyRequests } from './store/key-requests.ts'
import { claimDueLooks, type DueLook, recordLook } from './store/looks.ts'
import { findOwner } from './store/operators.ts'
import { claimDueProofs, type DueProof, expirePending, recordProof } from './store/schedule.ts'

/** Number of operators that one batch looks up in parallel. */
const PROOF_BATCH = 20
const EXPIRY_BATCH = 100

/**
 * Looks up the owners' proofs that are due, and removes expired registrations and requests for passkeys. Several
 * processes may call this function at the same time; they share the work.
 */
export async function runSchedule(context: Context): Promise<void> {
  const author = systemAuthor('schedule')
  for (;;) {
    const due = await claimDueProofs(context, PROOF_BATCH)
    await Promise.all(due.map((proof) => proveAgain(context, author, proof)))
    if (due.length < PROOF_BATCH) break
  }
  while ((await expirePending(context, author, EXPIRY_BATCH)) >= EXPIRY_BATCH);
  await pruneKeyRequests(context)
}

/**
 * Looks up one proof and applies the result. Never rejects, so that an error with one operator does not stop the work
 * for other operators. After an error, the proof is due again when its claim has ended.
 */
async function proveAgain(context: Context, author: Author, due: DueProof): Promise<void> {
  const { resolveTxt, log } = context
  const { id: operatorId, domain } = due
  try {
    const outcome = await recordProof(context, author, due, await resolveTxt(recordName(domain)))
    if (outcome === undefined) return
    const { verdict, isFrozen } = outcome
    if (isFrozen) warnOfFreeze(context, { operatorId, domain })
    else if (verdict !== 'proven')
      log.warn({ operatorId, domain, verdict }, 'a scheduled look-up did not find the proof')
  } catch (error) {
    log.error({ operatorId, domain, error }, 'a scheduled look-up of a proof ended with an error')
  }
}

/**
 * Makes the DNS looks that are due for waiting takeovers. Only these looks count for a takeover: no RPC adds a look or
 * changes its time. Several processes may call this function at the same time; only one of them makes each look.
 */
export async function runLooks(context: Context): Promise<void> {
  const author = systemAuthor('takeover')
  const at = context.now()
  for (;;) {
    const due = await claimDueLooks(context, at, PROOF_BATCH)
    await Promise.all(due.map((look) => lookAt(context, author, look)))
    if (due.length < PROOF_BATCH) break
  }
}

/**
 * Makes one look. When DNS gives no answer, the look fails for the newcomer, because the newcomer may have caused the
 * failure to hide the owner's record.
 */
async function lookAt(context: Context, author: Author, look: DueLook): Promise<void> {
  const { prisma, issuer, resolveTxt, log } = context
  const { id, domain, thumbprint } = look
  try {
    const owner = await findOwner(prisma, domain)
    const answers = await resolveTxt(recordName(domain))
    const incumbent = owner === null ? {} : { incumbentId: owner.id }
    const verdict = judgeProof(answers, { issuer, operatorId: id, thumbprint, ...incumbent })
    const failure = verdict === 'proven' ? undefined : `a look at DNS did not find the record alone: ${verdict}`
    if (await recordLook(context, author, look, failure)) return
    log.info({ operatorId: id, domain, verdict }, 'the wait of a newcomer for a takeover has ended')
  } catch (error) {
    log.error({ operatorId: id, domain, error }, 'a look at DNS for a takeover ended with an error')
  }
}
