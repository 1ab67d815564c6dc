import type { Instance } from './world.ts'
import { blame, note, type World } from './world.ts'

const MAX_TTL_S = 3_600

/**
 * Signs a token of each algorithm, and records a violation for a key that may not sign. `began` is the time at which
 * the request began.
 */
export function signAll(world: World, instance: Instance, began: number, ttlS = MAX_TTL_S): void {
  const { rows, timeline, copies, expires, parts } = world
  const now = timeline.now()
  const seen = parts.signerBy === 'statement' ? rows : instance.remembered
  for (const { kid, isFirst } of seen.filter(({ state }) => state === 'active')) {
    note(world, 'a token is signed')
    const retiring = rows.find((row) => row.kid === kid)?.entered.retiring
    if (retiring !== undefined && retiring <= began) blame(world, `${kid} signs, and was retiring when it was asked to`)
    if (!isFirst && copies.some((copy) => copy.until > now && !copy.kids.has(kid)))
      blame(world, `${kid} signs, and is not in a key set that is in use`)
    expires.set(kid, Math.max(expires.get(kid) ?? 0, now + ttlS))
  }
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
