import { createLogFollower, type LogFollower, type LogFollowerDeps } from '../../../services/revocation/log-follower.ts'
import { createSettle, type SettleDeps } from '../../../services/revocation/settle.ts'

/** What a verification asks where the verifier does not know. */
export interface Databases {
  /** Whether the token has been ended; fails where there is no primary. */
  readonly primary: () => Promise<boolean>
  /** The same, as of some time ago. */
  readonly standby: () => Promise<boolean>
}

/** What the handler of a revocation works with. */
interface Handling extends Databases {
  /** Answers whether it changed anything. */
  readonly commit: () => Promise<boolean>
  readonly settle: () => Promise<void>
  readonly deps: SettleDeps
}

/** The code under test, and the little around it that keeps the rules as well. Each mutant replaces one of these. */
export interface Parts {
  createLogFollower(deps: LogFollowerDeps): LogFollower
  createSettle(deps: SettleDeps): () => Promise<void>
  /** What the handler of a revocation does. */
  revoke(handling: Handling): Promise<void>
  ask(databases: Databases): Promise<boolean>
}

/** The real thing. */
export const REAL: Parts = {
  createLogFollower,
  createSettle,
  async revoke({ commit, primary, settle }) {
    // A repetition that finds it done writes nothing, so its answer waits for no standby by itself.
    if (!(await primary())) await commit()
    await settle()
  },
  ask: ({ primary }) => primary(),
}
