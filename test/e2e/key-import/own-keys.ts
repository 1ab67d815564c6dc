import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import { opensslKey } from '../../support/openssl.ts'
import { PRIVATE_MEMBERS } from '../../support/private-members.ts'
import type { Algorithm } from '../../support/signing-keys.ts'

/** A signing key that was made elsewhere. */
export interface OwnKey {
  readonly alg: Algorithm
  /** The private key, PEM or JWK. */
  readonly text: string
  /** RFC 7638 thumbprint, calculated by jose. */
  readonly kid: string
  /** Strings that only a holder of the private key can write. */
  readonly secrets: readonly string[]
}

/** Matches pieces of a secret. If a log contains a piece of this length, that counts as a leak of the secret. */
const TELLING = /.{24}/g

/** Creates a PEM key with openssl. */
export function opensslOwnKey(alg: Algorithm, algorithm: string, ...options: readonly string[]): Promise<OwnKey> {
  const text = opensslKey(algorithm, ...options)
  return ownKey(alg, text, createPrivateKey(text))
}

/** Creates a JWK with jose. */
export async function joseOwnKey(alg: Algorithm): Promise<OwnKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return ownKey(alg, JSON.stringify({ ...jwk, alg }), createPrivateKey({ key: { ...jwk }, format: 'jwk' }))
}

async function ownKey(alg: Algorithm, text: string, key: KeyObject): Promise<OwnKey> {
  const kid = await calculateJwkThumbprint(await exportJWK(createPublicKey(key)))
  return { alg, text, kid, secrets: secretsOf(key) }
}

/** Returns the members of the JWK and the lines of the PEM in pieces, because a log may have cut them. */
function secretsOf(key: KeyObject): readonly string[] {
  const jwk = Object.entries(key.export({ format: 'jwk' }))
  const members = jwk.flatMap(([name, value]) => (PRIVATE_MEMBERS.includes(name) ? [String(value)] : []))
  const encodings = members.flatMap((member) => {
    const bytes = Buffer.from(member, 'base64url')
    return [member, bytes.toString('base64'), bytes.toString('hex')]
  })
  const lines = String(key.export({ type: 'pkcs8', format: 'pem' }))
    .split('\n')
    .filter((line) => !line.startsWith('-----'))
  return [...encodings, ...lines].flatMap((part) => part.match(TELLING) ?? [])
}
