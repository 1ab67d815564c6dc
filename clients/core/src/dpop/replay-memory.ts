/**
 * Records DPoP proofs, so that each is accepted once (RFC 9449 section 11.1).
 *
 * @example
 * ```ts
 * import type { ReplayStore } from '@auth4agent/core/dpop/replay-memory'
 *
 * const store: ReplayStore = {
 *   use: async (id, expiresAtS) => (await redis.set(`dpop:${id}`, '1', { NX: true, EXAT: expiresAtS })) === 'OK',
 * }
 * ```
 */
export interface ReplayStore {
  /** Records a proof; false if it was recorded before. Throws or rejects if it cannot record. */
  use(id: string, expiresAtS: number): boolean | Promise<boolean>
}

/** A replay store of one process. */
interface ReplayMemory extends ReplayStore {
  /** Proofs in memory, including some that have expired. */
  readonly size: number
  use(id: string, expiresAtS: number): boolean
}

/**
 * The memory cannot record another proof, so the verifier must refuse the proof.
 *
 * @example
 * ```ts
 * import { ReplayMemoryFull } from '@auth4agent/core/dpop/replay-memory'
 *
 * const isOverloaded = (error: unknown) => error instanceof ReplayMemoryFull
 * ```
 */
export class ReplayMemoryFull extends Error {
  override readonly name = 'ReplayMemoryFull'

  constructor(capacity: number) {
    super(`The memory of used DPoP proofs is full with ${capacity} proofs`)
  }
}

/** Proofs that came one after another, and the seconds of both clocks after which all of them have expired. */
interface Generation {
  readonly ids: Set<string>
  latestS: number
  latestMonotonicS: number
}

const CAPACITY = 200_000

/**
 * Creates a replay store in memory, for a verifier of one process. It keeps each proof until it has expired, and then
 * up to as long again, because it forgets many proofs at a time. `capacity` limits the number of proofs; 200,000 of
 * them need about 20 MB. `nowS` returns the time in Unix seconds.
 *
 * `monotonicS` returns seconds of a clock that is never set. The memory forgets a proof only when it has expired by
 * both clocks, so that setting the clock forward and back makes no proof valid again. A new process remembers nothing.
 *
 * `use` throws {@link ReplayMemoryFull} if the memory is full. It never forgets a proof that has not expired.
 *
 * @example
 * ```ts
 * import { createReplayMemory } from '@auth4agent/core/dpop/replay-memory'
 *
 * const memory = createReplayMemory()
 * const verdict = memory.use(proof.id, proof.expiresAtS) ? undefined : 'PROOF_REPLAYED'
 * ```
 */
export function createReplayMemory({
  capacity = CAPACITY,
  nowS = () => Date.now() / 1_000,
  monotonicS = () => performance.now() / 1_000,
}: {
  readonly capacity?: number
  readonly nowS?: () => number
  readonly monotonicS?: () => number
} = {}): ReplayMemory {
  let old = newGeneration()
  let young = newGeneration()
  const forgetExpired = () => {
    const [now, monotonic] = [nowS(), monotonicS()]
    // Both generations may have expired since the last call.
    for (let turn = 0; turn < 2 && now > old.latestS && monotonic > old.latestMonotonicS; turn += 1) {
      old = young
      young = newGeneration()
    }
  }
  return {
    get size() {
      return old.ids.size + young.ids.size
    },
    use(id, expiresAtS) {
      forgetExpired()
      if (old.ids.has(id) || young.ids.has(id)) return false
      if (old.ids.size + young.ids.size >= capacity) throw new ReplayMemoryFull(capacity)
      young.ids.add(id)
      young.latestS = Math.max(young.latestS, expiresAtS)
      young.latestMonotonicS = Math.max(young.latestMonotonicS, monotonicS() + expiresAtS - nowS())
      return true
    },
  }
}

function newGeneration(): Generation {
  return { ids: new Set(), latestS: Number.NEGATIVE_INFINITY, latestMonotonicS: Number.NEGATIVE_INFINITY }
}
