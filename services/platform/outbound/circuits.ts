import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel'
import { OutboundError, type OutboundWhy } from './outbound-error.ts'

/** Failures in a row after which an origin is left alone. */
const FAILURES = 5
/** How long it is left alone before one request may try it again, in milliseconds. */
const PAUSE_MS = 5_000
/** Limit of the origins. Above it, the oldest breaker is forgotten, and its origin is asked again. */
const MAX_ORIGINS = 1_000

/** Failures that say that nobody has answered. Any other refusal is of an answer, so its origin is alive. */
const UNANSWERED: ReadonlySet<OutboundWhy> = new Set(['ADDRESS_REFUSED', 'UNREACHABLE', 'TIMEOUT'])
const TOO_MANY_REQUESTS = 429

/** Runs a request, unless the origin has failed too often. Then it throws OutboundError with CIRCUIT_OPEN. */
export type Circuits = <T>(origin: string, work: () => Promise<T>) => Promise<T>

/** Creates a circuit breaker for each origin. `work` must throw only OutboundErrors. */
export function createCircuits(maxOrigins = MAX_ORIGINS): Circuits {
  const circuits = new Map<string, ReturnType<typeof createCircuit>>()
  const circuitOf = (origin: string) => {
    const known = circuits.get(origin)
    if (known !== undefined) return known
    const circuit = createCircuit()
    keepNewest(circuits, origin, circuit, maxOrigins)
    return circuit
  }
  return async (origin, work) => {
    const circuit = circuitOf(origin)
    const refusal = new OutboundError('CIRCUIT_OPEN', `${origin} has failed ${FAILURES} times in a row`)
    // While one request tries the origin, cockatiel would let the others wait for its end.
    if (circuit.state === CircuitState.HalfOpen) throw refusal
    try {
      return await circuit.execute(work)
    } catch (error) {
      throw isBrokenCircuitError(error) ? refusal : error
    }
  }
}

function createCircuit() {
  const breaker = new ConsecutiveBreaker(FAILURES)
  return circuitBreaker(handleWhen(isUnwell), { halfOpenAfter: PAUSE_MS, breaker })
}

function isUnwell(error: unknown): boolean {
  if (!(error instanceof OutboundError)) return false
  const { why, status = 0 } = error
  return UNANSWERED.has(why) || status >= 500 || status === TOO_MANY_REQUESTS
}
