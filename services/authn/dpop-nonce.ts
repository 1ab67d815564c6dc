import { openText, sealText } from '../keys/index.ts'
import type { AuthnDeps } from './config.ts'

/** The dependencies of createNonce and checkNonce. */
export type NonceDeps = Pick<AuthnDeps, 'challengeKeys' | 'now'>

/** Seconds for which a client may use a nonce. */
const LIFETIME_S = 300

/**
 * Creates a nonce for DPoP proofs (RFC 9449 section 8): its expiry in Unix seconds, sealed. So the server stores no
 * nonces, and every process of the deployment accepts them.
 *
 * @throws ApiError UNAVAILABLE
 */
export function createNonce(deps: NonceDeps): Promise<string> {
  return sealText(deps, 'dpop-nonce', String(Math.floor(deps.now() / 1000) + LIFETIME_S))
}

/** Returns whether a text is a nonce of this deployment that has not expired. */
export async function checkNonce(deps: NonceDeps, nonce: string | undefined): Promise<boolean> {
  const expiresAt = nonce === undefined ? undefined : await openText(deps, 'dpop-nonce', nonce)
  return expiresAt !== undefined && deps.now() < Number(expiresAt) * 1000
}
