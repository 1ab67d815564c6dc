import { createLogFollower, type LogFollower, type LogFollowerDeps } from '../../../services/revocation/log-follower.ts'
import { createSettle, type SettleDeps } from '../../../services/revocation/settle.ts'

/** The databases that answer a verification when memory cannot. */
export interface Databases {
  /** Resolves with whether the token has ended. Rejects if there is no primary. */
  readonly primary: () => Promise<boolean>
  /** The same, as of some time ago. */
  readonly standby: () => Promise<boolean>
}

/** What the handler of a revocation works with. */
interface Handling extends Databases {
  /** Resolves with whether it changed anything. */
  readonly commit: () => Promise<boolean>
  readonly settle: () => Promise<void>
  readonly deps: SettleDeps
}

/**
 * The code under test, and the small parts around it that keep the rules as well. Each mutant replaces one of these.
 */
export interface Parts {
  createLogFollower(deps: LogFollowerDeps): LogFollower
  createSettle(deps: SettleDeps): () => Promise<void>
  /** Does what the handler of a revocation does. */
  revoke(handling: Handling): Promise<void>
  ask(databases: Databases): Promise<boolean>
}

/** The real code. */
export const REAL: Parts = {
  createLogFollower,
  createSettle,
  async revoke({ commit, primary, settle }) {
    // A repeated call that finds the target ended writes nothing, so its answer does not wait for the standby by
    // itself.
    if (!(await primary())) await commit()
    await settle()
  },
  ask: ({ primary }) => primary(),
}
