import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { CLAIMS, HEADER, INVALID, judged, type ProofCase, proof, read, signBy } from './dpop-case.ts'
import { compact, type Edits, encodePart, type Part, withTrailingBits } from './jws.ts'
import { DPOP_KEY, OTHER_DPOP_KEY, SIGNING_KEYS } from './parties.ts'

const { ES256, RS256 } = SIGNING_KEYS
const MAX_PROOF = 4_096
/** Characters of an EdDSA signature, and of both dots. */
const SIGNATURE_AND_DOTS = 86 + 2

const refusedHeader = (name: string, header: Edits) => judged(name, INVALID, { header })
const withJwk = (name: string, jwk: unknown) => refusedHeader(name, { jwk })
const okp = (hex: string) => ({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(Buffer.from(hex, 'hex')) })

/** Makes proofs whose algorithm or key a verifier must not accept, and jwk with more members. */
export async function keyCases(): Promise<ProofCase[]> {
  const { jwk, pair } = DPOP_KEY
  return Promise.all([
    ...['none', 'HS256', 'RS256', 'ES384', 'eddsa'].map((alg) => refusedHeader(`alg ${alg}`, { alg })),
    refusedHeader('no alg', { alg: undefined }),
    refusedHeader('ES256 with an Ed25519 key', { alg: 'ES256' }),
    withJwk('EdDSA with a P-256 key', ES256.publicJwk),
    withJwk('EdDSA with an RSA key', RS256.publicJwk),
    judged('a jwk with other public members', read(), {
      header: { jwk: { use: 'sig', alg: 'EdDSA', kid: 'any', key_ops: ['verify'], ext: true, ...jwk } },
    }),
    withJwk('no jwk', undefined),
    withJwk('a jwk that is a string', JSON.stringify(jwk)),
    withJwk('a jwk that is an array', [jwk]),
    withJwk('a jwk with its private half', { ...jwk, d: encodeBase64url(pair.seed) }),
    withJwk('a jwk with an empty private member', { ...jwk, d: '' }),
    withJwk('a jwk with a private member of other keys', { ...jwk, k: 'AA' }),
    withJwk('a symmetric jwk', { kty: 'oct', k: encodeBase64url(pair.seed) }),
    withJwk('another curve', { ...jwk, crv: 'X25519' }),
    withJwk('an Ed25519 key of 31 bytes', { ...jwk, x: jwk.x.slice(0, 42) }),
    withJwk('an Ed25519 key that is not on the curve', okp(`02${'00'.repeat(31)}`)),
    withJwk('an Ed25519 key of small order', okp(`01${'00'.repeat(31)}`)),
    withJwk('an Ed25519 key of mixed order', okp('cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d')),
    withJwk('the key of another signature', OTHER_DPOP_KEY.jwk),
    refusedHeader('a second key in the header: x5c', { x5c: ['MII='] }),
    refusedHeader('the address of a key in the header: jku', { jku: 'https://evil.example/jwks.json' }),
  ])
}

const refusedText = (name: string, text: string) => ({ name, proof: text, expect: INVALID })
const signed = async (name: string, header: Part, payload: Part): Promise<ProofCase> =>
  refusedText(name, await compact(header, payload, signBy(DPOP_KEY)))

/** Makes texts that are not a proof in compact form, and headers that are not allowed. */
export async function formCases(): Promise<ProofCase[]> {
  const good = await proof()
  const [header = '', payload = '', signature = ''] = good.split('.')
  const claims = JSON.stringify(CLAIMS)
  const [longest, tooLong] = [await ofLength(MAX_PROOF), await ofLength(MAX_PROOF + 1)]
  return [
    await refusedHeader('no typ', { typ: undefined }),
    await refusedHeader('typ JWT', { typ: 'JWT' }),
    await refusedHeader('typ of an access token', { typ: 'at+jwt' }),
    await refusedHeader('typ with application/', { typ: 'application/dpop+jwt' }),
    await refusedHeader('crit', { crit: ['exp'] }),
    await refusedHeader('an empty kid', { kid: '' }),
    refusedText('an empty text', ''),
    refusedText('two parts', `${header}.${payload}`),
    refusedText('two proofs, joined by a comma', `${good}, ${good}`),
    refusedText('base64 padding', `${good}==`),
    refusedText('unused bits set in the signature', `${header}.${payload}.${withTrailingBits(signature)}`),
    refusedText(
      'a payload that was changed after signing',
      `${header}.${encodePart({ ...CLAIMS, iat: CLAIMS.iat + 1 })}.${signature}`,
    ),
    refusedText('64 bytes of zero as signature', `${header}.${payload}.${encodeBase64url(Buffer.alloc(64))}`),
    await signed('a claim twice', HEADER, claims.replace('{', '{"htm":"POST",')),
    await signed('a member of jwk twice', JSON.stringify(HEADER).replace('"kty"', '"kty":"EC","kty"'), CLAIMS),
    await signed('a payload that is an array', HEADER, `[${claims}]`),
    { ...longest, name: 'a proof of 4,096 characters', expect: read() },
    { ...tooLong, name: 'a proof of 4,097 characters' },
  ]
}

/** Makes a proof of this many characters, with a long unknown claim. */
async function ofLength(length: number): Promise<ProofCase> {
  // Base64url has no text of 4n + 1 characters. With one of these headers the payload needs another length.
  for (const header of [{}, { note: '' }, { note: 'n' }]) {
    const headerLength = encodePart({ ...HEADER, ...header }).length
    const bytes = Math.floor(((length - SIGNATURE_AND_DOTS - headerLength) * 3) / 4)
    const claims = { padding: 'a'.repeat(bytes - JSON.stringify({ ...CLAIMS, padding: '' }).length) }
    if ((await proof({ header, claims })).length === length) return judged('', INVALID, { header, claims })
  }
  throw new RangeError(`No header gives a proof of ${length} characters`)
}
