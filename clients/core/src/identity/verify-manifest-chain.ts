import { decodeBase64url, encodeBase64url } from '../encoding/base64.ts'
import { thumbprint } from '../jose/thumbprint.ts'
import { importPublicKey, verify } from '../keys/ed25519.ts'
import { operatorId } from './operator-id.ts'
import type { OperationalKey, RootKey } from './operator-manifest.ts'
import { manifestDemand, type ParsedManifest, parseOperatorManifest } from './parse-operator-manifest.ts'

/** All manifests of an operator, and what its id is made of. */
export interface ManifestChain {
  /** The server's issuer, byte for byte. */
  readonly issuer: string
  /** The operator's domain, as A-labels. */
  readonly domain: string
  readonly operatorId: string
  /** The root key with which the operator registered, 32 bytes. */
  readonly foundingPublicKey: Uint8Array
  /** The manifests, oldest first. Those that change no root key may be left out, except the last one. */
  readonly manifests: readonly string[]
}

/** The keys that are in force after the last manifest of a chain. */
export interface KeysInForce {
  /** Number of the last manifest; 0 without manifests. */
  readonly seq: number
  readonly threshold: number
  readonly rootKeys: readonly RootKey[]
  readonly keys: readonly OperationalKey[]
}

/** The keys in force, or why the chain is refused: a sentence. */
type ChainVerdict =
  | { readonly ok: true; readonly inForce: KeysInForce }
  | { readonly ok: false; readonly demand: string }

/**
 * Verifies all manifests of an operator offline: the operator's id names the founding key, and a root key of each
 * manifest has signed the next one. It does not know whether the chain ends with the newest manifest. A manifest has
 * the signature of one root key: that the threshold agreed to it, only the server has verified.
 *
 * @returns the keys in force after the last manifest, or a sentence that says what would be right.
 * @example
 * ```ts
 * import { verifyManifestChain } from '@auth4agent/core/identity/verify-manifest-chain'
 *
 * const verdict = verifyManifestChain({ issuer, domain, operatorId, foundingPublicKey, manifests })
 * if (!verdict.ok) throw new TypeError(verdict.demand)
 * console.log(verdict.inForce.keys)
 * ```
 */
export function verifyManifestChain(chain: ManifestChain): ChainVerdict {
  const { issuer, domain, foundingPublicKey, manifests } = chain
  const kid = thumbprint(foundingPublicKey)
  if (operatorId({ issuer, domain, thumbprint: kid }) !== chain.operatorId) {
    return { ok: false, demand: 'The operator id must be made of the issuer, the domain and the founding root key' }
  }
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(foundingPublicKey) } as const
  let inForce: KeysInForce = { seq: 0, threshold: 1, rootKeys: [{ kid, jwk, label: '' }], keys: [] }
  // A weak key would harm only the operator that has chosen it, and to check a key takes a millisecond.
  const rules = { operatorId: chain.operatorId, issuer, keys: 'admitted' } as const
  for (const text of manifests) {
    const parsed = parseOperatorManifest(text, rules)
    if (!parsed.ok) return { ok: false, demand: manifestDemand(parsed, rules) }
    const { seq, threshold, rootKeys, keys } = parsed.manifest
    if (seq <= inForce.seq) return { ok: false, demand: `The manifest after number ${inForce.seq} must be newer` }
    if (!isSignedByRoot(parsed, inForce.rootKeys)) {
      return { ok: false, demand: `A root key of the keys before must have signed the manifest number ${seq}` }
    }
    inForce = { seq, threshold, rootKeys, keys }
  }
  return { ok: true, inForce }
}

/**
 * Tells whether one of these root keys has signed a manifest.
 *
 * @example
 * ```ts
 * import { isSignedByRoot } from '@auth4agent/core/identity/verify-manifest-chain'
 *
 * const follows = next.manifest.seq === current.seq + 1 && isSignedByRoot(next, current.rootKeys)
 * ```
 */
export function isSignedByRoot({ jws }: ParsedManifest, rootKeys: readonly Pick<RootKey, 'kid' | 'jwk'>[]): boolean {
  const root = rootKeys.find(({ kid }) => kid === jws.header.kid)
  const key = root && importPublicKey(decodeBase64url(root.jwk.x) ?? new Uint8Array())
  return key !== undefined && verify(key, jws.signingInput, jws.signature)
}
