import { createHmac, createPublicKey, sign as cryptoSign, verify as cryptoVerify, type KeyObject } from 'node:crypto'
import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { describe, expect, it } from 'vitest'
import {
  accessToken,
  accessTokenOf,
  GOOD_CLAIMS,
  keysOf,
  knownKey,
  knownKeyOf,
} from '../../../../test/support/access-tokens.ts'
import { bearer, ISSUER, NOW_S, operatorSigner } from '../../../../test/support/assertions.ts'
import { offlineVerdict } from '../../../../test/support/offline-verdict.ts'
import { testTokenKey } from '../../../../test/support/token-keys.ts'
import { checkTimes, type VerificationKey, verifyAccessToken } from './access-token.ts'

const { pair, keys, entry } = knownKey()
const GOOD = accessToken(pair)
const verdictOf = async (text: string, issuer = ISSUER, known = keys) => {
  const answer = await verifyAccessToken(text, issuer, known)
  const verdict = 'verdict' in answer ? answer.verdict : 'genuine'
  // An offline verifier must reach the same verdict.
  const offline = await offlineVerdict(text, issuer, known)
  if (offline !== undefined) expect(offline).toBe(verdict)
  return verdict
}
const [header = '', payload = '', signature = ''] = GOOD.split('.')
const successor = (text: string) => `${text.slice(0, -1)}${String.fromCharCode(text.charCodeAt(text.length - 1) + 1)}`
const reSign = (headerText: string, payloadText: string) => {
  const parts = [headerText, payloadText].map((text) => Buffer.from(text).toString('base64url'))
  return `${parts.join('.')}.${Buffer.from(sign(pair.privateKey, Buffer.from(parts.join('.')))).toString('base64url')}`
}
const KNOWN = new Map(TOKEN_ALGORITHMS.map((alg) => [alg, knownKeyOf(alg)]))
const keyOf = (alg: TokenAlgorithm) => KNOWN.get(alg) ?? knownKeyOf(alg)
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const withSignature = (text: string, change: (signature: Buffer) => Buffer) => {
  const start = text.lastIndexOf('.') + 1
  return text.slice(0, start) + change(Buffer.from(text.slice(start), 'base64url')).toString('base64url')
}
const publicPem = (key: KeyObject) => createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString()
/** Verifies as a verifier does that also accepts the higher S. */
const isSignedES256 = (key: KeyObject, text: string) => {
  const [input, text64] = [text.slice(0, text.lastIndexOf('.')), text.slice(text.lastIndexOf('.') + 1)]
  const options = { key: createPublicKey(key), dsaEncoding: 'ieee-p1363' as const }
  return cryptoVerify('sha256', Buffer.from(input), options, Buffer.from(text64, 'base64url'))
}
const HEADER_TEXT = Buffer.from(header, 'base64url').toString()
const PAYLOAD_TEXT = Buffer.from(payload, 'base64url').toString()

