import { createLocalJWKSet, type JWTVerifyOptions, jwtVerify } from 'jose'
import { ISSUER } from '../../support/deployment.ts'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import { ALGORITHMS, type KeySet } from '../../support/signing-keys.ts'
import { expectStatus } from '../../support/story.ts'

/** The requirements of a verifier for every token. Two clocks may differ by a second. */
export const DEMANDS: JWTVerifyOptions = {
  issuer: ISSUER,
  typ: 'at+jwt',
  algorithms: [...ALGORITHMS],
  clockTolerance: '1s',
}

/** A copy of the JWKS, with the limit of its age. */
export interface FetchedKeySet {
  /**
   * When the copy was requested, on the monotonic clock in milliseconds. A cache counts the age of the copy from this
   * time (RFC 9111 section 4.2.3).
   */
  readonly requestedAt: number
  /** How long a cache may keep the copy after `requestedAt`, in milliseconds. */
  readonly maxAgeMs: number
  readonly body: KeySet
}

/** Verifies tokens with the JWKS only, without calls to the server. */
export interface CachingVerifier {
  /** Rejects if a token does not verify. */
  verify(token: string): Promise<void>
}

interface Copy extends FetchedKeySet {
  readonly find: ReturnType<typeof createLocalJWKSet>
}

/** Fetches the JWKS of a server. */
export async function fetchKeySet(client: ProtocolClient): Promise<FetchedKeySet> {
  const requestedAt = performance.now()
  const answer = await client.get<KeySet>('/.well-known/jwks.json')
  const [, maxAge] = /max-age=(\d+)/.exec(answer.headers.get('cache-control') ?? '') ?? []
  return { requestedAt, maxAgeMs: Number(maxAge) * 1000, body: expectStatus(200, answer) }
}

/**
 * Creates a verifier that keeps its copy of the JWKS for exactly as long as a cache may. It never fetches another copy
 * before that. So it refuses a token if the server signs with a key that is not yet in every copy.
 */
export function cachingVerifier(client: ProtocolClient): CachingVerifier {
  let copy: Promise<Copy> | undefined
  const fresh = async (): Promise<Copy> => {
    const fetched = await fetchKeySet(client)
    return { ...fetched, find: createLocalJWKSet({ keys: [...fetched.body.keys] }) }
  }
  const current = async (): Promise<Copy> => {
    const known = copy
    const kept = await known
    if (kept !== undefined && performance.now() < kept.requestedAt + kept.maxAgeMs) return kept
    // When several calls find the copy too old, the first one fetches and the others share the result.
    if (copy === known) copy = fresh()
    return current()
  }
  return {
    async verify(token) {
      await jwtVerify(token, (await current()).find, DEMANDS)
    },
  }
}
