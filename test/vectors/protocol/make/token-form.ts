import { createHmac } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { compact, type Edits, encodePart, type Part, withTrailingBits } from './jws.ts'
import { SIGNING_KEYS } from './parties.ts'
import { CLAIMS, changed, headerOf, ofTexts, PAYLOAD, type TokenCase, token } from './token-case.ts'

const { EdDSA } = SIGNING_KEYS

const malformedText = (name: string, text: string) => ({ name, token: text, expect: 'MALFORMED_TOKEN' })
const join = (...parts: readonly string[]) => parts.join('.')
const uneven = (members: object) =>
  ['', 'a', 'ab'].map((note) => encodePart({ ...members, note })).find((part) => part.length % 4 !== 0) ?? ''

/** Makes texts that are not a JWS in compact form. */
export async function textCases(): Promise<TokenCase[]> {
  const good = await token()
  const [header = '', payload = '', signature = ''] = good.split('.')
  const signed = async (first: string, second: string) =>
    encodeBase64url(await EdDSA.key.sign(Buffer.from(join(first, second))))
  const spoiltHeader = withTrailingBits(uneven(headerOf(EdDSA)))
  const spoiltPayload = withTrailingBits(uneven(CLAIMS))
  return [
    malformedText('an empty text', ''),
    malformedText('one part', header),
    malformedText('two parts', join(header, payload)),
    malformedText('four parts', join(good, signature)),
    malformedText('five parts, as a JWE has', join(good, 'AA', 'AA')),
    malformedText('a trailing dot', `${good}.`),
    malformedText('no signature', join(header, payload, '')),
    malformedText('no payload', join(header, '', signature)),
    malformedText('leading white space', ` ${good}`),
    malformedText('a trailing line feed', `${good}\n`),
    malformedText('white space inside', `${header.slice(0, 8)} ${header.slice(8)}.${payload}.${signature}`),
    malformedText('the JSON serialisation', JSON.stringify({ protected: header, payload, signature })),
    malformedText('padding after the header', join(`${header}=`, payload, signature)),
    malformedText('padding after the payload', join(header, `${payload}=`, signature)),
    malformedText('padding after the signature', join(header, payload, `${signature}==`)),
    malformedText('the standard alphabet in the signature', join(header, payload, `${signature.slice(0, -4)}+/+/`)),
    malformedText('unused bits set in the header', join(spoiltHeader, payload, await signed(spoiltHeader, payload))),
    malformedText('unused bits set in the payload', join(header, spoiltPayload, await signed(header, spoiltPayload))),
    malformedText('unused bits set in the signature', join(header, payload, withTrailingBits(signature))),
  ]
}

const malformedJson = (name: string, parts: { header?: Part; payload?: Part }) =>
  ofTexts(name, 'MALFORMED_TOKEN', parts)

/** Makes tokens whose header or payload is not a strict JSON object. */
export async function jsonCases(): Promise<TokenCase[]> {
  const header = JSON.stringify(headerOf(EdDSA))
  const open = PAYLOAD.slice(0, -1)
  return Promise.all([
    malformedJson('a header that is an array', { header: `[${header}]` }),
    malformedJson('a payload that is an array', { payload: `[${PAYLOAD}]` }),
    malformedJson('a payload that is null', { payload: 'null' }),
    malformedJson('a payload that is not JSON', { payload: `${PAYLOAD},` }),
    malformedJson('text after the JSON', { payload: `${PAYLOAD}{}` }),
    malformedJson('a comment in the JSON', { payload: PAYLOAD.replace('{', '{/**/') }),
    malformedJson('a byte order mark', {
      payload: Buffer.concat([Buffer.from('efbbbf', 'hex'), Buffer.from(PAYLOAD)]),
    }),
    malformedJson('bytes that are not UTF-8', { payload: Buffer.from(`${open},"note":"\u00ff"}`, 'latin1') }),
    malformedJson('alg twice in the header', { header: header.replace('{', '{"alg":"none",') }),
    malformedJson('alg twice in the header, with equal values', { header: header.replace('{', '{"alg":"EdDSA",') }),
    malformedJson('exp twice in the payload', { payload: `${open},"exp":${CLAIMS.exp}}` }),
    malformedJson('exp twice, once written with an escape', { payload: String.raw`${open},"\u0065xp":${CLAIMS.exp}}` }),
    malformedJson('a name twice in an inner object', { payload: `${open},"note":{"a":1,"a":1}}` }),
    malformedJson('the name __proto__', { payload: `${open},"__proto__":{}}` }),
    malformedJson('half of a surrogate pair', { payload: String.raw`${open},"note":"\ud800"}` }),
    malformedJson('a number beyond a double', { payload: `${open},"note":1e400}` }),
    malformedJson('NaN, which is not JSON', { payload: `${open},"note":NaN}` }),
    malformedJson('arrays nested 16 deep in a claim', {
      payload: `${open},"deep":${'['.repeat(16)}${']'.repeat(16)}}`,
    }),
  ])
}

