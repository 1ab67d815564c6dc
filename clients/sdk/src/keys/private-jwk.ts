import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { SeedSigner } from './signers.ts'

/** A private Ed25519 key as a JWK (RFC 8037 section 2). `kid` is its RFC 7638 thumbprint. */
export interface PrivateJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly alg: 'EdDSA'
  readonly kid: string
  readonly x: string
  /** The secret seed in base64url. Keep it secret: it is the private key. */
  readonly d: string
}

/**
 * Returns a private key as a JWK, for OAuth libraries that authenticate an agent with private_key_jwt (RFC 7523
 * section 2.2). Most of them take no PEM of Ed25519. Keep the JWK secret: it is the private key.
 *
 * @example
 *
 * ```ts
 * import { PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
 * import { exportPrivateJwk } from '@auth4agent/sdk'
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const provider = new PrivateKeyJwtProvider({
 *   clientId: did,
 *   privateKey: { ...exportPrivateJwk(await readKeyFile('agent.key')) },
 *   algorithm: 'EdDSA',
 *   expectedIssuer: 'https://auth.example.com',
 * })
 * ```
 */
export function exportPrivateJwk(key: SeedSigner): PrivateJwk {
  const seed = key.exportSeed()
  try {
    return {
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA',
      kid: thumbprint(key.publicKey),
      x: encodeBase64url(key.publicKey),
      d: encodeBase64url(seed),
    }
  } finally {
    seed.fill(0)
  }
}
