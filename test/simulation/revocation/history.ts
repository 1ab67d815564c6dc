import type { Answer } from './instance.ts'

/** A verification as its client saw it. Times are true times. The order tells which of two equal times came first. */
export interface Verification {
  readonly target: string
  readonly process: string
  readonly sent: Moment
  /** The moment of the answer; undefined while there is no answer. */
  answered?: Moment
  answer?: Answer['answer']
  from?: Answer['from']
}

/** One call of a revocation as its client saw it. A call without an outcome timed out, so its effect is unknown. */
export interface RevocationCall {
  readonly target: string
  readonly process: string
  readonly called: Moment
  returned?: Moment
  outcome?: 'acknowledged' | 'failed'
}

/** A moment of true time. */
interface Moment {
  readonly time: number
  readonly order: number
}

/** Everything that clients saw in a run, and the faults. */
export interface History {
  readonly verifications: Verification[]
  readonly revocations: RevocationCall[]
  /** From when on this deployment must refuse tokens that have ended at home, by their targets. */
  readonly endedAtHome: Map<string, Moment>
  /** When a target's record was compacted. From then on all tokens that it ended have expired. */
  readonly expired: Map<string, number>
  /** The faults in the order in which they began. */
  readonly faults: { readonly time: number; readonly what: string }[]
  moment(): Moment
}

/** Creates an empty history. */
export function createHistory(now: () => number): History {
  let order = 0
  return {
    verifications: [],
    revocations: [],
    endedAtHome: new Map(),
    expired: new Map(),
    faults: [],
    moment() {
      order += 1
      return { time: now(), order }
    },
  }
}
