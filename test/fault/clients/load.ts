import { createRandom } from '../../simulation/revocation/random.ts'
import type { Asserter } from '../../support/parties.ts'
import type { OperatorParty } from '../../support/story.ts'
import type { Recorder } from '../history/history.ts'
import { type Endpoint, grpcCaller, restCaller } from './callers.ts'
import { runAdministrator, runAgent, runVerifier } from './roles.ts'
import { createSession, type Party, type Session, type Shared } from './session.ts'

/** Options of startLoad. */
export interface LoadOptions {
  readonly seed: number
  readonly recorder: Recorder
  readonly endpoints: readonly Endpoint[]
  readonly parties: readonly Party[]
  /** Operators that the administrator suspends from time to time. */
  readonly operators: readonly OperatorParty[]
  readonly admin: Asserter
}

/** Running clients. */
export interface Load {
  readonly shared: Shared
  /** A session for calls after the load. It still works after `stop`. */
  readonly afterwards: Session
  /** Resolves when every client has finished its current work. */
  stop(): Promise<void>
}

const VERIFIERS = 3

/**
 * Starts one client for each agent, one administrator, and some clients that only verify. Their choices follow from
 * the seed.
 */
export function startLoad({ seed, recorder, endpoints, parties, operators, admin }: LoadOptions): Load {
  const stop = new AbortController()
  const shared: Shared = {
    recorder,
    callers: endpoints.flatMap((endpoint) => [restCaller(endpoint), grpcCaller(endpoint)]),
    tokens: [],
    touched: new Set(),
    unanswered: new Set(),
    stopping: stop.signal,
  }
  let count = 0
  const session = (name: string, of = shared) => {
    count += 1
    return createSession(of, `${name}-${seed}`, createRandom(seed + count))
  }
  const clients = [
    ...parties.map((party, index) => runAgent(shared, session(`agent${index}`), party)),
    ...Array.from({ length: VERIFIERS }, (_, index) => runVerifier(shared, session(`verifier${index}`))),
    runAdministrator(shared, session('administrator'), operators, admin),
  ]
  const all = Promise.all(clients)
  // `stop` awaits `all`, so until then a rejection must not count as unhandled.
  all.catch(() => undefined)
  return {
    shared,
    afterwards: session('afterwards', { ...shared, stopping: new AbortController().signal }),
    async stop() {
      stop.abort()
      await all
    },
  }
}
