import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { ed25519Jwk } from '@auth4agent/core/key-events/sign-key-event'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'

/** Returns a private key as a JWK. */
export function watchJwk() {
  const { publicKey, seed } = generateKeyPair()
  return { ...ed25519Jwk(publicKey), d: encodeBase64url(seed) }
}

/** Returns a public key as another deployment publishes it. */
export function publishedKey() {
  const jwk = ed25519Jwk(generateKeyPair().publicKey)
  return { ...jwk, kid: jwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' }
}
