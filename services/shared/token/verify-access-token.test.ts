import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { accessToken, GOOD_CLAIMS, keysOf, knownKey } from '../../../test/support/access-tokens.ts'
import { bearer, ISSUER, NOW_S, operatorSigner } from '../../../test/support/assertions.ts'
import { generateKeyPair, sign } from '../crypto/ed25519.ts'
import type { VerificationKey } from './verification-keys.ts'
import { checkTimes, verifyAccessToken } from './verify-access-token.ts'

const { pair, keys, entry } = knownKey()
const GOOD = accessToken(pair)
const verdictOf = async (text: string, issuer = ISSUER, known = keys) => {
  const answer = await verifyAccessToken(text, issuer, known)
  return 'verdict' in answer ? answer.verdict : 'genuine'
}
const [header = '', payload = '', signature = ''] = GOOD.split('.')
const successor = (text: string) => `${text.slice(0, -1)}${String.fromCharCode(text.charCodeAt(text.length - 1) + 1)}`
const reSign = (headerText: string, payloadText: string) => {
  const parts = [headerText, payloadText].map((text) => Buffer.from(text).toString('base64url'))
  return `${parts.join('.')}.${Buffer.from(sign(pair.privateKey, Buffer.from(parts.join('.')))).toString('base64url')}`
}
const HEADER_TEXT = Buffer.from(header, 'base64url').toString()
const PAYLOAD_TEXT = Buffer.from(payload, 'base64url').toString()

