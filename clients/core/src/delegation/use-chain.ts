import type { JsonObject } from '../encoding/strict-json.ts'
import { readArguments } from './call-arguments.ts'
import type { Hop } from './grant-types.ts'
import { checkCall } from './permits.ts'
import { type ChainRefusal, quote, refuseGrant } from './refusal.ts'

/** What a call needs: all of these scopes, each at one of these audiences, which are names of the same service. */
export interface Uses {
  readonly audience: readonly string[]
  readonly scope: readonly string[]
}

/** The part of a genuine chain that decides what it allows. */
interface Allowing {
  readonly hops: readonly Pick<Hop, 'capabilities'>[]
}

/**
 * Checks a call against every grant of a genuine chain, not against the last one alone.
 *
 * @param args the arguments on which the service acts; undefined if it does not know them.
 * @returns undefined if every grant allows the call.
 * @example
 * ```ts
 * import { checkUses } from '@auth4agent/core/delegation/use-chain'
 *
 * const uses = { audience: ['https://pay.acme.test'], scope: ['pay'] }
 * const refusal = checkUses(chain, uses, { amount: 5 })
 * ```
 */
export function checkUses({ hops }: Allowing, uses: Uses, args: JsonObject | undefined): ChainRefusal | undefined {
  const read = readArguments(args)
  if (!read.ok) return read
  const capabilities = hops.map((hop) => hop.capabilities)
  return checkEach(uses, (capability) => checkCall(capabilities, capability, read.args))
}

/**
 * Checks whether every grant of a chain has every scope, before the arguments are known.
 *
 * @returns undefined if all have, or else the refusal of the first grant that has not.
 * @example
 * ```ts
 * import { checkCapabilities } from '@auth4agent/core/delegation/use-chain'
 *
 * const refusal = checkCapabilities(chain, { audience: ['https://pay.acme.test'], scope: ['pay'] })
 * ```
 */
export function checkCapabilities({ hops }: Allowing, uses: Uses): ChainRefusal | undefined {
  return checkEach(uses, (capability) => {
    const hop = hops.findIndex(({ capabilities }) => !capabilities.has(capability))
    return hop === -1 ? undefined : missing(`the grant or token must have the capability ${quote(capability)}`, hop)
  })
}

type Check = (capability: string) => ChainRefusal | undefined

/** Without an audience or a scope, no constraint would be checked, so such a call is refused. */
function checkEach({ audience, scope }: Uses, check: Check): ChainRefusal | undefined {
  if (audience.length === 0 || scope.length === 0) return missing('the call must have an audience and a scope')
  // A name that is repeated must not cost a check again.
  const audiences = [...new Set(audience)]
  for (const each of new Set(scope)) {
    const refusal = checkAtOne(audiences, each, check)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** If no audience allows the call, the refusal of one at which the chain has the scope says more than the others. */
function checkAtOne(audiences: readonly string[], scope: string, check: Check): ChainRefusal | undefined {
  const refusals: ChainRefusal[] = []
  for (const audience of audiences) {
    // A scope may have a #. With a # in the audience, another audience and scope could make the same capability.
    const refusal = audience.includes('#')
      ? missing('the audience of the call must be without #')
      : check(`${audience}#${scope}`)
    if (refusal === undefined) return undefined
    refusals.push(refusal)
  }
  return refusals.find(({ reason }) => reason !== 'CAPABILITY_MISSING') ?? refusals[0]
}

function missing(rule: string, hop?: number): ChainRefusal {
  return { ...refuseGrant('CAPABILITY_MISSING', rule), hop }
}
