import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import type { OperatorParty } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { type Next, turn } from './load.ts'

/** What callers behind a balancer have seen. */
interface Seen {
  /** Calls, without the repeated ones. */
  calls: number
  /** Calls that failed once. */
  repeated: number
  /** Turns that failed although each of their calls was repeated once. */
  readonly errors: string[]
}

/** Callers that repeat a failed call once. */
interface RetryingLoad {
  readonly seen: Readonly<Seen>
  /** Resolves when this many more turns have ended. */
  goOn(turns: number): Promise<void>
  stop(): Promise<void>
}

const WORKERS = 4
const PAUSE_MS = 10

/** Starts callers that make calls of each kind at one address. */
export function startRetryingLoad(operator: OperatorParty, client: ProtocolClient): RetryingLoad {
  const seen: Seen = { calls: 0, repeated: 0, errors: [] }
  const end = new AbortController()
  let turns = 0
  const next: Next = async (call) => {
    seen.calls += 1
    const first = await call(client).catch(() => undefined)
    if (first !== undefined && !isFailure(first)) return first
    seen.repeated += 1
    return call(client)
  }
  const work = async () => {
    while (!end.signal.aborted) {
      await turn(operator, next).catch((error: unknown) => seen.errors.push(inspect(error)))
      turns += 1
      await delay(PAUSE_MS)
    }
  }
  const all = Array.from({ length: WORKERS }, work)
  return {
    seen,
    async goOn(more) {
      const goal = turns + more
      await until(
        async () => turns,
        (done) => done >= goal,
      )
    },
    async stop() {
      end.abort()
      await Promise.all(all)
    },
  }
}

/** Tells whether the answer says that the server or the balancer could not do it now. */
function isFailure(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'status' in answer && Number(answer.status) >= 500
}
