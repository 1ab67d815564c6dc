/**
 * Reasons why a grant or a chain of grants is refused, with a sentence for each.
 *
 * @example
 * ```ts
 * import { grantRefusals } from '@auth4agent/core/delegation/refusal'
 *
 * console.log(grantRefusals.GRANT_EXPIRED) // 'A grant of the chain has expired'
 * ```
 */
export const grantRefusals = {
  CHAIN_TOO_LARGE: 'The chain has too many grants or too many bytes',
  MALFORMED_GRANT: 'A text is not a grant in canonical form',
  UNSUPPORTED_ALGORITHM: 'The algorithm of a grant or of a holder statement is not supported',
  RESTRICTION_UNKNOWN: 'A grant has a restriction that this version cannot enforce',
  GRANT_REPEATED: 'Two grants of the chain have the same jti',
  ROOT_EXPECTED: 'The first text of the chain is not a root grant',
  WRONG_ISSUER: 'Another issuer signed the root grant or a holder statement',
  UNKNOWN_KEY: 'The issuer does not publish the key of the root grant or of a holder statement, or has ended it',
  SIGNATURE_INVALID: 'The signature of the root grant is not valid',
  NOT_BY_HOLDER: 'A grant is not signed by the holder of its parent',
  PARENT_MISMATCH: 'A grant was derived from another grant than its parent in the chain',
  DEPTH_OUT_OF_SEQUENCE: 'The depth of a grant is not one more than the depth of its parent',
  DEPTH_EXCEEDED: 'A grant is deeper than the chain may be',
  DEPTH_RAISED: 'A grant allows deeper chains than its parent',
  LIFETIME_EXTENDED: 'A grant expires after its parent or after the statement about its holder',
  ISSUED_BEFORE_PARENT: 'A grant was issued before its parent',
  GRANT_NOT_YET_VALID: 'A grant or a holder statement was issued in the future',
  LIFETIME_TOO_LONG: 'The lifetime of a grant or of a holder statement is too long',
  GRANT_EXPIRED: 'A grant of the chain has expired',
  HOLDER_UNKNOWN: 'A grant has no genuine statement about its holder',
  HOLDER_KEY_MISMATCH: 'The statement about a holder names another key than the grant',
  KEY_NOT_ADMITTED: 'The key of a holder is not an acceptable Ed25519 public key',
  HOLDER_NOT_ALLOWED: 'The domain of a holder is not one to which the grant may be delegated',
  HOLDERS_WIDENED: 'A grant may be delegated to domains to which its parent may not',
  CAPABILITY_ADDED: 'A grant has a capability that its parent does not have',
  CONSTRAINT_DROPPED: 'A grant leaves out an argument that its parent requires, or makes it optional',
  ARGUMENT_ADDED: 'A grant allows an argument that its parent does not allow',
  CONSTRAINT_WIDENED: 'A constraint of a grant is not known to be as narrow as the constraint of its parent',
  UNKNOWN_CONSTRAINT: 'A grant has a constraint of an unknown type',
  MALFORMED_CONSTRAINT: 'A constraint of a grant is malformed',
  UNKNOWN_DETAIL_TYPE: 'The authorization details of a grant are not exactly one entry of the expected type',
  CAPABILITY_MISSING: 'The last grant of the chain, or the delegated token, does not have the required capability',
  ARGUMENT_REFUSED: 'An argument of the call is not allowed',
  ARGUMENTS_NEEDED: 'The capability has constraints, but the arguments of the call are not known',
} as const

/** A stable code that says why a grant or a chain is refused. */
export type GrantReason = keyof typeof grantRefusals

/**
 * A refusal of one grant. `rule` says in one sentence what is required, without a capital and a full stop.
 *
 * @example
 * ```ts
 * import type { GrantRefusal } from '@auth4agent/core/delegation/refusal'
 *
 * const describe = ({ reason, rule }: GrantRefusal) => `${reason}: ${rule}`
 * ```
 */
export interface GrantRefusal {
  readonly ok: false
  readonly reason: GrantReason
  readonly rule: string
}

/** A refusal of a chain. `hop` is the place of the refused grant, 0 for the root; undefined for the whole chain. */
export interface ChainRefusal extends GrantRefusal {
  readonly hop: number | undefined
}

/**
 * Makes a refusal of one grant.
 *
 * @example
 * ```ts
 * import { refuseGrant } from '@auth4agent/core/delegation/refusal'
 *
 * refuseGrant('DEPTH_EXCEEDED', 'del_depth must be at most 3')
 * ```
 */
export function refuseGrant(reason: GrantReason, rule: string): GrantRefusal {
  return { ok: false, reason, rule }
}

/**
 * Writes a name of a caller for a rule. Only the beginning of a long name is printed.
 *
 * @example
 * ```ts
 * import { quote } from '@auth4agent/core/delegation/refusal'
 *
 * quote('amount') // '"amount"'
 * ```
 */
export function quote(name: string): string {
  return JSON.stringify(name.slice(0, 128))
}
