import { type Moment, msSince, present } from '@auth4agent/core/platform/moment'
import type { Demands, PresentedProof } from './wanted.ts'

const requests = new WeakMap<PresentedProof, object>()

/**
 * Notes which request a proof came with, and returns the proof. Several guards may protect one request. Each of them
 * checks the proof, but the proof is used only once.
 */
export function presentedIn(request: object, proof: PresentedProof): PresentedProof {
  requests.set(proof, request)
  return proof
}

/** Facts about requests, for as long as a request is in memory. */
export interface RequestFacts {
  /** Returns whether this fact is known about the request of a proof. A proof without a request has no facts. */
  has(dpop: Demands['dpop'], fact: string): boolean
  add(dpop: Demands['dpop'], fact: string): void
}

/**
 * How long an answer of a server is used for other guards of the request, in milliseconds. Some requests live for
 * hours, such as streams.
 */
export const ANSWER_MS = 5_000

interface Fact<Value> {
  readonly about: string
  readonly value: Value
  readonly at: Moment
}

/** The last fact about each request, for `maxAgeMs` at most. */
export class RequestMemory<Value> {
  readonly #facts = new WeakMap<object, Fact<Value>>()
  readonly #maxAgeMs: number

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs
  }

  /** Returns what is known about a subject. */
  find(dpop: Demands['dpop'], about: string): Value | undefined {
    const request = requestOf(dpop)
    const fact = request && this.#facts.get(request)
    return fact?.about === about && msSince(fact.at) < this.#maxAgeMs ? fact.value : undefined
  }

  /** Keeps what is known about a subject since `at`. */
  set(dpop: Demands['dpop'], about: string, value: Value, at = present()): void {
    const request = requestOf(dpop)
    if (request !== undefined) this.#facts.set(request, { about, value, at })
  }
}

/** Makes an empty set of facts. It keeps the last fact about each request. */
export function createRequestFacts(maxAgeMs = Number.POSITIVE_INFINITY): RequestFacts {
  const facts = new RequestMemory<true>(maxAgeMs)
  return {
    has: (dpop, fact) => facts.find(dpop, fact) === true,
    add: (dpop, fact) => facts.set(dpop, fact, true),
  }
}

function requestOf(dpop: Demands['dpop']): object | undefined {
  return typeof dpop === 'object' ? requests.get(dpop) : undefined
}
