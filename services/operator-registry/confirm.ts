import { recordName } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import type { Operator } from '../../gen/prisma/client.ts'
import type { Call } from '../calls/call.ts'
import { isRecordSeen, judgeProof, readNamedKey, type WantedProof } from '../platform/dns/judge-proof.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { type Context, warnOfFreeze } from './context.ts'
import { type ConfirmDecision, decideConfirm, isOwner } from './domain/decide-confirm.ts'
import { explainFreeze, explainProof, type Unconfirmed } from './domain/explain-proof.ts'
import { isTestDomain } from './domain/parse-domain.ts'
import { endWaitsFor, type Settled, settleProof } from './store/confirm.ts'
import { proofOf } from './store/manifests.ts'
import { freezeOperator } from './store/named-key.ts'
import { demandRoomForDomain } from './store/new-domains.ts'
import { findOwner, getOperator } from './store/operators.ts'

/** Result of a confirmation. */
export type Confirmation =
  | { readonly verified: true; readonly message: string; readonly at: Date }
  | { readonly verified: false; readonly message: string; readonly reason: Unconfirmed; readonly takeoverAt?: Date }

/**
 * Looks up an operator's proof in DNS and applies the result. The call needs no authentication, so a failed proof
 * writes nothing. There are two exceptions. When DNS has the owner's record, a newcomer's wait for a takeover ends.
 * When the record of an owner names a key that is none of its root keys, the owner is frozen.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_RELEASED, OPERATOR_SUSPENDED, DOMAIN_CONTESTED, RATE_LIMITED
 */
export async function confirmDomain(context: Context, call: Call, id: string): Promise<Confirmation> {
  const { prisma, settings, now, issuer } = context
  const operator = await getOperator(prisma, id)
  const owner = (await findOwner(prisma, operator.domain)) ?? undefined
  const decision = decideConfirm({ operator, owner, now: now(), takeoverDelayMs: settings.takeoverDelayMs })
  if (decision.kind === 'refuse') throw new ApiError(decision.reason)
  if (context.testDomains && isTestDomain(operator.domain)) return confirmWithoutDns(context, call, operator, decision)
  const incumbent = owner?.id === id ? undefined : owner
  const wanted = await proofOf(prisma, issuer, operator)
  const name = recordName(operator.domain)
  const answers = await context.lookUpPlaces(call.source ?? '', (signal) => context.resolveTxt(name, signal, call.span))
  if (incumbent !== undefined && operator.takeoverAt !== null) {
    const owners = await proofOf(prisma, issuer, incumbent)
    if (isRecordSeen(answers, owners)) await endWaitsFor(context, call, operator.domain)
  }
  const named = readNamedKey(answers, wanted)
  const refuted = refuteProof(
    operator,
    answers,
    incumbent === undefined ? wanted : { ...wanted, incumbentId: incumbent.id },
  )
  if (refuted === undefined) {
    if (operator.status === 'pending') await demandRoomForDomain(prisma, operator.domain)
    return answer(operator, await settleProof(context, call, operator, named))
  }
  return (await freezeIfForeign(context, call, operator, named)) ?? refuted
}

/**
 * Freezes an owner whose record names a key that is none of its root keys. Returns undefined when the record names no
 * such key, or when the operator owns no domain.
 */
async function freezeIfForeign(
  context: Context,
  call: Call,
  operator: Operator,
  named: string | undefined,
): Promise<Confirmation | undefined> {
  const { id, domain } = operator
  if (named === undefined || !isOwner(operator)) return undefined
  if (!(await freezeOperator(context, call, operator, named))) return undefined
  warnOfFreeze(context, { operatorId: id, domain })
  return { verified: false, reason: 'TXT_RECORD_MISMATCH', message: explainFreeze(domain) }
}

/**
 * Returns why the proof fails, or undefined when DNS proves the domain.
 *
 * @throws ApiError DOMAIN_CONTESTED when DNS has several records of this issuer.
 */
function refuteProof(
  { domain }: Operator,
  answers: readonly TxtAnswer[],
  wanted: WantedProof,
): Confirmation | undefined {
  const verdict = judgeProof(answers, wanted)
  if (verdict === 'proven') return undefined
  if (verdict === 'contested') {
    const detail = `${recordName(domain)} has more than one record of this server; leave only one, then confirm again`
    throw new ApiError('DOMAIN_CONTESTED', detail)
  }
  return { verified: false, ...explainProof(verdict, answers, { domain, ...wanted }) }
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
  const settled = await settleProof(context, call, operator, undefined)
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
