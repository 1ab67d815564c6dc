import { constants, createHmac, createPrivateKey, sign as cryptoSign } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { forgeries, withHigherS } from './ed25519-forgeries.ts'
import { compact, type Edits, encodePart, type Part, withTrailingBits } from './jws.ts'
import {
  AUDIENCE,
  DID,
  DOMAIN,
  describe,
  ISSUER,
  NOW_S,
  OPERATOR_ID,
  OTHER_DID,
  OTHER_DOMAIN,
  OTHER_OPERATOR_ID,
  SIGNING_KEYS,
  UNPUBLISHED_KEY,
  type VectorSigningKey,
} from './parties.ts'
import {
  CLAIMS,
  changed,
  headerOf,
  JTI,
  judgedBy,
  ofTexts,
  PAYLOAD,
  type Revocation,
  SKEW_S,
  signBy,
  type TokenCase,
  token,
} from './token-case.ts'
import { checkOrderCases, limitCases, strictJsonCases } from './token-limits.ts'

const { EdDSA, ES256, RS256 } = SIGNING_KEYS

/**
 * Tokens of the committed file. An ECDSA signature is random, so the committed signature is kept as long as the signed
 * text is the same.
 */
export type Committed = readonly string[]

/** Makes tokens for every verdict of a verifier, and for each way in which a token can be malformed. */
export async function makeTokens(committed: Committed): Promise<object> {
  const es256 = await keptToken(committed)
  return {
    description: describe(
      'Access tokens and the verdict of an offline verifier.',
      '`verifier` contains the inputs of the verifier. The `verifier` of a case contains only the inputs that differ.',
      'A case without `token` has the token of the first case.',
      'A long token is in `token_pieces`, to be joined: `{"repeat": t, "times": n}` is n times t, also in `changed`.',
      '`changed` shows how the token differs from a good one. A member that is null there is left out.',
      'ES256 signatures are random, so making this file again keeps the ES256 signature that is in it.',
    ),
    jwks: { keys: jwks() },
    private_keys: [...Object.values(SIGNING_KEYS), UNPUBLISHED_KEY].map(({ kid, alg, privateJwk }) => ({
      kid,
      alg,
      jwk: privateJwk,
    })),
    verifier: {
      issuer: ISSUER,
      now: NOW_S + 60,
      clock_skew: SKEW_S,
      audience: [AUDIENCE],
      operators: [DOMAIN],
      scope: '',
      revocations: [],
    },
    good: { header: headerOf(EdDSA), claims: CLAIMS },
    cases: [
      ...(await goodTokens(es256)),
      ...(await textCases()),
      ...(await jsonCases()),
      ...(await headerCases()),
      ...(await keyCases()),
      ...(await signatureCases(es256)),
      ...(await claimCases()),
      ...(await timeCases()),
      ...requirementCases(),
      ...revocationCases(),
      ...(await orderCases()),
      ...(await checkOrderCases()),
      ...(await limitCases()),
      ...(await strictJsonCases()),
    ],
  }
}

const published = ({ publicJwk, alg, kid }: VectorSigningKey) => ({ ...publicJwk, alg, use: 'sig', kid })

function jwks(): object[] {
  return [...Object.values(SIGNING_KEYS).map(published), ...IGNORED_KEYS.map(({ entry }) => entry)]
}

async function goodTokens(es256: string): Promise<TokenCase[]> {
  const duplicateFree = PAYLOAD.slice(0, -1)
  return [
    await changed('EdDSA', 'VALID', {}),
    await changed('Ed25519 (RFC 9864)', 'VALID', { key: SIGNING_KEYS.Ed25519 }),
    { name: 'ES256', token: es256, expect: 'VALID' },
    await changed('RS256', 'VALID', { key: RS256 }),
    await changed('an unknown header member', 'VALID', { header: { note: 'new' } }),
    await changed('an unknown claim', 'VALID', { claims: { note: 'größer' } }),
    await changed('an empty scope', 'VALID', { claims: { scope: '' } }),
    await changed('several audiences', 'VALID', { claims: { aud: ['https://b.example.com', AUDIENCE] } }),
    await changed('the longest lifetime', 'VALID', { claims: { exp: NOW_S + 3600 } }),
    await ofTexts('claims in another order, with white space', 'VALID', {
      payload: JSON.stringify(Object.fromEntries(Object.entries(CLAIMS).toReversed()), null, 1),
    }),
    await ofTexts('whole numbers written with an exponent or a fraction', 'VALID', {
      payload: PAYLOAD.replaceAll(String(NOW_S), '1.8e9').replace(String(CLAIMS.exp), `${CLAIMS.exp}.0`),
    }),
    await ofTexts('a name and a value written with escapes', 'VALID', {
      payload: PAYLOAD.replace('"iss"', String.raw`"\u0069ss"`).replace('https:', String.raw`https\u003a`),
    }),
    await ofTexts('arrays nested 15 deep in an unknown claim', 'VALID', {
      payload: `${duplicateFree},"deep":${'['.repeat(15)}${']'.repeat(15)}}`,
    }),
  ]
}

