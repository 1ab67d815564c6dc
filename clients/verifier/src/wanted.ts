import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readDemandedAudiences } from '@auth4agent/core/token/audience'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import { parseScopeString } from '@auth4agent/core/token/scope'

/** What one call wants of a token beyond what the verifier wants of all. */
export interface Wanted {
  /** Scopes, all of which the token must have, separated by spaces. */
  readonly scope?: string
  /** Instead of the verifier's own audience. */
  readonly audience?: string | readonly string[]
}

/** The names that wishes have. */
export const WANTED_NAMES: Names<Wanted> = { scope: true, audience: true }
/** More different scopes than a program asks for by name; others are read each time. */
const MAX_SCOPES = 256

/**
 * Makes what turns wishes into requirements. It throws TypeError for a scope or audience that is empty or undefined although it is named:
 * that is a variable which somebody forgot to set, and must not pass for "none required". Nor must `scopes` or another name that means nothing.
 */
export function createRequirements(base: Requirements): (wanted: Wanted | undefined) => Requirements {
  const scopes = new Map<string, Requirements>()
  const withScope = (scope: unknown): Requirements => {
    const known = typeof scope === 'string' ? scopes.get(scope) : undefined
    if (known !== undefined) return known
    const parsed = typeof scope === 'string' && scope !== '' ? parseScopeString(scope) : undefined
    if (parsed === undefined) throw new TypeError(`no scope that a token could have is called ${JSON.stringify(scope)}`)
    const requirements = { ...base, scope: parsed }
    if (scopes.size < MAX_SCOPES) scopes.set(String(scope), requirements)
    return requirements
  }
  return (wanted) => {
    if (wanted === undefined) return base
    refuseUnknownNames('option', wanted, WANTED_NAMES)
    const requirements = 'scope' in wanted ? withScope(wanted.scope) : base
    return 'audience' in wanted ? { ...requirements, audience: readDemandedAudiences(wanted.audience) } : requirements
  }
}
