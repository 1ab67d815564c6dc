import { type Moment, present } from '@auth4agent/core/platform/moment'
import { checkTimes } from '@auth4agent/core/token/access-token'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { type CheckBound, checkBinds } from '../bound-tokens.ts'
import type { VerificationReason } from '../errors.ts'
import type { Judge } from '../judge.ts'
import type { Counts } from '../metrics.ts'
import type { ServiceSettings } from '../options.ts'
import { ANSWER_MS, RequestMemory } from '../same-request.ts'
import type { VerifiedClaims } from '../verified-claims.ts'
import type { Demands } from '../wanted.ts'
import type { AskServer } from './ask-server.ts'
import type { Questions } from './foreign-issuer.ts'

/** A token about which only the own deployment can decide now. Its times and audience are right. */
interface Doubtful {
  readonly text: string
  readonly claims: AccessTokenClaims
  readonly wanted: Demands
  /** Whether the signature was verified here. Fewer questions are asked about other tokens: anybody can make them. */
  readonly isGenuine: boolean
  /** Whether the copies of the admissions lack what may allow the token. */
  readonly isUnknown: boolean
  readonly refuse: Judge['refuse']
  readonly counts: Pick<Counts, 'add'>
  /** How many questions are left about its issuer. */
  readonly questions: Questions
}

/** Options of {@link createVerifyOnline}. */
export interface OnlineOptions {
  readonly settings: Pick<ServiceSettings, 'skewS'>
  readonly checkBound: CheckBound
  readonly ask: AskServer
  readonly isClosed: () => boolean
  /** Called when the server says yes to what the copies lack: they are old. */
  readonly onOldCopies: () => void
}

/** Verifies tokens by questions to the own deployment. */
export interface VerifyOnline {
  verify(doubtful: Doubtful): Promise<VerifiedClaims>
  /** Number of questions since the start. */
  readonly questions: number
}

const TOO_MANY = 'the server is asked about too many tokens, try again'

/**
 * Makes the part of a verifier that asks the own deployment. It keeps no answer, except that the guards of one request
 * that accept the same audiences share a yes for 5 s. The server has seen the proof of the request, so it refuses a
 * second question about the request. A question that cannot be asked, or gets no answer, is a temporary refusal.
 */
export function createVerifyOnline({ settings, checkBound, ask, isClosed, onOldCopies }: OnlineOptions): VerifyOnline {
  const answered = new RequestMemory<{ readonly scopes: readonly string[] }>(ANSWER_MS)
  let questions = 0
  const askOnce = async ({ text, claims, wanted, isGenuine, isUnknown, questions: left }: Doubtful) => {
    const about = JSON.stringify([text, wanted.audience])
    const known = answered.find(wanted.dpop, about)
    if (known !== undefined) return known
    if (!(isGenuine ? left.genuine : left.others).take()) return undefined
    questions += 1
    const askedAt = present()
    const answer = await ask(text, claims, wanted)
    if ('reason' in answer) return answer
    answered.set(wanted.dpop, about, answer, askedAt)
    if (isUnknown) onOldCopies()
    return answer
  }
  const checkNow = (claims: AccessTokenClaims, now: Moment): VerificationReason | undefined =>
    isClosed() ? 'VERIFIER_CLOSED' : checkTimes(claims, Math.floor(now.wall / 1_000), settings.skewS)
  return {
    async verify(doubtful) {
      const { text, claims, wanted, refuse, counts } = doubtful
      const unbound = checkBinds(text, claims, wanted.dpop, present(), settings.skewS)
      if (unbound !== undefined) return refuse(unbound.reason, unbound)
      const answer = await askOnce(doubtful).catch((cause: unknown) => refuse('REVOCATIONS_STALE', { cause }))
      if (answer === undefined) return refuse('REVOCATIONS_STALE', { detail: TOO_MANY })
      if ('reason' in answer) return refuse(answer.reason)
      // Anybody can make a token with a proof. The replay store must not fill up with proofs of such tokens.
      const unproven = await checkBound(text, claims, wanted.dpop, present())
      if (unproven !== undefined) return refuse(unproven.reason, unproven)
      const refusal = checkNow(claims, present())
      if (refusal !== undefined) return refuse(refusal)
      const missing = wanted.scope.filter((scope) => !answer.scopes.includes(scope))
      if (missing.length > 0) return refuse('SCOPE_MISSING', { detail: missing.join(' ') })
      counts.add('VALID')
      return Object.freeze({ ...claims, effectiveScope: answer.scopes.join(' ') })
    },
    get questions() {
      return questions
    },
  }
}
