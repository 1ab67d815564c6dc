import { expect } from 'vitest'
import { createGuard, type GuardOptions } from '../../../clients/verifier/src/guard.ts'
import type { VerifierOptions } from '../../../clients/verifier/src/verifier-options.ts'
import { fakeIssuer, newToken } from '../../support/offline-verifier.ts'
import { type BoundClient, boundClient } from './proofs.ts'

/** The target of the requests. */
export const TARGET = '/orders?page=2'
/** The URL of the requests. */
export const URL_NOW = 'https://b.example/orders'
/** A challenge of the scheme DPoP without an error. */
export const DPOP_CHALLENGE = 'DPoP algs="EdDSA Ed25519 ES256"'

/** Creates a proof for a GET of a URL. */
export const prove = (client: BoundClient, token: string, url = URL_NOW) => client.prove({ url, token })

/**
 * Creates a guard, a token under each scheme, and the client that one of them is bound to. `decide` resolves with
 * status, reason, challenge and title of a refusal, or with only the status 200.
 */
export function setUpGuard(options: GuardOptions = {}, ofVerifier: Partial<VerifierOptions> = {}) {
  const issuer = fakeIssuer()
  const client = boundClient(issuer.key)
  const verifier = issuer.newVerifier(ofVerifier)
  const guard = createGuard(verifier, options)
  const decide = async (authorization: readonly string[], dpop: readonly string[] = [], target = TARGET) => {
    const answer = await guard({ request: {}, authorization, dpop, method: 'GET', target })
    if ('claims' in answer) return [200]
    const { reason, title }: { reason: string; title: string } = JSON.parse(answer.body)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    return [answer.status, reason, answer.headers['www-authenticate'], title]
  }
  return { issuer, client, verifier, decide, bound: client.newToken(), bearer: newToken(issuer.key) }
}
