import { type AssertionSigner, assertionTimes } from '@auth4agent/core/identity/assertion'
import {
  OPERATOR_KEYS_TYPE,
  type OperationalKey,
  type OperatorManifest,
  type RootKey,
} from '@auth4agent/core/identity/operator-manifest'
import { manifestDemand, parseOperatorManifest } from '@auth4agent/core/identity/parse-operator-manifest'
import { signJwt } from '@auth4agent/core/identity/sign-jwt'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'

/**
 * Content of a manifest to sign. The function that signs it computes each `kid`.
 *
 * @example
 * ```ts
 * import type { ManifestContent } from './sign-operator-manifest.ts'
 *
 * const content: ManifestContent = {
 *   operatorId,
 *   issuer: 'https://auth.example',
 *   nowS: Date.now() / 1_000,
 *   seq: 1,
 *   threshold: 1,
 *   rootKeys: [{ jwk: { kty: 'OKP', crv: 'Ed25519', x }, label: 'alice' }],
 *   keys: [],
 * }
 * ```
 */
export interface ManifestContent extends Omit<OperatorManifest, 'iat' | 'rootKeys' | 'keys'> {
  /** The signer's clock, in Unix seconds. */
  readonly nowS: number
  readonly rootKeys: readonly Omit<RootKey, 'kid'>[]
  readonly keys: readonly Omit<OperationalKey, 'kid'>[]
}

/**
 * Signs a manifest of an operator's keys with a root key. Runs on every platform that has WebCrypto.
 *
 * @throws TypeError if the server would refuse the manifest. The message says what would be right.
 * @throws RangeError if the public key of the signer does not have 32 bytes, or if the signature does not have 64
 *   bytes.
 * @example
 * ```ts
 * import { signOperatorManifest } from './sign-operator-manifest.ts'
 *
 * const manifest = await signOperatorManifest(rootSigner, {
 *   operatorId,
 *   issuer: 'https://auth.example',
 *   nowS: Date.now() / 1_000,
 *   seq: current.seq + 1,
 *   threshold: 1,
 *   rootKeys: current.rootKeys,
 *   keys: [...current.keys, { jwk, label: 'pipeline', roles: ['agents.register'], nbf, exp }],
 * })
 * ```
 */
export async function signOperatorManifest(signer: AssertionSigner, content: ManifestContent): Promise<string> {
  const { operatorId, issuer, nowS, seq, threshold, rootKeys, keys } = content
  const claims = {
    iss: operatorId,
    sub: operatorId,
    aud: issuer,
    seq,
    iat: assertionTimes(nowS).iat,
    root: { threshold, keys: rootKeys.map(({ jwk, label }) => ({ jwk, label })) },
    keys: keys.map(({ jwk, label, roles, nbf, exp, webauthn, person }) => ({
      kid: jwkThumbprint(jwk),
      jwk,
      label,
      roles,
      nbf,
      exp,
      webauthn: webauthn && { rp_id: webauthn.rpId, credential_id: webauthn.credentialId },
      person,
    })),
  }
  const text = await signJwt(signer, { typ: OPERATOR_KEYS_TYPE, kid: thumbprint(signer.publicKey) }, claims)
  const rules = { operatorId, issuer }
  const parsed = parseOperatorManifest(text, rules)
  if (!parsed.ok) throw new TypeError(manifestDemand(parsed, rules))
  return text
}
