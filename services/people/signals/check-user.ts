import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { createFairShare } from '../../platform/limits/fair-share.ts'
import { createShares } from '../../platform/limits/shares.ts'
import type { Logger } from '../../platform/log/log.ts'
import { askAgain } from '../providers/ask-provider.ts'
import type { ProviderClients } from '../providers/provider-clients.ts'
import type { ProviderTokens } from '../providers/provider-tokens.ts'
import { type Claim, claimCheck, pauseCheck, readCheck, writeRefused, writeVouched } from '../store/provider-tokens.ts'
import type { UserKey } from '../store/users.ts'

/**
 * Asks the identity provider of a user whether it still vouches for the user, with the refresh token that it gave at
 * the sign-in. A user for whom it does not is signed out: sessions, connections and tokens end.
 *
 * @param requestId the request for which the provider is asked
 * @returns `ended` if the user has been signed out; `again` if the caller must read again what the user may do
 * @throws ApiError PROVIDER_UNAVAILABLE if there is no answer within 3 seconds, RATE_LIMITED
 */
export type CheckUser = (user: UserKey, requestId: string) => Promise<'again' | 'ended'>

interface Deps {
  readonly db: { readonly prisma: PrismaClient; readonly pool: pg.Pool }
  readonly providerClients: ProviderClients
  readonly tokens: ProviderTokens
  /** Counts a question by its outcome: `vouched`, `refused` or `unavailable`. */
  readonly countCheck: (outcome: string) => void
  readonly log: Pick<Logger, 'info'>
}

/** How long a caller waits. A later answer is still stored, because the provider may have replaced its token. */
const WAIT_MS = 3_000
/** How often a process looks whether another one has got the answer. */
const POLL_MS = 250
const MAX_POLLS = 10
const RETRY_AFTER_S = 5

/** Questions of a process at the same time. The users of one operator wait for each other, not for other operators. */
const QUESTIONS = { total: 64, perKey: 12 } as const
const WAITING = { max: 1_024, part: 1 / 7, keptMs: 0 } as const

/** Creates the check. All calls about a user share one question, also those of other processes. */
export function createCheckUser(deps: Deps): CheckUser {
  const running = new Map<string, ReturnType<CheckUser>>()
  const turns = createFairShare(QUESTIONS, createShares(WAITING))
  const begin = (name: string, user: UserKey, requestId: string) => {
    const begunAt = performance.now()
    const run = turns(user.operatorId, async () => {
      // Nobody waits for it any more.
      if (performance.now() - begunAt > WAIT_MS) throw unavailable('Too many users of the operator must be asked about')
      return check(deps, user, requestId)
    }).finally(() => running.delete(name))
    running.set(name, run)
    return run
  }
  return ({ operatorId, subject }, requestId) => {
    const name = `${operatorId} ${subject}`
    return inTime(running.get(name) ?? begin(name, { operatorId, subject }, requestId))
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const ended = new AbortController()
  const late = delay(WAIT_MS, undefined, { signal: ended.signal }).then(() => {
    throw unavailable('The identity provider has not answered within 3 seconds')
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    ended.abort()
  }
}

async function check(deps: Deps, user: UserKey, requestId: string): ReturnType<CheckUser> {
  const { pool } = deps.db
  const claim = await claimCheck(pool, user)
  if (claim !== undefined) return ask(deps, user, requestId, claim)
  for (let polls = 0; polls < MAX_POLLS; polls += 1) {
    const state = await readCheck(pool, user)
    if (state === 'paused') throw unavailable('The identity provider has just given no answer')
    // Another process may have got the answer, or the user may have ended: the caller finds it.
    if (state === undefined) return 'again'
    await delay(POLL_MS)
  }
  throw unavailable('The identity provider is being asked')
}

async function ask(deps: Deps, key: UserKey, requestId: string, claim: Claim): ReturnType<CheckUser> {
  const { prisma, pool } = deps.db
  try {
    const provider = await prisma.identityProvider.findUnique({ where: { id: claim.providerId } })
    if (provider === null) return 'again'
    const answered = { key, claim, provider, requestId }
    const end = async (why: string) => ((await writeRefused(prisma, answered, why)) ? 'ended' : 'again')
    const token = claim.token && (await deps.tokens.open(key, claim.token))
    if (token === undefined) return await end('there is no refresh token')
    const about = { subjectClaim: provider.subjectClaim, sub: claim.sub }
    const answer = await askAgain(deps, await deps.providerClients(provider), token, about)
    deps.countCheck(answer.kind)
    if (answer.kind === 'refused') return await end('refresh refused')
    const next = answer.refreshToken === undefined ? undefined : await deps.tokens.seal(key, answer.refreshToken)
    await writeVouched(prisma, answered, next)
    return 'again'
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'PROVIDER_UNAVAILABLE') deps.countCheck('unavailable')
    // If this fails too, the lease ends by itself.
    await pauseCheck(pool, key, claim).catch(() => undefined)
    throw error
  }
}

function unavailable(detail: string): ApiError {
  return new ApiError('PROVIDER_UNAVAILABLE', detail, { isFault: false, retryAfter: RETRY_AFTER_S })
}
