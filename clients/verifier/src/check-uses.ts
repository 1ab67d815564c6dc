import type { GenuineChain } from '@auth4agent/core/delegation/grant-types'
import { type ChainRefusal, refuseGrant } from '@auth4agent/core/delegation/refusal'
import { checkUse } from '@auth4agent/core/delegation/use-chain'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { Requirements } from '@auth4agent/core/token/check-requirements'

/** What a call needs: all of these scopes, each at one of these audiences. */
export type Uses = Pick<Requirements, 'audience' | 'scope'>

/**
 * Checks every scope against every grant of a chain. Returns undefined if the chain allows all of them with these
 * arguments.
 */
export function checkUses(chain: GenuineChain, wanted: Uses, args: JsonObject | undefined): ChainRefusal | undefined {
  return checkEach(wanted, (audience, scope) => checkUse(chain, { audience, scope, args }))
}

/** Checks whether the last grant has every scope, before the arguments are known. */
export function checkCapabilities({ hops }: GenuineChain, wanted: Uses): ChainRefusal | undefined {
  const last = hops.at(-1)
  return checkEach(wanted, (audience, scope) =>
    last?.capabilities.has(`${audience}#${scope}`) === true ? undefined : missing(audience, scope, hops.length - 1),
  )
}

type Check = (audience: string, scope: string) => ChainRefusal | undefined

/**
 * An audience is another name of the same service, so one of them is enough for each scope. Without an audience or a
 * scope, no constraint would be checked, so such a call is refused.
 */
function checkEach({ audience, scope }: Uses, check: Check): ChainRefusal | undefined {
  if (scope.length === 0 || audience.length === 0) return missing('', '', undefined)
  for (const each of scope) {
    const refusals = audience.map((name) => check(name, each))
    if (refusals.every((refusal) => refusal !== undefined)) {
      return refusals.find(({ reason }) => reason !== 'CAPABILITY_MISSING') ?? refusals[0]
    }
  }
  return undefined
}

function missing(audience: string, scope: string, hop: number | undefined): ChainRefusal {
  const rule = `the grant must have the capability ${JSON.stringify(`${audience}#${scope}`)}`
  return { ...refuseGrant('CAPABILITY_MISSING', rule), hop }
}
