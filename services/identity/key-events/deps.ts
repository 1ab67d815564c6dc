import type { Db } from '../../platform/db/db.ts'
import type { SigningClock } from '../domain/parse-key-event.ts'
import type { Resolver } from '../resolve-did.ts'

/** Dependencies of the calls about key events. */
export interface KeyEventDeps extends Resolver {
  /** Connections for reads by callers without authentication. */
  readonly readDb: Db
  /** Returns the time in Unix milliseconds. */
  readonly now: () => number
  /** Returns a time with the clock skew that the server allows. */
  readonly clock: (at: Date) => SigningClock
  /** The issuer of this server. */
  readonly issuer: string
  /** Milliseconds between the request for a recovery and its effect. */
  readonly recoveryDelayMs: number
  /** Milliseconds between the request for a move and its admission without a release. */
  readonly moveDelayMs: number
  /** Counts an event of an agent of an operator. Throws RATE_LIMITED if its agents have signed too many. */
  readonly limitEvents: (operatorId: string) => void
}
