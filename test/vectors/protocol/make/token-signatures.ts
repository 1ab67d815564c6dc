import { constants, createPrivateKey, sign as cryptoSign } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { withOtherS } from '../../../support/ecdsa-signatures.ts'
import { forgeries, withHigherS } from './ed25519-forgeries.ts'
import { compact, type Edits, encodePart } from './jws.ts'
import { ISSUER, SIGNING_KEYS, UNPUBLISHED_KEY, type VectorSigningKey } from './parties.ts'
import { CLAIMS, changed, headerOf, signBy, type TokenCase, token } from './token-case.ts'

const { EdDSA, RS256 } = SIGNING_KEYS

/** Entries of the JWKS that a verifier must not use, each with the kid of a token that names it. */
export const IGNORED_KEYS = [
  ignoredKey('a key whose use is enc', UNPUBLISHED_KEY, { use: 'enc' }),
  ignoredKey('a key whose kid is not its thumbprint', UNPUBLISHED_KEY, { kid: 'signing-key-1' }),
  {
    name: 'a key of small order',
    entry: smallOrderEntry(),
    kid: smallOrderEntry().kid,
  },
]

function ignoredKey(name: string, { publicJwk, alg, kid }: VectorSigningKey, edits: Edits) {
  const entry = { ...publicJwk, alg, use: 'sig', kid, ...edits }
  return { name, entry, kid: entry.kid }
}

function smallOrderEntry() {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(Uint8Array.of(1, ...Buffer.alloc(31))) } as const
  return { ...jwk, alg: 'EdDSA', use: 'sig', kid: jwkThumbprint(jwk) }
}

/** Makes tokens whose key a verifier must not use. */
export async function keyCases(): Promise<TokenCase[]> {
  const ignored = IGNORED_KEYS.map(async ({ name, kid }) =>
    changed(`${name}, in the JWKS`, 'UNKNOWN_KEY', { key: UNPUBLISHED_KEY, header: { kid } }),
  )
  return [
    await changed('a kid that is not in the JWKS', 'UNKNOWN_KEY', {
      key: UNPUBLISHED_KEY,
      header: { kid: 'no-such-key' },
    }),
    ...(await Promise.all(ignored)),
  ]
}

const toDerInteger = (bytes: Uint8Array) => {
  const start = bytes.findIndex((byte) => byte !== 0)
  const trimmed = bytes.subarray(start)
  const body = (trimmed[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), trimmed]) : Buffer.from(trimmed)
  return Buffer.concat([Buffer.of(2, body.length), body])
}

/** Returns the ASN.1 form of an ECDSA signature (RFC 3279 section 2.2.3). */
function toDer(signature: Uint8Array): Buffer {
  const body = Buffer.concat([toDerInteger(signature.subarray(0, 32)), toDerInteger(signature.subarray(32))])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}

/** Makes tokens whose signature is not valid, and tokens of another issuer. */
export async function signatureCases(es256: string): Promise<TokenCase[]> {
  const header = headerOf(EdDSA)
  const invalid = async (
    name: string,
    sign: (signingInput: Buffer) => Uint8Array | Promise<Uint8Array>,
    key = EdDSA,
  ) => ({ name, token: await compact(headerOf(key), CLAIMS, sign), expect: 'SIGNATURE_INVALID' })
  const resigned = (name: string, change: (signature: Uint8Array) => Uint8Array) => {
    const at = es256.lastIndexOf('.') + 1
    const signature = Buffer.from(es256.slice(at), 'base64url')
    return {
      name,
      token: es256.slice(0, at) + encodeBase64url(change(signature)),
      expect: 'SIGNATURE_INVALID',
    }
  }
  const good = await token()
  const rsaKey = createPrivateKey({ key: RS256.privateJwk, format: 'jwk' })
  const pss = (signingInput: Buffer) =>
    cryptoSign('sha256', signingInput, { key: rsaKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 0 })
  return [
    {
      name: 'a payload that was changed after signing',
      changed: { claims: { scope: 'admin' } },
      token: `${encodePart(header)}.${encodePart({ ...CLAIMS, scope: 'admin' })}.${good.slice(good.lastIndexOf('.') + 1)}`,
      expect: 'SIGNATURE_INVALID',
    },
    await invalid('EdDSA: the signature of another key', signBy(UNPUBLISHED_KEY)),
    await invalid('EdDSA: 64 bytes of zero', () => Buffer.alloc(64)),
    await invalid('EdDSA: 63 bytes', async (input) => (await EdDSA.key.sign(input)).subarray(0, 63)),
    await invalid('EdDSA: 65 bytes', async (input) => Buffer.concat([await EdDSA.key.sign(input), Buffer.alloc(1)])),
    await invalid('EdDSA: S is not below the order of the group', async (input) =>
      withHigherS(await EdDSA.key.sign(input)),
    ),
    ...(await Promise.all(forgeries().map(({ name, sign }) => invalid(name, sign)))),
    resigned('ES256: the higher of the two values of S', withOtherS),
    resigned('ES256: the ASN.1 form', toDer),
    resigned('ES256: 64 bytes of zero', () => Buffer.alloc(64)),
    await invalid('RS256: the padding of RSASSA-PSS', pss, RS256),
    await invalid('RS256: one byte too few', async (input) => (await RS256.key.sign(input)).subarray(1), RS256),
    await changed('another issuer', 'WRONG_ISSUER', { claims: { iss: 'https://auth.example.org' } }),
    await changed('the issuer with a trailing slash', 'WRONG_ISSUER', { claims: { iss: `${ISSUER}/` } }),
    await changed('the issuer in upper case', 'WRONG_ISSUER', { claims: { iss: ISSUER.toUpperCase() } }),
  ]
}
