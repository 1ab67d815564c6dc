import { createHash } from 'node:crypto'

/** What makes a person the same person at the next sign-in. Never an e-mail address, which changes hands. */
export interface UserSource {
  readonly operatorId: string
  /** The issuer of the identity provider, byte for byte. */
  readonly issuer: string
  /** The tenant that the provider names; empty for none. */
  readonly tenant: string
  /** The claim that has `sub`: `sub` or `oid`. */
  readonly claim: string
  /** The value of the claim. */
  readonly sub: string
}

/** 128 bits: nobody can find a second person with the same subject. */
const BYTES = 16

/** Returns the subject of a user: `user:` and 22 characters of base64url. It tells nobody who the user is. */
export function userSubject({ operatorId, issuer, tenant, claim, sub }: UserSource): string {
  // A JSON list is unambiguous, and well-formed for every text.
  const hash = createHash('sha256').update(JSON.stringify([operatorId, issuer, tenant, claim, sub]))
  return `user:${hash.digest().subarray(0, BYTES).toString('base64url')}`
}