const malformedHeader = (name: string, header: Edits) => changed(name, 'MALFORMED_TOKEN', { header })
const unsupportedHeader = (name: string, header: Edits) => changed(name, 'UNSUPPORTED_ALGORITHM', { header })

/** Makes tokens with a header that a verifier must refuse. */
export async function headerCases(): Promise<TokenCase[]> {
  const { x } = EdDSA.publicJwk as { x: string }
  const secret = Buffer.from(x, 'base64url')
  const hmac = (signingInput: Buffer) => createHmac('sha256', secret).update(signingInput).digest()
  return [
    await malformedHeader('no typ', { typ: undefined }),
    await malformedHeader('typ JWT', { typ: 'JWT' }),
    await malformedHeader('typ with its application/ prefix', { typ: 'application/at+jwt' }),
    await malformedHeader('typ in upper case', { typ: 'AT+JWT' }),
    await malformedHeader('typ of an operator assertion', { typ: 'auth4agent-operator+jwt' }),
    await malformedHeader('no kid', { kid: undefined }),
    await malformedHeader('an empty kid', { kid: '' }),
    await malformedHeader('a kid that is a number', { kid: 1 }),
    await malformedHeader('a kid with a space', { kid: 'a b' }),
    await malformedHeader('a kid of 129 characters', { kid: 'k'.repeat(129) }),
    await malformedHeader('crit', { crit: ['exp'] }),
    await malformedHeader('b64', { b64: true }),
    await malformedHeader('a key in the header: jwk', { jwk: EdDSA.publicJwk }),
    await malformedHeader('an address of keys: jku', { jku: 'https://evil.example/jwks.json' }),
    await malformedHeader('a hash of a certificate: x5t', { x5t: 'dGhpcyBpcyBhIFNIQS0xIQ' }),
    await malformedHeader('a hash of a certificate: x5t#S256', { 'x5t#S256': EdDSA.kid }),
    await malformedHeader('a certificate: x5c', { x5c: ['MII='] }),
    await malformedHeader('an address of certificates: x5u', { x5u: 'https://evil.example/x.pem' }),
    await unsupportedHeader('no alg', { alg: undefined }),
    await unsupportedHeader('alg none', { alg: 'none' }),
    await unsupportedHeader('alg in lower case', { alg: 'eddsa' }),
    await unsupportedHeader('alg ES384', { alg: 'ES384' }),
    await unsupportedHeader('alg in an array', { alg: ['EdDSA'] }),
    {
      name: 'alg HS256, with the public key as the secret',
      changed: { header: { alg: 'HS256' } },
      token: await compact({ ...headerOf(EdDSA), alg: 'HS256' }, CLAIMS, hmac),
      expect: 'UNSUPPORTED_ALGORITHM',
    },
    await unsupportedHeader('alg Ed25519 with a key that is published for EdDSA', { alg: 'Ed25519' }),
    await unsupportedHeader('alg RS256 with the kid of an EdDSA key', { alg: 'RS256' }),
  ]
}
