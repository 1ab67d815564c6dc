import { parseDid } from '../identity/did.ts'
import type { DerivedClaims } from './grant-claims.ts'
import type { Hop } from './grant-types.ts'
import type { HolderStatement } from './holder-statement.ts'
import { type GrantReason, type GrantRefusal, refuseGrant } from './refusal.ts'

/** One demand on a child and its parent: whether it holds, and what is right. */
type Demand = readonly [
  reason: GrantReason,
  holds: (child: DerivedClaims, parent: Hop) => boolean,
  rule: (child: DerivedClaims, parent: Hop) => string,
]

/** A text in `iss` of a derived grant: the thumbprint of the key that signed it (RFC 9278). */
const THUMBPRINT_URI = 'urn:ietf:params:oauth:jwk-thumbprint:sha-256:'

const DEMANDS: readonly Demand[] = [
  [
    'NOT_BY_HOLDER',
    (child, parent) => child.iss === thumbprintUri(parent.jkt),
    (_, parent) => `iss must be ${thumbprintUri(parent.jkt)}`,
  ],
  [
    'PARENT_MISMATCH',
    (child, parent) => child.parHash === parent.id,
    (_, parent) => `par_hash must be ${parent.id}, the SHA-256 of the parent's signing input`,
  ],
  [
    'DEPTH_OUT_OF_SEQUENCE',
    (child, parent) => child.depth === parent.depth + 1,
    (_, parent) => `del_depth must be ${parent.depth + 1}`,
  ],
  [
    'DEPTH_EXCEEDED',
    (child, parent) => child.depth <= Math.min(child.maxDepth, parent.maxDepth),
    (child, parent) => `del_depth must be at most ${Math.min(child.maxDepth, parent.maxDepth)}`,
  ],
  [
    'DEPTH_RAISED',
    (child, parent) => child.maxDepth <= parent.maxDepth,
    (_, parent) => `del_max_depth must be at most ${parent.maxDepth}`,
  ],
  [
    'LIFETIME_EXTENDED',
    (child, parent) => child.exp <= parent.exp,
    (_, parent) => `exp must be at most ${parent.exp}, when the parent expires`,
  ],
  [
    'ISSUED_BEFORE_PARENT',
    (child, parent) => child.iat >= parent.iat,
    (_, parent) => `iat must be at least ${parent.iat}, when the parent was issued`,
  ],
  [
    'HOLDERS_WIDENED',
    (child, parent) => (child.allowedDomains ?? []).every((domain) => parent.allowedDomains.includes(domain)),
    (_, parent) => `a4a_to must be among ${parent.allowedDomains.join(', ')}`,
  ],
]

/**
 * Returns the `iss` of a grant that the holder of a key derives: its RFC 9278 thumbprint URI.
 *
 * @example
 * ```ts
 * import { thumbprintUri } from '@auth4agent/core/delegation/check-derivation'
 *
 * const iss = thumbprintUri(thumbprint(publicKey))
 * ```
 */
export function thumbprintUri(jkt: string): string {
  return `${THUMBPRINT_URI}${jkt}`
}

/**
 * Checks that a derived grant belongs to its parent and narrows it in depth, time and domains. The holder statement
 * and the capabilities are checked elsewhere.
 *
 * @returns undefined if nothing is wrong.
 * @example
 * ```ts
 * import { checkDerivation } from '@auth4agent/core/delegation/check-derivation'
 *
 * const refusal = checkDerivation(claims, parent)
 * ```
 */
export function checkDerivation(child: DerivedClaims, parent: Hop): GrantRefusal | undefined {
  const broken = DEMANDS.find(([, holds]) => !holds(child, parent))
  if (broken === undefined) return undefined
  const [reason, , rule] = broken
  return refuseGrant(reason, rule(child, parent))
}

/**
 * Checks the genuine statement about the holder of a derived grant: it is about the grant's key, outlives the grant,
 * and names an agent of a domain to which the parent may be delegated.
 *
 * @param jkt thumbprint of the key in the grant
 * @returns undefined if nothing is wrong.
 * @example
 * ```ts
 * import { checkHolder } from '@auth4agent/core/delegation/check-derivation'
 *
 * const refusal = checkHolder(statement, { jkt, exp: claims.exp }, parent)
 * ```
 */
export function checkHolder(
  statement: HolderStatement,
  { jkt, exp }: Pick<Hop, 'jkt' | 'exp'>,
  { allowedDomains }: Hop,
): GrantRefusal | undefined {
  if (statement.jkt !== jkt)
    return refuseGrant('HOLDER_KEY_MISMATCH', `the holder statement must be about the key ${jkt}`)
  if (exp > statement.exp)
    return refuseGrant('LIFETIME_EXTENDED', `exp must be at most ${statement.exp}, when the holder statement expires`)
  const domain = parseDid(statement.did)?.domain
  return domain !== undefined && allowedDomains.includes(domain)
    ? undefined
    : refuseGrant('HOLDER_NOT_ALLOWED', `the holder must be an agent of ${allowedDomains.join(' or ')}`)
}
