import { randomUUID } from 'node:crypto'
import { recordName } from '@auth4agent/core/identity/proof-record'
import type { Author } from '../ledger/ledger.ts'
import type { Context } from './context.ts'
import { isRecordSeen, judgeProof } from './domain/judge-proof.ts'
import { claimDueProofs, type DueProof, expirePending, recordProof } from './store/schedule.ts'

/** Look-ups at once. */
const PROOF_BATCH = 20
const EXPIRY_BATCH = 100

/**
 * One pass: proves the owners whose proof is due, and removes the registrations whose time is over. Several instances
 * may do this at the same time and share the work.
 */
export async function runSchedule(context: Context): Promise<void> {
  const author: Author = { principal: { kind: 'system' }, requestId: `schedule-${randomUUID()}` }
  for (;;) {
    const due = await claimDueProofs(context, PROOF_BATCH)
    await Promise.all(due.map((proof) => proveAgain(context, author, proof)))
    if (due.length < PROOF_BATCH) break
  }
  while ((await expirePending(context, author, EXPIRY_BATCH)) >= EXPIRY_BATCH);
}

/** One operator's trouble stops nobody else's proof; its own is due again when the claim has run out. */
async function proveAgain(context: Context, author: Author, due: DueProof): Promise<void> {
  const { issuer, resolveTxt, log } = context
  const subject = { issuer, operatorId: due.id, thumbprint: due.thumbprint }
  try {
    const answers = await resolveTxt(recordName(due.domain))
    const verdict = judgeProof(answers, subject)
    await recordProof(context, author, due, { verdict, seen: isRecordSeen(answers, subject) })
    if (verdict !== 'proven')
      log.warn({ operatorId: due.id, domain: due.domain, verdict }, 'a scheduled proof did not hold')
  } catch (error) {
    log.error({ operatorId: due.id, domain: due.domain, error }, 'a scheduled proof failed')
  }
}
