import { createPrivateKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import type { KeyPair } from '@auth4agent/core/keys/ed25519'
import { type AssertionEdits, ISSUER } from './assertions.ts'

/** The value of `client_assertion_type` (RFC 7523 section 2.2). */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A client of the OAuth endpoints: an agent with its key. */
export interface ClientParty {
  readonly did: string
  readonly pair: Pick<KeyPair, 'publicKey' | 'seed'>
}

/** Mistakes in a client assertion. */
export interface ClientAssertionEdits extends AssertionEdits {
  /** Changes the JSON of the header or the claims before it is signed. */
  readonly rewrite?: { readonly header?: (json: string) => string; readonly claims?: (json: string) => string }
}

/**
 * Creates a client assertion (RFC 7523 section 3) with node:crypto only. It is valid for a minute from now, changed by
 * `edits`. A member that is undefined is left out.
 */
export function clientAssertion({ did, pair }: ClientParty, edits: ClientAssertionEdits = {}): string {
  const iat = Math.floor(Date.now() / 1000)
  const header = { alg: 'EdDSA', typ: 'client-authentication+jwt', ...edits.header }
  const claims = { iss: did, sub: did, aud: ISSUER, iat, exp: iat + 60, jti: randomUUID(), ...edits.claims }
  const { rewrite = {} } = edits
  const texts = [write(header, rewrite.header), write(claims, rewrite.claims)]
  const input = texts.map((text) => Buffer.from(text).toString('base64url')).join('.')
  return `${input}.${sign(null, Buffer.from(input), privateKeyOf(pair)).toString('base64url')}`
}

function write(value: object, rewrite = (json: string) => json): string {
  return rewrite(JSON.stringify(value))
}

function privateKeyOf({ publicKey, seed }: ClientParty['pair']): KeyObject {
  const [x, d] = [publicKey, seed].map((bytes) => Buffer.from(bytes).toString('base64url'))
  return createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: x ?? '', d: d ?? '' } })
}
