import { GRANT_ALGORITHM, GRANT_TYPE, MAX_GRANT_BYTES } from '@auth4agent/core/delegation/grant-types'
import { formatCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { Subject } from '../../domain/decide-issue.ts'
import type { GrantTerms } from './decide-grant.ts'

/** What the redemption adds to the terms of a grant. */
interface Redeemed {
  readonly jti: string
  /** Unix seconds. */
  readonly nowS: number
  readonly epoch: readonly [agent: number, operator: number]
}

/** Builds the claims of a root grant. docs/delegation.md explains them. */
export function buildRootClaims(
  issuer: string,
  { agent, operator }: Subject,
  terms: GrantTerms,
  { jti, nowS, epoch }: Redeemed,
) {
  return {
    iss: issuer,
    jti,
    iat: nowS,
    exp: nowS + terms.ttl,
    sub: agent.did,
    operator_id: operator.id,
    epoch,
    a4a_to: terms.allowedDomains,
    cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(agent.publicKey) } },
    del_depth: 0,
    del_max_depth: terms.depth,
    authorization_details: formatCapabilities(terms.capabilities),
  }
}

/** Lengths that do not depend on the request: of a kid, a signature, and the largest epochs. */
const KID = 'k'.repeat(43)
const SIGNATURE_LENGTH = 86
const LARGEST_EPOCH = 2_147_483_647

/**
 * Checks that a grant will not be too long, whatever its epochs.
 *
 * @throws ApiError MALFORMED_GRANT
 */
export function checkGrantSize(
  issuer: string,
  subject: Subject,
  terms: GrantTerms,
  redemption: Omit<Redeemed, 'epoch'>,
): void {
  const claims = buildRootClaims(issuer, subject, terms, { ...redemption, epoch: [LARGEST_EPOCH, LARGEST_EPOCH] })
  const parts = [{ alg: GRANT_ALGORITHM, typ: GRANT_TYPE, kid: KID }, claims].map(
    (part) => encodeBase64url(Buffer.from(JSON.stringify(part))).length,
  )
  const bytes = parts.reduce((sum, length) => sum + length + 1, SIGNATURE_LENGTH)
  if (bytes <= MAX_GRANT_BYTES) return
  throw new ApiError(
    'MALFORMED_GRANT',
    `The grant must have at most ${MAX_GRANT_BYTES} bytes, but it would have ${bytes}; ask for fewer capabilities`,
  )
}