/** Returns a token signed with ES256: the committed token, or a new one if the signed text has changed. */
async function keptToken(committed: Committed): Promise<string> {
  const fresh = await token({ key: ES256 })
  const signingInput = fresh.slice(0, fresh.lastIndexOf('.') + 1)
  return committed.find((text) => text.startsWith(signingInput)) ?? fresh
}

const malformedText = (name: string, text: string) => ({ name, token: text, expect: 'MALFORMED_TOKEN' })
const join = (...parts: readonly string[]) => parts.join('.')
const uneven = (members: object) =>
  ['', 'a', 'ab'].map((note) => encodePart({ ...members, note })).find((part) => part.length % 4 !== 0) ?? ''

async function textCases(): Promise<TokenCase[]> {
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

async function jsonCases(): Promise<TokenCase[]> {
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

async function headerCases(): Promise<TokenCase[]> {
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

/** Entries of the JWKS that a verifier must not use, each with the kid of a token that names it. */
const IGNORED_KEYS = [
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

async function keyCases(): Promise<TokenCase[]> {
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

/** Order of the group of P-256 (SEC 2 section 2.4.2). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** Returns the ECDSA signature R || S with the other value of S that is valid too. */
function otherS(signature: Uint8Array): Buffer {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`)
  return Buffer.concat([signature.subarray(0, 32), Buffer.from((P256_ORDER - s).toString(16).padStart(64, '0'), 'hex')])
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

async function signatureCases(es256: string): Promise<TokenCase[]> {
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
    resigned('ES256: the higher of the two values of S', otherS),
    resigned('ES256: the ASN.1 form', toDer),
    resigned('ES256: 64 bytes of zero', () => Buffer.alloc(64)),
    await invalid('RS256: the padding of RSASSA-PSS', pss, RS256),
    await invalid('RS256: one byte too few', async (input) => (await RS256.key.sign(input)).subarray(1), RS256),
    await changed('another issuer', 'WRONG_ISSUER', { claims: { iss: 'https://auth.example.org' } }),
    await changed('the issuer with a trailing slash', 'WRONG_ISSUER', { claims: { iss: `${ISSUER}/` } }),
    await changed('the issuer in upper case', 'WRONG_ISSUER', { claims: { iss: ISSUER.toUpperCase() } }),
  ]
}

const malformedClaims = (name: string, claims: Edits) => changed(name, 'MALFORMED_TOKEN', { claims })

async function claimCases(): Promise<TokenCase[]> {
  const scopes = Array.from({ length: 65 }, (_, index) => `s${index}`).join(' ')
  return Promise.all([
    ...Object.keys(CLAIMS).map((claim) => malformedClaims(`no ${claim}`, { [claim]: undefined })),
    malformedClaims('sub that is not a DID', { sub: 'agent', client_id: 'agent' }),
    malformedClaims('sub in upper case', { sub: DID.toUpperCase(), client_id: DID.toUpperCase() }),
    malformedClaims('client_id that differs from sub', { client_id: OTHER_DID }),
    malformedClaims('aud that is a string', { aud: AUDIENCE }),
    malformedClaims('aud that is empty', { aud: [] }),
    malformedClaims('aud with an empty string', { aud: [AUDIENCE, ''] }),
    malformedClaims('aud with a number', { aud: [AUDIENCE, 1] }),
    malformedClaims('aud of 9 entries', {
      aud: Array.from({ length: 9 }, (_, index) => `https://${index}.example.com`),
    }),
    malformedClaims('scope that is an array', { scope: ['read'] }),
    malformedClaims('scope with two spaces', { scope: 'read  write' }),
    malformedClaims('scope with a trailing space', { scope: 'read ' }),
    malformedClaims('scope with a wildcard', { scope: '*' }),
    malformedClaims('scope with a quotation mark', { scope: '"read"' }),
    malformedClaims('scope of 65 different tokens', { scope: scopes }),
    malformedClaims('a scope token of 129 characters', { scope: 's'.repeat(129) }),
    malformedClaims('operator_id in upper case', { operator_id: OPERATOR_ID.toUpperCase() }),
    malformedClaims('operator_id that is not a UUID', { operator_id: DOMAIN }),
    malformedClaims('an empty jti', { jti: '' }),
    malformedClaims('jti of 65 characters', { jti: 'j'.repeat(65) }),
    malformedClaims('jti with a space', { jti: 'a b' }),
    malformedClaims('iat that is a string', { iat: String(NOW_S) }),
    malformedClaims('iat with a fraction', { iat: NOW_S - 0.5 }),
    malformedClaims('iat of 0', { iat: 0 }),
    malformedClaims('exp beyond the year 9999', { exp: 253_402_300_800 }),
    malformedClaims('exp equal to nbf', { exp: NOW_S }),
    malformedClaims('nbf before iat', { nbf: NOW_S - 1 }),
    malformedClaims('a lifetime of 3601 seconds', { exp: NOW_S + 3601 }),
    malformedClaims('epoch of one number', { epoch: [3] }),
    malformedClaims('epoch of three numbers', { epoch: [3, 2, 1] }),
    malformedClaims('epoch of 0', { epoch: [0, 2] }),
    malformedClaims('epoch of strings', { epoch: ['3', '2'] }),
    malformedClaims('epoch with a boolean', { epoch: [true, 2] }),
    malformedClaims('epoch beyond 31 bits', { epoch: [2_147_483_648, 2] }),
    malformedClaims('a restricting claim: cnf', { cnf: { jkt: 'x' } }),
    malformedClaims('a restricting claim: act', { act: { sub: OTHER_DID } }),
    malformedClaims('a restricting claim: may_act', { may_act: { sub: OTHER_DID } }),
    malformedClaims('a restricting claim that is null', { cnf: null }),
  ])
}

const judgedAt = (name: string, expect: string, now: number) => judgedBy(name, expect, { now })

async function timeCases(): Promise<TokenCase[]> {
  return [
    judgedAt('the last second, clock skew included', 'VALID', CLAIMS.exp + SKEW_S - 1),
    judgedAt('expired, clock skew included', 'TOKEN_EXPIRED', CLAIMS.exp + SKEW_S),
    judgedAt('the first second, clock skew included', 'VALID', CLAIMS.nbf - SKEW_S),
    judgedAt('not valid yet, clock skew included', 'TOKEN_NOT_YET_VALID', CLAIMS.nbf - SKEW_S - 1),
    await changed('before nbf, although after iat', 'TOKEN_NOT_YET_VALID', { claims: { nbf: NOW_S + 100 } }),
  ]
}

function requirementCases(): TokenCase[] {
  return [
    judgedBy('one of several audiences', 'VALID', { audience: ['https://b.example.com', AUDIENCE] }),
    judgedBy('another audience', 'AUDIENCE_MISMATCH', { audience: ['https://b.example.com'] }),
    judgedBy('the audience with a trailing slash', 'AUDIENCE_MISMATCH', { audience: [`${AUDIENCE}/`] }),
    judgedBy('the host of the audience', 'AUDIENCE_MISMATCH', { audience: ['api.example.com'] }),
    judgedBy('the operator by id', 'VALID', { operators: [OPERATOR_ID] }),
    judgedBy('the operator by domain', 'VALID', { operators: [OTHER_DOMAIN, DOMAIN] }),
    judgedBy('any operator', 'VALID', { operators: 'any' }),
    judgedBy('another operator by id', 'OPERATOR_NOT_TRUSTED', { operators: [OTHER_OPERATOR_ID] }),
    judgedBy('another operator by domain', 'OPERATOR_NOT_TRUSTED', { operators: [OTHER_DOMAIN] }),
    judgedBy('a subdomain of the operator', 'OPERATOR_NOT_TRUSTED', { operators: [`agents.${DOMAIN}`] }),
    judgedBy('one of the scopes of the token', 'VALID', { scope: 'write' }),
    judgedBy('all scopes of the token in another order', 'VALID', { scope: 'write read' }),
    judgedBy('a scope that the token does not have', 'SCOPE_MISSING', { scope: 'read payments' }),
    judgedBy('a scope in another case', 'SCOPE_MISSING', { scope: 'Read' }),
    judgedBy('the beginning of a scope', 'SCOPE_MISSING', { scope: 'rea' }),
  ]
}

const revocation = (kind: string, operator_id: string, subject: string, minimum_epoch: number): Revocation => ({
  kind,
  operator_id,
  subject,
  minimum_epoch,
})
const judgedAfter = (name: string, expect: string, ...revocations: readonly Revocation[]) =>
  judgedBy(name, expect, { revocations })

function revocationCases(): TokenCase[] {
  return [
    judgedAfter('the token was revoked', 'TOKEN_REVOKED', revocation('token', OPERATOR_ID, JTI, 0)),
    judgedAfter('the jti was revoked under another operator', 'VALID', revocation('token', OTHER_OPERATOR_ID, JTI, 0)),
    judgedAfter('another jti was revoked', 'VALID', revocation('token', OPERATOR_ID, 'another', 0)),
    judgedAfter("the agent's epoch rose", 'AGENT_TOKENS_ENDED', revocation('agent', OPERATOR_ID, DID, 4)),
    judgedAfter("the agent's epoch equals the token's", 'VALID', revocation('agent', OPERATOR_ID, DID, 3)),
    judgedAfter("another agent's epoch rose", 'VALID', revocation('agent', OPERATOR_ID, OTHER_DID, 4)),
    judgedAfter(
      "the agent's epoch rose under another operator",
      'VALID',
      revocation('agent', OTHER_OPERATOR_ID, DID, 4),
    ),
    judgedAfter("the operator's epoch rose", 'OPERATOR_TOKENS_ENDED', revocation('operator', OPERATOR_ID, '', 3)),
    judgedAfter("the operator's epoch equals the token's", 'VALID', revocation('operator', OPERATOR_ID, '', 2)),
    judgedAfter("another operator's epoch rose", 'VALID', revocation('operator', OTHER_OPERATOR_ID, '', 3)),
    judgedAfter('all tokens of the deployment ended', 'OPERATOR_TOKENS_ENDED', revocation('deployment', '', '', 3)),
    judgedAfter('only tokens of older epochs ended in the deployment', 'VALID', revocation('deployment', '', '', 2)),
    judgedAfter('the signing key was marked as compromised', 'UNKNOWN_KEY', revocation('key', '', EdDSA.kid, 0)),
    judgedAfter('another signing key was marked as compromised', 'VALID', revocation('key', '', ES256.kid, 0)),
    judgedAfter(
      'a smaller epoch after a greater one changes nothing',
      'AGENT_TOKENS_ENDED',
      revocation('agent', OPERATOR_ID, DID, 5),
      revocation('agent', OPERATOR_ID, DID, 2),
    ),
  ]
}

/** Makes cases to which several verdicts apply. They show which verdict the verifier must give. */
async function orderCases(): Promise<TokenCase[]> {
  const revocations = [{ kind: 'token', operator_id: OPERATOR_ID, subject: JTI, minimum_epoch: 0 }]
  const late = CLAIMS.exp + SKEW_S
  const other = { audience: ['https://b.example.com'] }
  return [
    await changed('an unknown key before another issuer', 'UNKNOWN_KEY', {
      key: UNPUBLISHED_KEY,
      claims: { iss: 'https://auth.example.org' },
    }),
    await changed(
      'another issuer before expiry',
      'WRONG_ISSUER',
      { claims: { iss: 'https://auth.example.org' } },
      { now: late },
    ),
    judgedBy('a signing key that was marked as compromised before expiry', 'UNKNOWN_KEY', {
      now: late,
      revocations: [{ kind: 'key', operator_id: '', subject: EdDSA.kid, minimum_epoch: 0 }],
    }),
    judgedBy('expiry before the audience', 'TOKEN_EXPIRED', { ...other, now: late }),
    judgedBy('the audience before the operator', 'AUDIENCE_MISMATCH', { ...other, operators: [OTHER_DOMAIN] }),
    judgedBy('the operator before the scope', 'OPERATOR_NOT_TRUSTED', { operators: [OTHER_DOMAIN], scope: 'x' }),
    judgedBy('the scope before revocation', 'SCOPE_MISSING', { scope: 'x', revocations }),
    judgedBy('expiry before revocation', 'TOKEN_EXPIRED', { now: late, revocations }),
  ]
}
