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
  /** Returns the fact that is known about the request of a proof. */
  find(dpop: Demands['dpop']): string | undefined
}

/** Makes an empty set of facts. It keeps the last fact about each request. */
export function createRequestFacts(): RequestFacts {
  const facts = new WeakMap<object, string>()
  const find = (dpop: Demands['dpop']) => {
    const request = requestOf(dpop)
    return request && facts.get(request)
  }
  return {
    find,
    has: (dpop, fact) => find(dpop) === fact,
    add(dpop, fact) {
      const request = requestOf(dpop)
      if (request !== undefined) facts.set(request, fact)
    },
  }
}

function requestOf(dpop: Demands['dpop']): object | undefined {
  return typeof dpop === 'object' ? requests.get(dpop) : undefined
}
