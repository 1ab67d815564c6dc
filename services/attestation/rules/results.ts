import type { AttestationLevel } from '@auth4agent/core/token/attestation'
import type { ClaimValue, VerifiedClaims } from '../types/attestor-type.ts'

/** A result of one attestor about one agent, as rules and requirements see it. */
export interface CurrentResult {
  /** Name of the attestor. */
  readonly attestor: string
  readonly attestorId: string
  /** Type of the attestor. */
  readonly type: string
  readonly level: AttestationLevel
  readonly claims: VerifiedClaims
  /** Unix milliseconds. */
  readonly verifiedAt: number
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/** Returns a verified claim; undefined if there is none of that name. Never returns a member of the prototype. */
export function claimOf(claims: VerifiedClaims, name: string): ClaimValue | undefined {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}
