import { createLocalJWKSet, type JWTVerifyOptions, jwtVerify } from 'jose'
import { ISSUER } from '../../support/deployment.ts'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import { ALGORITHMS, type KeySet } from '../../support/signing-keys.ts'
import { expectStatus } from '../../support/story.ts'

/** What a verifier demands of every token; two clocks may differ by a second. */
export const DEMANDS: JWTVerifyOptions = {
  issuer: ISSUER,
  typ: 'at+jwt',
  algorithms: [...ALGORITHMS],
  clockTolerance: '1s',
}

/** A copy of the key set, as old as it may be. */
export interface FetchedKeySet {
  /** When it was asked for, by the monotonic clock, milliseconds: a cache counts its age from there (RFC 9111 section 4.2.3). */
  readonly requestedAt: number
  /** For how long it may be kept from then on, in milliseconds. */
  readonly maxAgeMs: number
  readonly body: KeySet
}

/** Verifies tokens without the server but for its key set. */
export interface CachingVerifier {
  /** Rejects where a token does not verify. */
  verify(token: string): Promise<void>
}

interface Copy extends FetchedKeySet {
  readonly find: ReturnType<typeof createLocalJWKSet>
}

/** Fetches the key set of a server. */
export async function fetchKeySet(client: ProtocolClient): Promise<FetchedKeySet> {
  const requestedAt = performance.now()
  const answer = await client.get<KeySet>('/.well-known/jwks.json')
  const [, maxAge] = /max-age=(\d+)/.exec(answer.headers.get('cache-control') ?? '') ?? []
  return { requestedAt, maxAgeMs: Number(maxAge) * 1000, body: expectStatus(200, answer) }
}

/**
 * A verifier that keeps its copy of the key set for exactly as long as it may, and never asks for another sooner, whatever it
 * meets: a key that signs before every copy has it is refused here.
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
    // Of those who find it too old at the same time the first asks, and the others take what it gets.
    if (copy === known) copy = fresh()
    return current()
  }
  return {
    async verify(token) {
      await jwtVerify(token, (await current()).find, DEMANDS)
    },
  }
}