describe('verifyAccessToken', () => {
  it('answers the claims of a genuine token', async () => {
    expect(await verifyAccessToken(GOOD, ISSUER, keys)).toMatchObject({ claims: GOOD_CLAIMS })
    expect(await verdictOf(reSign(HEADER_TEXT, PAYLOAD_TEXT))).toBe('genuine')
  })

  it.each([
    ['padding behind', `${GOOD}==`],
    ['padding in the header', `${header}=.${payload}.${signature}`],
    ['padding in the payload', `${header}.${payload}=.${signature}`],
    ['trailing bits in the signature', `${header}.${payload}.${successor(signature)}`],
    ['white space in front', ` ${GOOD}`],
    ['white space behind', `${GOOD} `],
    ['a line feed behind', `${GOOD}\n`],
    ['a line feed inside', `${header}.\n${payload}.${signature}`],
    ['a fourth part', `${GOOD}.`],
    ['a fifth part', `${GOOD}.AA.AA`],
    ['a part in front', `.${GOOD}`],
    ['two parts', `${header}.${payload}`],
    ['no signature', `${header}.${payload}.`],
    ['standard base64', `${header}.${payload}.${Buffer.alloc(64, 0xff).toString('base64')}`],
    ['a scheme', `Bearer ${GOOD}`],
    ['JSON serialisation', JSON.stringify({ protected: header, payload, signature })],
    ['nothing', ''],
    ['too many bytes', `${GOOD}${'A'.repeat(16_384)}`],
    ['a member twice in the header', reSign(HEADER_TEXT.replace('{', '{"alg":"none",'), PAYLOAD_TEXT)],
    ['a claim twice', reSign(HEADER_TEXT, PAYLOAD_TEXT.replace('{', '{"sub":"x",'))],
    ['a claim twice, once escaped', reSign(HEADER_TEXT, PAYLOAD_TEXT.replace('{', '{"\\u0073ub":"x",'))],
    ['a byte order mark', reSign(HEADER_TEXT, `\ufeff${PAYLOAD_TEXT}`)],
    ['claims that are an array', reSign(HEADER_TEXT, `[${PAYLOAD_TEXT}]`)],
    ['a wrong typ', accessToken(pair, { typ: 'JWT' })],
    ['the long form of the typ', accessToken(pair, { typ: 'application/at+jwt' })],
    ['no typ', accessToken(pair, { typ: undefined })],
    ['an assertion’s typ', accessToken(pair, { typ: 'auth4agent-operator+jwt' })],
    ['an operator’s assertion', bearer(operatorSigner(GOOD_CLAIMS.operator_id)).slice(7)],
    ['no kid', accessToken(pair, { kid: undefined })],
    ['a key of its own', accessToken(pair, { jwk: { kty: 'OKP' } })],
    ['crit', accessToken(pair, { crit: ['exp'] })],
    ['claims that are off', accessToken(pair, {}, { epoch: [0, 0] })],
  ])('refuses %s as malformed', async (_name, text) => {
    expect(await verdictOf(text)).toBe('MALFORMED_TOKEN')
  })

  it.each([
    ['none', { alg: 'none' }],
    ['HS256', { alg: 'HS256' }],
    ['another case', { alg: 'eddsa' }],
    ['the other name of the key’s own algorithm', { alg: 'Ed25519' }],
    ['no name', { alg: undefined }],
  ])('refuses the algorithm: %s', async (_name, edits) => {
    expect(await verdictOf(accessToken(pair, edits))).toBe('UNSUPPORTED_ALGORITHM')
  })

  it('takes Ed25519 from a key of that algorithm, and from it alone', async () => {
    const fully = knownKey('active', 'Ed25519')
    expect(await verdictOf(accessToken(fully.pair, { alg: 'Ed25519' }), ISSUER, fully.keys)).toBe('genuine')
    expect(await verdictOf(accessToken(fully.pair), ISSUER, fully.keys)).toBe('UNSUPPORTED_ALGORITHM')
  })

  it('refuses a signature of another key, of other bytes and by HMAC', async () => {
    const other = generateKeyPair()
    const mac = createHmac('sha256', pair.publicKey).update(`${header}.${payload}`).digest('base64url')
    const swapped = accessToken(pair, {}, { scope: 'admin' }).split('.')[1]
    expect(await verdictOf(accessToken(other, { kid: entry.kid }))).toBe('SIGNATURE_INVALID')
    expect(await verdictOf(`${header}.${swapped}.${signature}`)).toBe('SIGNATURE_INVALID')
    expect(await verdictOf(`${header}.${payload}.${mac}`)).toBe('SIGNATURE_INVALID')
    expect(await verdictOf(`${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`)).toBe('SIGNATURE_INVALID')
    expect(await verdictOf(accessToken(other))).toBe('UNKNOWN_KEY')
  })

  const states: [VerificationKey['state'], string, string][] = [
    ['prepared', 'genuine', 'genuine'],
    ['active', 'genuine', 'genuine'],
    ['retiring', 'genuine', 'genuine'],
    ['retired', 'UNKNOWN_KEY', 'genuine'],
    ['compromised', 'UNKNOWN_KEY', 'UNKNOWN_KEY'],
  ]
  it.each(states)('under a key that is %s: %s, and to be revoked: %s', async (state, now, once) => {
    const known = keysOf({ ...entry, state })
    expect(await verdictOf(GOOD, ISSUER, known)).toBe(now)
    const answer = await verifyAccessToken(GOOD, ISSUER, known, 'including-retired')
    expect('verdict' in answer ? answer.verdict : 'genuine').toBe(once)
  })

  it.each([`${ISSUER}/`, ISSUER.toUpperCase(), 'http://localhost:8081', ''])(
    'refuses for the issuer "%s"',
    async (issuer) => {
      expect(await verdictOf(GOOD, issuer)).toBe('WRONG_ISSUER')
    },
  )

  it('rejects when the keys cannot be had, and never answers', async () => {
    const away = { find: () => Promise.reject(new Error('away')), list: async () => [] }
    await expect(verifyAccessToken(GOOD, ISSUER, away)).rejects.toThrow('away')
  })

  it('looks no key up for what cannot be a token', async () => {
    const untouched = { find: () => Promise.reject(new Error('asked')), list: async () => [] }
    expect(await verdictOf(accessToken(pair, {}, { iss: 1 }), ISSUER, untouched)).toBe('MALFORMED_TOKEN')
  })
})

describe('checkTimes', () => {
  const claims = { ...GOOD_CLAIMS, epoch: [1, 2] as const }

  it.each([
    ['at its nbf', NOW_S, undefined],
    ['as early as the skew allows', NOW_S - 10, undefined],
    ['earlier', NOW_S - 11, 'TOKEN_NOT_YET_VALID'],
    ['in the last second of the skew', NOW_S + 909, undefined],
    ['when the skew is used up', NOW_S + 910, 'TOKEN_EXPIRED'],
  ])('judges a token %s', (_name, nowS, verdict) => {
    expect(checkTimes(claims, nowS, 10)).toBe(verdict)
  })

  it('allows nothing without skew', () => {
    expect(checkTimes(claims, NOW_S + 900, 0)).toBe('TOKEN_EXPIRED')
    expect(checkTimes(claims, NOW_S - 1, 0)).toBe('TOKEN_NOT_YET_VALID')
  })
})