describe('verifyAccessToken', () => {
  it('returns the claims of a genuine token', async () => {
    expect(await verifyAccessToken(GOOD, ISSUER, keys)).toMatchObject({ claims: GOOD_CLAIMS })
    expect(await verdictOf(reSign(HEADER_TEXT, PAYLOAD_TEXT))).toBe('genuine')
  })

  it.each([
    ['padding at the end', `${GOOD}==`],
    ['padding in the header', `${header}=.${payload}.${signature}`],
    ['padding in the payload', `${header}.${payload}=.${signature}`],
    ['trailing bits in the signature', `${header}.${payload}.${successor(signature)}`],
    ['white space in front', ` ${GOOD}`],
    ['white space at the end', `${GOOD} `],
    ['a line feed at the end', `${GOOD}\n`],
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
    ['a jwk in the header', accessToken(pair, { jwk: { kty: 'OKP' } })],
    ['crit', accessToken(pair, { crit: ['exp'] })],
    ['invalid claims', accessToken(pair, {}, { epoch: [0, 0] })],
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

  it('accepts the algorithm Ed25519 only from a key of Ed25519', async () => {
    const fully = knownKey('active', 'Ed25519')
    expect(await verdictOf(accessToken(fully.pair, { alg: 'Ed25519' }), ISSUER, fully.keys)).toBe('genuine')
    expect(await verdictOf(accessToken(fully.pair), ISSUER, fully.keys)).toBe('UNSUPPORTED_ALGORITHM')
  })

  it('refuses a signature of another key, over other bytes or by HMAC', async () => {
    const other = generateKeyPair()
    const mac = createHmac('sha256', pair.publicKey).update(`${header}.${payload}`).digest('base64url')
    const swapped = accessToken(pair, {}, { scope: 'admin' }).split('.')[1]
    expect(await verdictOf(accessToken(other, { kid: entry.kid }))).toBe('SIGNATURE_INVALID')
    expect(await verdictOf(`${header}.${swapped}.${signature}`)).toBe('SIGNATURE_INVALID')
    expect(await verdictOf(`${header}.${payload}.${mac}`)).toBe('SIGNATURE_INVALID')
    expect(await verdictOf(`${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`)).toBe('SIGNATURE_INVALID')
    expect(await verdictOf(accessToken(other))).toBe('UNKNOWN_KEY')
  })

  describe.each(TOKEN_ALGORITHMS)('under a key of %s', (alg) => {
    const known = keyOf(alg)
    const good = accessTokenOf(known.key)

    it('accepts a token of this key', async () => {
      expect(await verdictOf(good, ISSUER, known.keys)).toBe('genuine')
    })

    it.each(TOKEN_ALGORITHMS.filter((other) => other !== alg))('refuses the header alg %s', async (other) => {
      const relabelled = accessTokenOf(known.key, { alg: other })
      const bySomebody = accessTokenOf(keyOf(other).key, { kid: known.key.kid })
      expect(await verdictOf(relabelled, ISSUER, known.keys)).toBe('UNSUPPORTED_ALGORITHM')
      expect(await verdictOf(bySomebody, ISSUER, known.keys)).toBe('UNSUPPORTED_ALGORITHM')
    })

    it.each(TOKEN_ALGORITHMS)('refuses a signature of another key, made as %s', async (other) => {
      const forged = accessTokenOf(testTokenKey(other), { alg, kid: known.key.kid })
      expect(await verdictOf(forged, ISSUER, known.keys)).toBe('SIGNATURE_INVALID')
    })

    it.each(['none', 'HS256', 'HS512', 'PS256', 'RS512', 'ES384', 'ES256K', 'Ed448', alg.toUpperCase() + alg])(
      'refuses %s, signed with the public half as secret',
      async (other) => {
        const [head, body] = accessTokenOf(known.key, { alg: other }).split('.')
        for (const secret of [JSON.stringify(known.key.jwk), publicPem(known.key.privateKey)]) {
          const mac = createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url')
          expect(await verdictOf(`${head}.${body}.${mac}`, ISSUER, known.keys)).toBe('UNSUPPORTED_ALGORITHM')
        }
      },
    )

    const reSigned: [string, (bytes: Buffer) => Buffer][] = [
      ['the first byte left out', (bytes) => bytes.subarray(1)],
      ['the last byte left out', (bytes) => bytes.subarray(0, -1)],
      ['a zero in front', (bytes) => Buffer.concat([Buffer.alloc(1), bytes])],
      ['a zero at the end', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
      ['only zeros', (bytes) => Buffer.alloc(bytes.length)],
      ['the signature twice', (bytes) => Buffer.concat([bytes, bytes])],
      ['one bit changed', (bytes) => Buffer.from(bytes).fill((bytes[8] ?? 0) ^ 1, 8, 9)],
      ['the length of another algorithm', (bytes) => Buffer.alloc(bytes.length === 64 ? 256 : 64, bytes)],
    ]
    it.each(reSigned)('refuses a signature: %s', async (_name, change) => {
      expect(await verdictOf(withSignature(good, change), ISSUER, known.keys)).toBe('SIGNATURE_INVALID')
    })
  })

  it('refuses the second ES256 signature of a token (higher S), and DER', async () => {
    const { key, keys: known } = keyOf('ES256')
    const text = accessTokenOf(key)
    const twin = withSignature(text, (bytes) => {
      const s = ORDER - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
      return Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
    })
    const signingInput = Buffer.from(text.slice(0, text.lastIndexOf('.')))
    expect(isSignedES256(key.privateKey, twin)).toBe(true)
    expect(await verdictOf(twin, ISSUER, known)).toBe('SIGNATURE_INVALID')
    const der = withSignature(text, () => cryptoSign('sha256', signingInput, key.privateKey))
    expect(await verdictOf(der, ISSUER, known)).toBe('SIGNATURE_INVALID')
  })

  const states: [VerificationKey['state'], string, string][] = [
    ['prepared', 'UNKNOWN_KEY', 'UNKNOWN_KEY'],
    ['active', 'genuine', 'genuine'],
    ['retiring', 'genuine', 'genuine'],
    ['retired', 'UNKNOWN_KEY', 'genuine'],
    ['compromised', 'UNKNOWN_KEY', 'UNKNOWN_KEY'],
  ]
  it.each(states)(
    'under a key that is %s returns %s, and %s if retired keys are accepted',
    async (state, now, once) => {
      const known = keysOf({ ...entry, state })
      expect(await verdictOf(GOOD, ISSUER, known)).toBe(now)
      const answer = await verifyAccessToken(GOOD, ISSUER, known, 'including-retired')
      expect('verdict' in answer ? answer.verdict : 'genuine').toBe(once)
    },
  )

  it('accepts a token of a key that became active since the key was read, and reads the key again only for a valid signature', async () => {
    let asked = 0
    const known = {
      ...keysOf({ ...entry, state: 'prepared' }),
      async findNow() {
        asked += 1
        return entry
      },
    }
    const forged = GOOD.replace(/[^.]*$/, Buffer.alloc(64, 1).toString('base64url'))
    expect(await verdictOf(forged, ISSUER, known)).toBe('SIGNATURE_INVALID')
    expect(asked).toBe(0)
    expect(await verdictOf(GOOD, ISSUER, known)).toBe('genuine')
    expect(asked).toBe(1)
  })

  it.each([
    ['gone', undefined],
    ['compromised', 'compromised'],
  ] as const)('returns UNKNOWN_KEY under a prepared key that is %s when it is read again', async (_, state) => {
    const fresh = state === undefined ? undefined : { ...entry, state }
    const known = { ...keysOf({ ...entry, state: 'prepared' }), findNow: async () => fresh }
    expect(await verdictOf(GOOD, ISSUER, known)).toBe('UNKNOWN_KEY')
    const answer = await verifyAccessToken(GOOD, ISSUER, known, 'including-retired')
    expect(answer).toEqual({ verdict: 'UNKNOWN_KEY' })
  })

  it.each([`${ISSUER}/`, ISSUER.toUpperCase(), 'http://localhost:8081', ''])(
    'refuses a token of another issuer than "%s"',
    async (issuer) => {
      expect(await verdictOf(GOOD, issuer)).toBe('WRONG_ISSUER')
    },
  )

  it('rejects if the keys are unavailable', async () => {
    const away = { ...keysOf(), find: () => Promise.reject(new Error('away')) }
    await expect(verifyAccessToken(GOOD, ISSUER, away)).rejects.toThrow('away')
  })

  it('looks up no key for a text that cannot be a token', async () => {
    const untouched = { ...keysOf(), find: () => Promise.reject(new Error('asked')) }
    expect(await verdictOf(accessToken(pair, {}, { iss: 1 }), ISSUER, untouched)).toBe('MALFORMED_TOKEN')
    for (const alg of ['none', 'HS256', 'PS256']) {
      expect(await verdictOf(accessToken(pair, { alg }), ISSUER, untouched)).toBe('UNSUPPORTED_ALGORITHM')
    }
  })
})

describe('checkTimes', () => {
  const claims = { ...GOOD_CLAIMS, epoch: [1, 2] as const }

  it.each([
    ['at its nbf', NOW_S, undefined],
    ['as early as the skew allows', NOW_S - 10, undefined],
    ['one second earlier', NOW_S - 11, 'TOKEN_NOT_YET_VALID'],
    ['in the last second of the skew', NOW_S + 909, undefined],
    ['after the skew', NOW_S + 910, 'TOKEN_EXPIRED'],
  ])('checks a token %s', (_name, nowS, verdict) => {
    expect(checkTimes(claims, nowS, 10)).toBe(verdict)
  })

  it('allows no difference if the skew is 0', () => {
    expect(checkTimes(claims, NOW_S + 900, 0)).toBe('TOKEN_EXPIRED')
    expect(checkTimes(claims, NOW_S - 1, 0)).toBe('TOKEN_NOT_YET_VALID')
  })
})
