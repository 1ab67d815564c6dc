import { untilAborted } from '@auth4agent/core/async/waiting'
import type { ReplayStore } from '@auth4agent/core/dpop/replay-memory'
import type { VerificationErrorOptions } from './errors.ts'

/** Why a proof is refused by the replay store. */
interface ReplayRefusal extends VerificationErrorOptions {
  readonly reason: 'PROOF_REPLAYED' | 'PROOFS_UNAVAILABLE'
}

/** What a replay store needs to know about a proof. */
interface UsedProof {
  readonly id: string
  readonly expiresAtS: number
}

/** Records a proof. The answer is undefined if it was not used before. A promise never rejects. */
export type UseOnce = (proof: UsedProof) => ReplayRefusal | undefined | Promise<ReplayRefusal | undefined>

const TIMEOUT_MS = 2_000

/**
 * Makes the function that asks a replay store. If the store throws, does not answer in time, or answers with something
 * else than a boolean, the proof is refused.
 */
export function createUseOnce(replays: ReplayStore, timeoutMs = TIMEOUT_MS): UseOnce {
  const answerOf = async (answer: unknown): Promise<ReplayRefusal | undefined> => {
    try {
      return toRefusal(await untilAborted(Promise.resolve(answer), AbortSignal.timeout(timeoutMs)))
    } catch (cause) {
      return { reason: 'PROOFS_UNAVAILABLE', cause }
    }
  }
  return ({ id, expiresAtS }) => {
    try {
      const answer: unknown = replays.use(id, expiresAtS)
      return typeof answer === 'boolean' ? toRefusal(answer) : answerOf(answer)
    } catch (cause) {
      return { reason: 'PROOFS_UNAVAILABLE', cause }
    }
  }
}

function toRefusal(isFirst: unknown): ReplayRefusal | undefined {
  if (isFirst === true) return undefined
  if (isFirst === false) return { reason: 'PROOF_REPLAYED' }
  return { reason: 'PROOFS_UNAVAILABLE', cause: new TypeError('A replay store must answer with true or false') }
}
