import { MAX_CHAIN_BYTES, MAX_DEPTH } from './grant-types.ts'
import { type GrantRefusal, refuseGrant } from './refusal.ts'

/** Stands between the grants of a chain. A chain is a token68, so it fits an Authorization header (RFC 9110 11.4). */
const SEPARATOR = '~'
const MAX_GRANTS = MAX_DEPTH + 1

/**
 * Splits the text of a chain into the texts of its grants, root first: one to nine. It does not check the grants.
 *
 * @example
 * ```ts
 * import { splitChain } from '@auth4agent/core/delegation/grant-chain'
 *
 * const chain = splitChain(text)
 * if (chain.ok) console.log(chain.grants.length)
 * ```
 */
export function splitChain(text: string): { readonly ok: true; readonly grants: readonly string[] } | GrantRefusal {
  if (text.length > MAX_CHAIN_BYTES)
    return refuseGrant('CHAIN_TOO_LARGE', `the chain must have at most ${MAX_CHAIN_BYTES} bytes`)
  const grants = text.split(SEPARATOR, MAX_GRANTS + 1)
  return grants.length > MAX_GRANTS
    ? refuseGrant('CHAIN_TOO_LARGE', `the chain must have at most ${MAX_GRANTS} grants`)
    : { ok: true, grants }
}

/**
 * Appends a grant to the text of a chain. It checks neither.
 *
 * @example
 * ```ts
 * import { appendGrant } from '@auth4agent/core/delegation/grant-chain'
 *
 * const chain = appendGrant(parentChain, grant)
 * ```
 */
export function appendGrant(chain: string, grant: string): string {
  return `${chain}${SEPARATOR}${grant}`
}
