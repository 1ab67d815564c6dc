import type { JsonWebKey } from 'node:crypto'
import type { TestKey } from './evidence-keys.ts'
import { ext, name } from './make-certificate.ts'
import { type Link, type Made, makeChain } from './make-chain.ts'

export const TRUST_DOMAIN = 'example.org'
export const WORKLOAD = 'spiffe://example.org/ns/default/sa/agent'

/** Makes an X509-SVID with its CAs, the root first. The last link says how the leaf differs from a good one. */
export function makeSvid(leaf: Link = {}, ...cas: readonly Link[]): readonly Made[] {
  const ofDomain = { names: ext.names(name.uri(`spiffe://${TRUST_DOMAIN}`)) }
  return makeChain({ cn: 'spiffe root', ...ofDomain }, ...cas, { names: ext.names(name.uri(WORKLOAD)), ...leaf })
}

/** The entry of a root in a bundle. */
export function rootEntry(root: Made | undefined): object {
  const jwk: JsonWebKey | undefined = root?.pair.publicKey.export({ format: 'jwk' })
  return { ...jwk, use: 'x509-svid', x5c: root === undefined ? [] : [root.der.toString('base64')] }
}

/** The entry of a key for JWT-SVIDs in a bundle, which has no `alg`. */
export function jwtEntry({ jwk: { alg: _alg, ...jwk } }: TestKey): object {
  return { ...jwk, use: 'jwt-svid' }
}
