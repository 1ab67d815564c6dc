import { sign } from 'node:crypto'
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { AppraisalContext } from '../../services/attestation/types/attestor-type.ts'

/** A key of an issuer of ID tokens. */
export interface IssuerKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  /** The public key as the issuer publishes it. */
  readonly jwk: JWK
}

/** Unix milliseconds of all tests of ID tokens. */
export const NOW = Date.UTC(2026, 10, 27, 12)
const NOW_S = NOW / 1000
export const ISSUER = 'https://issuer.example'
const THUMBPRINT = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
/** The audience for the agent's key. */
export const AUDIENCE = `https://auth.example/attest/${THUMBPRINT}`

export const CONTEXT: AppraisalContext = {
  binding: {
    publicKey: new Uint8Array(32),
    thumbprint: THUMBPRINT,
    audience: AUDIENCE,
    nonce: { bytes: new Uint8Array(32), text: 'A'.repeat(43) },
  },
  issuer: 'https://auth.example',
  attestorId: 'b5a1a2fd-8f0c-4a9c-9d57-0c1e0b9a7f10',
  now: NOW,
  skewMs: 10_000,
}

/** Claims of a good token. */
export const CLAIMS = {
  iss: ISSUER,
  sub: 'workload-1',
  aud: AUDIENCE,
  iat: NOW_S - 60,
  nbf: NOW_S - 60,
  exp: NOW_S + 600,
  jti: 'token-1',
}

/** Creates a key of an issuer. */
export async function issuerKey(alg: string, kid = `${alg}-1`): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** Signs a token with jose, a foreign implementation. Members of `header` that are undefined are left out. */
export async function idToken(
  { kid, alg, privateKey }: IssuerKey,
  claims: object | string = CLAIMS,
  header: object = {},
): Promise<Uint8Array> {
  const payload = Buffer.from(typeof claims === 'string' ? claims : JSON.stringify(claims))
  const whole = { alg, typ: 'JWT', kid, ...header }
  return Buffer.from(await new CompactSign(payload).setProtectedHeader(whole).sign(privateKey))
}

/** Signs a token with a header that jose refuses to sign. */
export function rawIdToken(header: object | string, claims: object, secret: Parameters<typeof sign>[2]): Uint8Array {
  const input = `${encode(header)}.${encode(claims)}`
  return Buffer.from(`${input}.${sign('sha256', Buffer.from(input), secret).toString('base64url')}`)
}

function encode(part: object | string): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}
