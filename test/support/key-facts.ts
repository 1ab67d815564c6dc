import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { KeyState } from '../../gen/prisma/enums.ts'
import type { KeyFacts, RotationTimes, Step } from '../../services/keys/domain/plan-rotation.ts'

/** Times that are easily told apart. */
export const TIMES: RotationTimes = { rotateAfterS: 1_000, publishS: 100, retireAfterS: 300 }

/** A key, of ES256 unless said otherwise. */
export function key(kid: string, state: KeyState, ageS: number, alg: TokenAlgorithm = 'ES256'): KeyFacts {
  return { kid, alg, state, ageS }
}

/** The step that fills the reserve up by one. */
export function fresh(alg: TokenAlgorithm = 'ES256'): Step {
  return { to: 'new', alg, state: 'prepared' }
}

/** Signs, and has for a second. */
export const ACTIVE = key('active', 'active', 1)
/** Has been published for just long enough. */
export const READY = key('ready', 'prepared', 100)
/** Another one. */
export const READY_TOO = key('ready too', 'prepared', 100)
/** Lacks half a second. */
export const UNREADY = key('unready', 'prepared', 99.5)
/** Has only been made. */
export const YOUNG = key('young', 'prepared', 2)

const OTHER_ALGORITHMS = TOKEN_ALGORITHMS.filter((alg) => alg !== 'ES256')

/** Keys of the algorithms but ES256, which need nothing. */
export const OTHERS = OTHER_ALGORITHMS.flatMap((alg) => [
  key(`${alg} active`, 'active', 1, alg),
  key(`${alg} ready`, 'prepared', 100, alg),
  key(`${alg} unready`, 'prepared', 1, alg),
])
