import type { JsonObject } from '../encoding/strict-json.ts'
import type { GenuineChain } from './grant-types.ts'
import { checkCall } from './permits.ts'
import { type ChainRefusal, refuseGrant } from './refusal.ts'

/** A call that a service is asked to make. */
export interface Use {
  /** The audience under which the service is known. */
  readonly audience: string
  readonly scope: string
  /** The arguments on which the service acts; undefined if it does not know them. */
  readonly args: JsonObject | undefined
}

/**
 * Checks a call against every grant of a genuine chain, not against the last one alone.
 *
 * @returns undefined if every grant allows the call.
 * @example
 * ```ts
 * import { checkUse } from '@auth4agent/core/delegation/use-chain'
 *
 * const use = { audience: 'https://pay.acme.test', scope: 'pay', args: { amount: 5 } }
 * const refusal = checkUse(chain, use)
 * ```
 */
export function checkUse({ hops }: GenuineChain, { audience, scope, args }: Use): ChainRefusal | undefined {
  // A scope may have a #. With a # in the audience, another audience and scope could make the same capability.
  if (audience.includes('#'))
    return { ...refuseGrant('CAPABILITY_MISSING', 'the audience of the call must be without #'), hop: undefined }
  const capabilities = hops.map((hop) => hop.capabilities)
  return checkCall(capabilities, `${audience}#${scope}`, args)
}
