import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readDemandedAudiences } from '@auth4agent/core/token/audience'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import { parseScopeString } from '@auth4agent/core/token/scope'

/** The requirements of one call, in addition to those of the verifier. */
export interface Wanted {
  /** Scopes, separated by spaces. The token must have all of them. */
  readonly scope?: string
  /** Used instead of the verifier's own audience. */
  readonly audience?: string | readonly string[]
}

/** The option names of requirements. */
export const WANTED_NAMES: Names<Wanted> = { scope: true, audience: true }
/** The most scope texts whose parsed form is kept. Programs have fewer. Any other text is parsed each time. */
const MAX_SCOPES = 256

/**
 * Makes a function that turns the options of a call into requirements. It throws TypeError for an unknown option, such
 * as `scopes`, and for a scope or audience that is present but empty or undefined. Such a value is most likely a
 * variable that was not set, and must not mean "none required".
 */
export function createRequirements(base: Requirements): (wanted: Wanted | undefined) => Requirements {
  const scopes = new Map<string, Requirements>()
  const withScope = (scope: unknown): Requirements => {
    const known = typeof scope === 'string' ? scopes.get(scope) : undefined
    if (known !== undefined) return known
    const parsed = typeof scope === 'string' && scope !== '' ? parseScopeString(scope) : undefined
    if (parsed === undefined)
      throw new TypeError(`scope must be scope-tokens with spaces between, not ${JSON.stringify(scope)}`)
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
