import { FeedError } from '@auth4agent/core/revocation/feed'
import { followRevocations } from '@auth4agent/core/revocation/follower'
import { checkAtHome } from '../../../services/trust/decide/freshness.ts'

/** The code that the simulation runs. A mutant replaces a part. */
export interface Parts {
  readonly followRevocations: typeof followRevocations
  /** The class that this follower knows. */
  readonly FeedError: typeof FeedError
  readonly checkAtHome: typeof checkAtHome
}

export const REAL: Parts = { followRevocations, FeedError, checkAtHome }
