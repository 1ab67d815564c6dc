import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import type { KeyEventClaims } from '@auth4agent/core/key-events/event-claims'

/** Returns the thumbprints of the keys that an event makes keys of the agent, or commits to. They must be unused. */
export function newKidsOf(claims: KeyEventClaims): readonly string[] {
  if (claims.type === 'remove-key' || claims.type === 'deactivate' || claims.type === 'move') return []
  const next = claims.type === 'add-key' ? undefined : claims.next
  return [jwkThumbprint(claims.key), ...(next === undefined ? [] : [next])]
}
