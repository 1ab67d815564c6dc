import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { KeyState } from '../../gen/prisma/enums.ts'
import type { KeyFacts, RotationTimes, Step } from '../../services/keys/domain/plan-rotation.ts'

/** Times that are easy to tell apart. */
export const TIMES: RotationTimes = { rotateAfterS: 1_000, publishS: 100, retireAfterS: 300 }

/** Returns the facts of a key, by default of an ES256 key. */
export function key(kid: string, state: KeyState, ageS: number, alg: TokenAlgorithm = 'ES256'): KeyFacts {
  return { kid, alg, state, ageS }
}

/** Returns the step that adds one key to the reserve. */
export function fresh(alg: TokenAlgorithm = 'ES256'): Step {
  return { to: 'new', alg, state: 'prepared' }
}

/** A key that has been active for one second. */
export const ACTIVE = key('active', 'active', 1)
/** A prepared key that has been published just long enough. */
export const READY = key('ready', 'prepared', 100)
/** Another ready key. */
export const READY_TOO = key('ready too', 'prepared', 100)
/** A prepared key that is ready in half a second. */
export const UNREADY = key('unready', 'prepared', 99.5)
/** A prepared key that has just been created. */
export const YOUNG = key('young', 'prepared', 2)

const OTHER_ALGORITHMS = TOKEN_ALGORITHMS.filter((alg) => alg !== 'ES256')

/** Keys of all algorithms except ES256, for which the schedule has nothing to do. */
export const OTHERS = OTHER_ALGORITHMS.flatMap((alg) => [
  key(`${alg} active`, 'active', 1, alg),
  key(`${alg} ready`, 'prepared', 100, alg),
  key(`${alg} unready`, 'prepared', 1, alg),
])
