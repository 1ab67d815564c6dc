import type { KeyState } from '../../gen/prisma/enums.ts'
import { isOfKind, KEY_KINDS, type KeyKind, nameOf, tokenKind } from '../../services/keys/domain/key-kinds.ts'
import type { KeyFacts, RotationTimes, Step } from '../../services/keys/domain/plan-rotation.ts'

/** Times that are easy to tell apart. */
export const TIMES: RotationTimes = { rotateAfterS: 1_000, publishS: 100, retireAfterS: 300 }

const ES256 = tokenKind('ES256')

/** Returns the facts of a key, by default of a token key for ES256. */
export function key(kid: string, state: KeyState, ageS: number, kind: KeyKind = ES256): KeyFacts {
  return { ...kind, kid, state, ageS }
}

/** Returns the step that adds one key to the reserve. */
export function fresh(kind: KeyKind = ES256): Step {
  return { to: 'new', ...kind, state: 'prepared' }
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

/** Keys of all kinds except token keys for ES256, for which the schedule has nothing to do. */
export const OTHERS = KEY_KINDS.flatMap((kind) => {
  if (isOfKind(kind, ES256)) return []
  const name = nameOf(kind)
  return [
    key(`${name} active`, 'active', 1, kind),
    key(`${name} ready`, 'prepared', 100, kind),
    key(`${name} unready`, 'prepared', 1, kind),
  ]
})
