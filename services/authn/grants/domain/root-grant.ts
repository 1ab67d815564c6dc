import { GRANT_ALGORITHM, GRANT_TYPE, MAX_GRANT_BYTES } from '@auth4agent/core/delegation/grant-types'
import { type RootGrant, rootGrantClaims } from '@auth4agent/core/delegation/issuer-claims'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { Subject } from '../../domain/subject.ts'
import type { GrantTerms } from './decide-grant.ts'

/** What the redemption adds to the terms of a grant. */
interface Redemption {
  readonly jti: string
  /** Unix seconds. */
  readonly nowS: number
  readonly epoch: readonly [agent: number, operator: number]
  /** The edges with which the grant ends. */
  readonly edges: readonly string[]
}

/** Returns the root grant of an agent. */
export function rootGrantOf(
  issuer: string,
  { agent, operator }: Subject,
  { ttl, depth, capabilities, allowedDomains }: GrantTerms,
  { jti, nowS, epoch, edges }: Redemption,
): RootGrant & { readonly jti: string } {
  return {
    issuer,
    jti,
    iat: nowS,
    exp: nowS + ttl,
    did: agent.did,
    operatorId: operator.id,
    epoch,
    publicKey: agent.publicKey,
    allowedDomains,
    maxDepth: depth,
    capabilities,
    edges,
  }
}

/** The parts of a grant whose length does not depend on the request, and the longest epochs. */
const HEADER = { alg: GRANT_ALGORITHM, typ: GRANT_TYPE, kid: 'k'.repeat(43) }
const SIGNATURE_LENGTH = 86
const LONGEST_EPOCHS = [2_147_483_647, 2_147_483_647] as const

/**
 * Checks that a grant will not be too long, whatever its epochs.
 *
 * @throws ApiError MALFORMED_GRANT
 */
export function checkGrantSize(
  issuer: string,
  subject: Subject,
  terms: GrantTerms,
  redemption: Omit<Redemption, 'epoch'>,
): void {
  const claims = rootGrantClaims(rootGrantOf(issuer, subject, terms, { ...redemption, epoch: LONGEST_EPOCHS }))
  const lengths = [HEADER, claims].map((part) => encodeBase64url(Buffer.from(JSON.stringify(part))).length)
  const bytes = lengths.reduce((sum, length) => sum + length + 1, SIGNATURE_LENGTH)
  if (bytes <= MAX_GRANT_BYTES) return
  throw new ApiError(
    'MALFORMED_GRANT',
    `The grant must have at most ${MAX_GRANT_BYTES} bytes, but it would have ${bytes}; ask for fewer capabilities`,
  )
}
