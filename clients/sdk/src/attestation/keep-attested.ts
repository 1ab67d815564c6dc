import { readAnswer } from '../answers.ts'
import { Auth4AgentError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import type { Server } from '../server.ts'
import { type Shared, shareWork } from '../share-work.ts'
import type { AgentSigner } from '../signer.ts'
import { type AttestationResult, lifetimeMs, readResults } from './attestation-answers.ts'
import type { EvidenceSource } from './evidence-source.ts'
import { gatherEvidence, identityKey } from './gather-evidence.ts'

/** An agent that attests. */
export interface Attesting {
  readonly server: Server
  readonly runtime: Runtime
  readonly did: string
  readonly operator: string
  readonly sources: readonly EvidenceSource[]
  readonly fetch: typeof globalThis.fetch
  /** Stops all work. */
  readonly closing: AbortSignal
  /** The results with which the agent has enrolled; undefined if they are not known. */
  readonly first: FirstResults | undefined
}

/** The results with which an agent has enrolled, and when it asked for them, by the clock that never goes back. */
export interface FirstResults {
  readonly results: readonly AttestationResult[]
  readonly atMs: number
}

/** Runs work as an agent whose results of attestation count. */
export interface Attested {
  /**
   * Attests ahead of the expiry of the last results, and then runs work. If the server answers ATTESTATION_REQUIRED,
   * it attests and runs the work once more.
   */
  around<T>(signer: AgentSigner, work: () => Promise<T>): Promise<T>
}

/**
 * The agent attests again at a random point between these parts of the lifetime, so that agents that started together
 * do not attest together. Until then, the platform has usually replaced a token in a file.
 */
const RENEW_FROM = 0.7
const RENEW_TO = 0.85
/** The pause after a failed attempt while the last results count, in milliseconds. */
const RETRY_MS = 30_000

/** The last results. Times are in milliseconds of the clock that never goes back. */
interface Known {
  readonly atMs: number
  readonly lifetimeMs: number
  readonly renewAtMs: number
}

/** Keeps the results of an agent fresh, whenever the agent needs a token. It has no timers. */
export function keepAttested({ server, runtime, did, first, closing, ...parts }: Attesting): Attested {
  let known = first === undefined ? undefined : plan(first.results, runtime, first.atMs)
  let shared: Shared<void> | undefined
  let times = 0

  const attestNow = async (signer: AgentSigner, signal: AbortSignal) => {
    const atMs = runtime.monotonicMs()
    const gathered = await gatherEvidence({ ...parts, server, signer: identityKey(signer), purpose: 'attest', signal })
    const body = { did, attestation: gathered }
    const answer = await server.transport({ method: 'POST', path: '/v1/attest', body, signal })
    known = plan(readResults(readAnswer({ results: 'any' }, answer).results), runtime, atMs)
    times += 1
  }
  const attest = (signer: AgentSigner): Promise<void> => {
    shared ??= shareWork(
      (signal) => attestNow(signer, signal),
      closing,
      () => {
        shared = undefined
      },
    )
    return shared.join()
  }
  const attestAhead = async (signer: AgentSigner) => {
    const nowMs = runtime.monotonicMs()
    // Results that have expired are renewed when the server demands it: perhaps nothing needs them any more.
    if (known === undefined || nowMs < known.renewAtMs || nowMs - known.atMs >= known.lifetimeMs) return
    known = { ...known, renewAtMs: nowMs + RETRY_MS }
    // The last results still count, so a failure is not yet an error.
    await attest(signer).catch(() => closing.throwIfAborted())
  }
  return {
    async around(signer, work) {
      await attestAhead(signer)
      const before = times
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof Auth4AgentError) || error.reason !== 'ATTESTATION_REQUIRED') throw error
        // Another caller may have attested since this work began.
        if (times === before) await attest(signer)
        return work()
      }
    },
  }
}

function plan(results: readonly AttestationResult[], runtime: Runtime, atMs: number): Known {
  const lifetime = lifetimeMs(results)
  const renewAtMs = atMs + lifetime * (RENEW_FROM + (RENEW_TO - RENEW_FROM) * runtime.random())
  return { atMs, lifetimeMs: lifetime, renewAtMs }
}
