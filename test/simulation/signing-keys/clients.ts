import type { Row } from './database.ts'
import type { Instance } from './world.ts'
import { blame, note, type World } from './world.ts'

const MAX_TTL_S = 3_600
/** The rate of the slowest clock. */
export const SLOWEST = 0.98
const ENDED: ReadonlySet<Row['state']> = new Set(['retired', 'compromised'])

/**
 * Signs a token of each algorithm, an introspection answer and a statement about a holder, and records a violation for
 * a key that may not sign.
 * `began` is the time at which the request began.
 */
export function signAll(world: World, instance: Instance, began: number, ttlS = MAX_TTL_S): void {
  const { rows, timeline, copies, expires, settings } = world
  const now = timeline.now()
  const signing = [...tokenKeys(world, instance), ...answerKeys(world, instance)]
  for (const { kid, purpose, isFirst } of signing.filter(({ state }) => state === 'active')) {
    const isToken = purpose === 'access_token'
    note(world, isToken ? 'a token is signed' : 'an answer is signed')
    const { retiring, compromised } = rows.find((row) => row.kid === kid)?.entered ?? {}
    const graceS = isToken ? 0 : settings.servedS / SLOWEST
    if (retiring !== undefined && retiring + graceS <= began)
      blame(world, `${kid} signs, and was retiring when it was asked to`)
    if (compromised !== undefined && compromised <= began)
      blame(world, `${kid} signs, and was compromised when it was asked to`)
    if (!isFirst && copies.some((copy) => copy.until > now && !copy.kids.has(kid)))
      blame(world, `${kid} signs, and is not in a key set that is in use`)
    expires.set(kid, Math.max(expires.get(kid) ?? 0, now + ttlS))
  }
}

function tokenKeys({ rows, parts }: World, instance: Instance): readonly Row[] {
  const seen = parts.signerBy === 'statement' ? rows : instance.remembered
  return seen.filter(({ purpose }) => purpose === 'access_token')
}

/**
 * Returns the keys for introspection answers and for statements that a process knows. It reads them again when an
 * active one has ended.
 */
function answerKeys({ rows, parts }: World, instance: Instance): readonly Row[] {
  const known = parts.answersBy === 'endless memory' ? instance.remembered : instance.published()
  const ended = new Set(rows.filter(({ state }) => ENDED.has(state)).map(({ kid }) => kid))
  const isEnded = answerKeysAmong(known).some(({ kid, state }) => state === 'active' && ended.has(kid))
  return parts.answersBy !== 'unchecked memory' && isEnded ? answerKeysAmong(rows) : answerKeysAmong(known)
}

function answerKeysAmong(all: readonly Row[]): readonly Row[] {
  return all.filter(({ purpose }) => purpose !== 'access_token')
}

/** Replaces a client's copy of the JWKS by what an instance publishes. */
export function fetchKeySet(world: World, index: number): void {
  const { instances, random, timeline, copies, expires, settings } = world
  const up = instances.filter((instance) => instance !== undefined)
  const published = up.length === 0 ? [] : random.pick(up).published()
  // An instance without keys has not started yet.
  if (published.length === 0) return
  const now = timeline.now()
  const kids = new Set(published.map(({ kid }) => kid))
  for (const [kid, until] of expires)
    if (until > now && !kids.has(kid)) blame(world, `a token of ${kid} is not refused, and does not verify`)
  copies[index] = { kids, until: now + settings.maxAgeS }
}
