import { type Capabilities, isUnconstrained } from '@auth4agent/core/delegation/constraint'
import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { bindTerms } from '../terms.ts'
import type { ExchangeOptions } from './agent-grant-calls.ts'
import { detailsText, readCapabilities } from './grant-terms.ts'
import { refusedGrant } from './refused-grant.ts'

/** The terms of an access token for a chain. */
export interface ExchangeTerms {
  /** Sorted. */
  readonly audience: readonly string[]
  /** Sorted and separated by spaces. */
  readonly scope: string
  /** The text of `authorization_details`; undefined if there is none. */
  readonly details: string | undefined
}

/**
 * Reads the terms of an exchange. Without scopes and capabilities, they are all that the grant allows at the
 * audience: as scopes what has no constraints, and as capabilities what has some.
 *
 * Throws TypeError for terms that no server accepts, and CAPABILITY_MISSING if the grant allows nothing there.
 */
export function exchangeTermsOf(
  { audience: wanted, scopes, capabilities }: ExchangeOptions,
  { capabilities: held }: Hop,
  issuer: string,
): ExchangeTerms {
  const { audience, scope } = bindTerms({ scopes, audience: wanted }, issuer)
  if ([wanted].flat().length === 0) throw new TypeError('audience must be 1 to 8 URLs')
  if (scopes !== undefined || capabilities !== undefined) {
    const details = capabilities && detailsText(readCapabilities(capabilities))
    if (scope === '' && details === undefined) throw new TypeError('Either scopes or capabilities must not be empty')
    return { audience, scope, details }
  }
  const all = allowedAt(audience, held)
  if (all.scope === '' && all.details === undefined) {
    const rule = `the grant must allow something at ${audience.join(' and ')}`
    throw refusedGrant({ ok: false, reason: 'CAPABILITY_MISSING', rule })
  }
  return { audience, ...all }
}

function allowedAt(audience: readonly string[], held: Capabilities): Pick<ExchangeTerms, 'scope' | 'details'> {
  const here = [...held].filter(([capability]) => audience.includes(audienceOf(capability)))
  const scopes = new Set(here.map(([capability]) => capability.slice(audienceOf(capability).length + 1)))
  const isFreeEverywhere = (scope: string) =>
    audience.every((each) => {
      const limits = held.get(`${each}#${scope}`)
      return limits !== undefined && isUnconstrained(limits)
    })
  const constrained = here.filter(([, limits]) => !isUnconstrained(limits))
  return {
    scope: [...scopes].filter(isFreeEverywhere).toSorted().join(' '),
    details: constrained.length === 0 ? undefined : detailsText(new Map(constrained)),
  }
}

/** Returns the audience of a capability: the text before the first `#`. */
export function audienceOf(capability: string): string {
  return capability.slice(0, capability.indexOf('#'))
}
