import { GRANT_ALGORITHM } from '@auth4agent/core/delegation/grant-types'
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { KeyPurpose } from '../../../gen/prisma/enums.ts'

/** What a signing key signs, and its algorithm. Each kind has its own active key and its own reserve. */
export interface KeyKind {
  readonly purpose: KeyPurpose
  readonly alg: TokenAlgorithm
}

/** The purposes that this version knows. A newer version may have written rows with other purposes. */
export const PURPOSES: readonly KeyPurpose[] = [
  'access_token',
  'introspection',
  'grant',
  'federation',
  'security_event',
]

/** The kind of the keys that sign introspection answers. EdDSA is the algorithm that every client supports. */
export const INTROSPECTION: KeyKind = { purpose: 'introspection', alg: 'EdDSA' }

/** The kind of the keys that sign grants and statements about their holders. */
export const GRANT: KeyKind = { purpose: 'grant', alg: GRANT_ALGORITHM }

/** The kind of the keys that sign statements of OpenID Federation. Most of its software supports ES256. */
export const FEDERATION: KeyKind = { purpose: 'federation', alg: 'ES256' }

/**
 * The kind of the keys that sign security event tokens. The interoperability profile of CAEP 1.0 demands RS256.
 */
export const SECURITY_EVENT: KeyKind = { purpose: 'security_event', alg: 'RS256' }

/**
 * The kinds of the JWKS in the order in which it has their keys: token keys first, and of these EdDSA first, for
 * clients that support only EdDSA and take the first key. Federation keys and keys for security events are not there:
 * a JWK does not show its purpose, so a verifier that does not look at `typ` would accept their JWTs as tokens. A
 * security event token does not even expire.
 */
export const JWKS_KINDS: readonly KeyKind[] = [...TOKEN_ALGORITHMS.map(tokenKind), INTROSPECTION, GRANT]

/** Every kind. */
export const KEY_KINDS: readonly KeyKind[] = [...JWKS_KINDS, FEDERATION, SECURITY_EVENT]

/** Returns the kind of the keys that sign access tokens with an algorithm. */
export function tokenKind(alg: TokenAlgorithm): KeyKind {
  return { purpose: 'access_token', alg }
}

/** Returns the kind with this purpose and algorithm. Returns undefined when this version does not know the kind. */
export function kindOf({ purpose, alg }: { readonly purpose: string; readonly alg: string }): KeyKind | undefined {
  return KEY_KINDS.find((kind) => kind.purpose === purpose && kind.alg === alg)
}

/** Returns the algorithm of the keys of a purpose. Returns undefined for token keys, which have several algorithms. */
export function onlyAlgorithmOf(purpose: string): TokenAlgorithm | undefined {
  const [kind, ...others] = KEY_KINDS.filter((each) => each.purpose === purpose)
  return others.length === 0 ? kind?.alg : undefined
}

/** Tells whether a key is of a kind. */
export function isOfKind(kind: KeyKind, key: KeyKind): boolean {
  return key.purpose === kind.purpose && key.alg === kind.alg
}

/** Returns the name of a kind for people: the algorithm of a token key, or the purpose. */
export function nameOf({ purpose, alg }: KeyKind): string {
  return purpose === 'access_token' ? alg : purpose
}
