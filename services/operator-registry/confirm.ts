import { type ProofSubject, recordName } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import type { Operator } from '../../gen/prisma/client.ts'
import type { Call } from '../chain/call.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Context } from './context.ts'
import { type ConfirmDecision, decideConfirm } from './domain/decide-confirm.ts'
import { explainProof, type Unconfirmed } from './domain/explain-proof.ts'
import { isRecordSeen, judgeProof } from './domain/judge-proof.ts'
import { isTestDomain } from './domain/parse-domain.ts'
import { endWaitsFor, type Settled, settleProof } from './store/confirm.ts'
import { findOwner, getOperator } from './store/operators.ts'

/** Result of a confirmation. */
export type Confirmation =
  | { readonly verified: true; readonly message: string; readonly at: Date }
  | { readonly verified: false; readonly message: string; readonly reason: Unconfirmed; readonly takeoverAt?: Date }

/**
 * Looks up an operator's proof in DNS and applies the result. The call needs no authentication, so a failed proof
 * writes nothing. There is one exception: when DNS has the owner's record, a newcomer's wait for a takeover ends.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_RELEASED, OPERATOR_SUSPENDED, DOMAIN_CONTESTED
 */
export async function confirmDomain(context: Context, call: Call, id: string): Promise<Confirmation> {
  const { prisma, settings, now } = context
  const operator = await getOperator(prisma, id)
  const owner = (await findOwner(prisma, operator.domain)) ?? undefined
  const decision = decideConfirm({ operator, owner, now: now(), takeoverDelayMs: settings.takeoverDelayMs })
  if (decision.kind === 'refuse') throw new ApiError(decision.reason)
  if (context.testDomains && isTestDomain(operator.domain)) return confirmWithoutDns(context, call, operator, decision)
  const incumbent = owner?.id === id ? undefined : owner
  const answers = await context.lookUpGate(operator.domain, () => context.resolveTxt(recordName(operator.domain)))
  if (incumbent !== undefined && operator.takeoverAt !== null && isRecordSeen(answers, proofOf(context, incumbent))) {
    await endWaitsFor(context, call, operator.domain)
  }
  return (
    refuteProof(context, operator, answers, incumbent?.id) ??
    answer(operator, await settleProof(context, call, operator))
  )
}

function proofOf({ issuer }: Context, { id, rootKeyThumbprint }: Operator): ProofSubject {
  return { issuer, operatorId: id, thumbprint: rootKeyThumbprint }
}

/**
 * Returns why the proof fails, or undefined when DNS proves the domain.
 *
 * @throws ApiError DOMAIN_CONTESTED when DNS has several records of this issuer.
 */
function refuteProof(
  context: Context,
  operator: Operator,
  answers: readonly TxtAnswer[],
  incumbentId: string | undefined,
): Confirmation | undefined {
  const { domain } = operator
  const subject = proofOf(context, operator)
  const verdict = judgeProof(answers, incumbentId === undefined ? subject : { ...subject, incumbentId })
  if (verdict === 'proven') return undefined
  if (verdict === 'contested') {
    const detail = `${recordName(domain)} has more than one record of this server; leave only one, then confirm again`
    throw new ApiError('DOMAIN_CONTESTED', detail)
  }
  return { verified: false, ...explainProof(verdict, answers, { domain, ...subject }) }
}

/**
 * Confirms a test domain without DNS. Nothing proves who controls such a domain, so the first operator keeps the
 * domain until that operator releases it.
 */
async function confirmWithoutDns(
  context: Context,
  call: Call,
  operator: Operator,
  decision: ConfirmDecision,
): Promise<Confirmation> {
  const { id, domain } = operator
  if (decision.kind === 'wait') {
    const message = `${domain} is a test domain that another operator owns. That operator must release it first.`
    return { verified: false, reason: 'INCUMBENT_PRESENT', message }
  }
  const settled = await settleProof(context, call, operator)
  if (settled.kind === 'waiting') return answer(operator, settled)
  context.log.warn({ operatorId: id, domain, requestId: call.requestId }, 'a test domain was confirmed without DNS')
  const message = `${domain} was NOT proven by DNS. This local server confirms names under .test without DNS.`
  return { verified: true, message, at: settled.at }
}

function answer({ domain }: Operator, settled: Settled): Confirmation {
  if (settled.kind === 'verified') {
    return {
      verified: true,
      message: `${domain} is proven: a majority of the resolvers returned its record.`,
      at: settled.at,
    }
  }
  const until = settled.until.toISOString()
  const message =
    `The record is right, but another operator owns ${domain}. Confirm again after ${until} to take the domain over. ` +
    'Until then, every look at DNS must find only your record. Any other result ends the wait; confirming then begins a new wait.'
  return { verified: false, reason: 'TAKEOVER_PENDING', message, takeoverAt: settled.until }
}
