import type { Operator, Prisma } from '../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Context } from '../context.ts'
import { decideConfirm } from '../domain/decide-confirm.ts'
import { nextProofDelay } from '../domain/judge-reverification.ts'
import { nextLookDelay } from '../domain/takeover-looks.ts'
import { applyNamedKey } from './named-key.ts'
import { countNewDomain } from './new-domains.ts'
import { endWaits, type LockedDomain, lockDomain, NO_WAIT } from './operators.ts'
import { insertPending } from './register.ts'

/** Result of applying a successful proof: the operator's record is the only one at the domain. */
export type Settled =
  | { readonly kind: 'verified'; readonly at: Date }
  /** Another operator owns the domain. The operator must wait until the time `until`. */
  | { readonly kind: 'waiting'; readonly until: Date }

/**
 * Applies a successful proof: the operator's record is the only one at the domain. The decision uses the state of the
 * operators now, not their state before the DNS look-up. If the registration expired or was evicted during the
 * look-up, this function inserts it again. So an attacker cannot keep out the operator that controls the domain by
 * filling the domain with registrations.
 *
 * @param seen the operator as it was before the look-up.
 * @param named the root key that the record names; undefined for a test domain, which needs no record.
 * @throws ApiError OPERATOR_RELEASED, OPERATOR_SUSPENDED; UNAVAILABLE if the operator's keys have changed since
 */
export async function settleProof(
  context: Context,
  author: Author,
  seen: Operator,
  named: string | undefined,
): Promise<Settled> {
  const held = await holdsUnchallenged(context, seen, named)
  if (held !== undefined) return held
  return change(context.prisma, author, async (tx, audit) => {
    const domain = await lockDomain(tx, seen.domain)
    const operator = domain.operators.find(({ id }) => id === seen.id)
    if (operator !== undefined && operator.manifestSeq !== seen.manifestSeq) {
      const detail = "The operator's keys have changed during the look at DNS: confirm again"
      throw new ApiError('UNAVAILABLE', detail, { retryAfter: 1 })
    }
    const settling = { tx, audit, domain, context, named }
    return settle(settling, operator ?? (await insertPending(tx, audit, seen, context)))
  })
}

/** Returns the result when nothing has to change, else undefined. Takes no lock, because any caller may call often. */
async function holdsUnchallenged(
  { prisma }: Context,
  { id, domain }: Operator,
  named: string | undefined,
): Promise<Settled | undefined> {
  const operators = await prisma.operator.findMany({
    where: { domain, OR: [{ id }, { takeoverAt: { not: null } }] },
  })
  const [operator] = operators
  if (operators.length !== 1 || operator?.id !== id || operator.status !== 'active') return undefined
  if (operator.frozenAt !== null || (named !== undefined && named !== operator.rootKeyThumbprint)) return undefined
  return operator.domainVerifiedAt === null ? undefined : { kind: 'verified', at: operator.domainVerifiedAt }
}

interface Settling {
  readonly tx: Tx
  readonly audit: Audit
  readonly domain: LockedDomain
  readonly context: Context
  readonly named: string | undefined
}

async function settle(settling: Settling, operator: Operator): Promise<Settled> {
  const { tx, audit, domain, context } = settling
  const { takeoverDelayMs } = context.settings
  const decision = decideConfirm({ operator, owner: domain.owner, now: context.now(), takeoverDelayMs })
  if (decision.kind === 'refuse') throw new ApiError(decision.reason)
  if (decision.kind === 'hold') {
    await endWaits(tx, audit, domain, 'the owner proved the domain again')
    await applyNamedKey(settling, operator, settling.named, operator.manifestSeq)
    return { kind: 'verified', at: operator.domainVerifiedAt ?? operator.createdAt }
  }
  if (decision.kind === 'wait') {
    const until = new Date(decision.until)
    if (decision.begins) await beginWait(settling, operator, until)
    return { kind: 'waiting', until }
  }
  if (decision.supersedes !== undefined) await supersede(settling, decision.supersedes, operator.id)
  return { kind: 'verified', at: await activate(settling, operator) }
}

/** Begins a takeover wait. The owner's audit gets a record too, so that the owner can act before the wait ends. */
async function beginWait({ tx, audit, domain, context }: Settling, { id }: Operator, until: Date): Promise<void> {
  const nextLookAt = new Date(context.now() + nextLookDelay(context.settings.takeoverDelayMs, context.random()))
  await tx.operator.update({ where: { id }, data: { takeoverAt: until, takeoverLooks: 0, nextLookAt } })
  const reason = `may take the domain over from ${until.toISOString()}`
  await audit({ action: 'operator.takeover-wait', subject: id, operatorId: id, reason })
  const { owner } = domain
  if (owner === undefined) return
  await audit({ action: 'operator.takeover-wait', subject: id, operatorId: owner.id, reason })
}

async function supersede({ tx, audit }: Settling, id: string, by: string): Promise<void> {
  await tx.operator.update({
    where: { id },
    data: {
      status: 'superseded',
      version: { increment: 1 },
      epoch: { increment: 1 },
      failedProofs: 0,
      nextProofAt: null,
      lapsedAt: null,
      ...NO_WAIT,
    },
  })
  await audit({ action: 'operator.supersede', subject: id, operatorId: id, reason: `by ${by}` })
}

async function activate(settling: Settling, operator: Operator): Promise<Date> {
  const { tx, audit, domain, context, named } = settling
  const { id, status, manifestSeq } = operator
  const at = new Date(context.now())
  await applyNamedKey(settling, operator, named, manifestSeq)
  await tx.operator.update({ where: { id }, data: activation(context, at) })
  if (status === 'pending') await countNewDomain(tx, operator.domain)
  const action = status === 'lapsed' ? 'operator.recover' : 'operator.confirm'
  await audit({ action, subject: id, operatorId: id })
  await endWaits(tx, audit, domain, 'the domain has another operator now', id)
  return at
}

/** Returns the changes to an operator's row when a proof makes it active. */
export function activation({ random, settings }: Context, at: Date): Prisma.OperatorUpdateInput {
  return {
    status: 'active',
    version: { increment: 1 },
    domainVerifiedAt: at,
    expiresAt: null,
    ...NO_WAIT,
    lapsedAt: null,
    failedProofs: 0,
    nextProofAt: new Date(at.getTime() + nextProofDelay(settings.reverifyIntervalMs, false, random())),
  }
}

/** Ends all takeover waits for a domain, because DNS still has the owner's record. */
export function endWaitsFor({ prisma }: Context, author: Author, domain: string): Promise<void> {
  return change(prisma, author, async (tx, audit) => {
    await endWaits(tx, audit, await lockDomain(tx, domain), "DNS has the owner's record")
  })
}
