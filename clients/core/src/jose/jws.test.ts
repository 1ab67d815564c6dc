import { describe, expect, it } from 'vitest'
import { signCompactJws } from '../../../../test/support/jws.ts'
import { generateKeyPair, importPublicKey, verify } from '../keys/ed25519.ts'
import { ED25519_ALGORITHMS, type JwsRules, parseCompactJws, readJwsPayload, splitCompactJws } from './jws.ts'

const RULES: JwsRules = { maxBytes: 4096, algs: ED25519_ALGORITHMS, typs: ['at+jwt'] }
const ONLY_EDDSA: JwsRules = { ...RULES, algs: ['EdDSA'] }
const HEADER = { alg: 'EdDSA', typ: 'at+jwt', kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' }
const PAYLOAD = { sub: 'did:agent:example.com:21fe31dfa154a261626bf854046fd227', epoch: [1, 2] }

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const encodeText = (text: string) => Buffer.from(text).toString('base64url')
const SIGNATURE = Buffer.alloc(64, 7).toString('base64url')
const jws = (header: string, payload = encode(PAYLOAD), signature = SIGNATURE) => `${header}.${payload}.${signature}`
const withHeader = (change: Record<string, unknown>) => jws(encode({ ...HEADER, ...change }))
const without = (name: keyof typeof HEADER) => withHeader({ [name]: undefined })
const nextCharacter = (text: string) =>
  `${text.slice(0, -1)}${String.fromCharCode(text.charCodeAt(text.length - 1) + 1)}`
const GOOD = jws(encode(HEADER))

describe('parseCompactJws', () => {
  it('reads a signed JWS with a signature that verify accepts', () => {
    const pair = generateKeyPair()
    const parsed = parseCompactJws(signCompactJws(HEADER, PAYLOAD, pair.privateKey), RULES)
    if (!parsed.ok) throw new Error(parsed.why)
    expect(parsed.header).toEqual(HEADER)
    expect(parsed.payload).toEqual(PAYLOAD)
    const key = importPublicKey(pair.publicKey)
    expect(key && verify(key, parsed.signingInput, parsed.signature)).toBe(true)
  })

  it("checks a cached header against each endpoint's rules", () => {
    for (let time = 0; time < 2; time += 1) {
      expect(parseCompactJws(GOOD, RULES)).toMatchObject({ ok: true, header: HEADER })
      expect(parseCompactJws(GOOD, { ...RULES, algs: ['ES256'] })).toEqual({ ok: false, part: 'header', why: 'alg' })
      expect(parseCompactJws(GOOD, { ...RULES, typs: ['JWT'] })).toEqual({ ok: false, part: 'header', why: 'typ' })
    }
  })

  it.each(['x5t', 'x5t#S256'])('ignores %s only for a caller whose rules say so', (name) => {
    const text = withHeader({ [name]: 'AA' })
    for (let time = 0; time < 2; time += 1) {
      expect(parseCompactJws(text, { ...RULES, x5t: 'ignored' })).toMatchObject({ ok: true, header: HEADER })
      expect(parseCompactJws(text, RULES)).toEqual({ ok: false, part: 'header', why: 'foreign-key' })
    }
    const withUrl = withHeader({ [name]: 'AA', x5u: 'https://evil.example' })
    expect(parseCompactJws(withUrl, { ...RULES, x5t: 'ignored' })).toMatchObject({ why: 'foreign-key' })
  })

  it('reads many different headers correctly, also repeatedly', () => {
    const kids = Array.from({ length: 300 }, (_, index) => `key-${index}`)
    for (const kid of [...kids, ...kids]) {
      expect(parseCompactJws(withHeader({ kid }), RULES)).toMatchObject({ ok: true, header: { kid } })
    }
  })

  it('returns the signing input and the signature as bytes', () => {
    const parsed = parseCompactJws(GOOD, RULES)
    if (!parsed.ok) throw new Error(parsed.why)
    expect(Buffer.from(parsed.signingInput).toString()).toBe(`${encode(HEADER)}.${encode(PAYLOAD)}`)
    expect(Buffer.from(parsed.signature).toString('base64url')).toBe(SIGNATURE)
  })

  it.each([
    ['the alg Ed25519', withHeader({ alg: 'Ed25519' })],
    ['an unknown header member, but does not return it', withHeader({ note: 'x' })],
    ['a kid of 128 characters', withHeader({ kid: 'k'.repeat(128) })],
    ['a text of exactly maxBytes', GOOD, { ...RULES, maxBytes: GOOD.length }],
    ['one of several typs', GOOD, { ...RULES, typs: ['auth4agent-operator+jwt', 'at+jwt'] }],
  ])('accepts %s', (_name, text, rules = RULES) => {
    const parsed = parseCompactJws(text, rules)
    expect(parsed).toMatchObject({ ok: true, payload: PAYLOAD })
    expect(parsed.ok && Object.keys(parsed.header)).toEqual(['alg', 'typ', 'kid'])
  })

  it.each([
    ['one byte more than maxBytes', GOOD, 'size', { ...RULES, maxBytes: GOOD.length - 1 }],
    ['nothing', '', 'shape'],
    ['one part', encode(HEADER), 'shape'],
    ['two parts', `${encode(HEADER)}.${encode(PAYLOAD)}`, 'shape'],
    ['four parts', `${GOOD}.${SIGNATURE}`, 'shape'],
    ['five parts, as of a JWE', `${GOOD}.AA.AA`, 'shape'],
    ['a trailing dot', `${GOOD}.`, 'shape'],
    ['a leading dot', `.${GOOD}`, 'shape'],
    ['an empty header', jws(''), 'shape'],
    ['an empty payload (detached)', jws(encode(HEADER), ''), 'shape'],
    ['an empty signature', jws(encode(HEADER), encode(PAYLOAD), ''), 'shape'],
    ['JSON serialisation', JSON.stringify({ protected: encode(HEADER), payload: encode(PAYLOAD) }), 'shape'],
  ])('refuses the text: %s', (_name, text, why, rules = RULES) => {
    expect(parseCompactJws(text, rules)).toEqual({ ok: false, part: 'text', why })
  })

  const encodings: [string, (part: string) => string][] = [
    ['padding', (part) => `${part}==`],
    ['a trailing newline', (part) => `${part}\n`],
    ['a leading space', (part) => ` ${part}`],
    ['an inner space', (part) => `${part.slice(0, 4)} ${part.slice(4)}`],
    ['the standard alphabet', (part) => `${part.slice(0, -4)}+/+/`],
    ['a NUL', (part) => `${part}\0`],
    ['a percent escape', (part) => `${part}%3D`],
    ['a character beyond ASCII', (part) => `${part}é`],
    ['trailing bits', nextCharacter],
  ]
  // With these lengths the last character of each part has unused bits.
  const segments = { header: encode({ ...HEADER, n: 1 }), payload: encode({ a: 12 }), signature: SIGNATURE }
  it.each(
    encodings.flatMap(([name, spoil]) =>
      (['header', 'payload', 'signature'] as const).map((part) => ({ name, part, spoil })),
    ),
  )('refuses $name in the $part', ({ part, spoil }) => {
    const spoiled = { ...segments, [part]: spoil(segments[part]) }
    expect(parseCompactJws(jws(segments.header, segments.payload, segments.signature), RULES).ok).toBe(true)
    expect(parseCompactJws(jws(spoiled.header, spoiled.payload, spoiled.signature), RULES)).toEqual({
      ok: false,
      part,
      why: 'encoding',
    })
  })

  it.each([
    ['crit', withHeader({ crit: ['exp'] }), 'critical'],
    ['an empty crit', withHeader({ crit: [] }), 'critical'],
    ['b64 true', withHeader({ b64: true }), 'critical'],
    ['b64 false', withHeader({ b64: false }), 'critical'],
    ['jku', withHeader({ jku: 'https://evil.example/jwks.json' }), 'foreign-key'],
    ['jwk', withHeader({ jwk: { kty: 'OKP' } }), 'foreign-key'],
    ['jwk null', withHeader({ jwk: null }), 'foreign-key'],
    ['x5u', withHeader({ x5u: 'https://evil.example/x.pem' }), 'foreign-key'],
    ['x5c', withHeader({ x5c: ['MII='] }), 'foreign-key'],
    ['x5t', withHeader({ x5t: 'AA' }), 'foreign-key'],
    ['x5t#S256', withHeader({ 'x5t#S256': 'AA' }), 'foreign-key'],
    ['trust_chain', withHeader({ trust_chain: ['AA'] }), 'foreign-key'],
    ['no alg', without('alg'), 'alg'],
    ['alg none', withHeader({ alg: 'none' }), 'alg'],
    ['alg None', withHeader({ alg: 'None' }), 'alg'],
    ['alg HS256 (public key as secret)', withHeader({ alg: 'HS256' }), 'alg'],
    ['alg in lower case', withHeader({ alg: 'eddsa' }), 'alg'],
    ['alg Ed448', withHeader({ alg: 'Ed448' }), 'alg'],
    ['alg in an array', withHeader({ alg: ['EdDSA'] }), 'alg'],
    ['alg null', withHeader({ alg: null }), 'alg'],
    ['an alg of another endpoint', withHeader({ alg: 'Ed25519' }), 'alg', ONLY_EDDSA],
    ['no typ', without('typ'), 'typ'],
    ['typ JWT', withHeader({ typ: 'JWT' }), 'typ'],
    ['typ of an operator assertion', withHeader({ typ: 'auth4agent-operator+jwt' }), 'typ'],
    ['typ with application/', withHeader({ typ: 'application/at+jwt' }), 'typ'],
    ['typ in upper case', withHeader({ typ: 'AT+JWT' }), 'typ'],
    ['typ with a space', withHeader({ typ: 'at+jwt ' }), 'typ'],
    ['typ in an array', withHeader({ typ: ['at+jwt'] }), 'typ'],
    ['no kid', without('kid'), 'kid'],
    ['kid empty', withHeader({ kid: '' }), 'kid'],
    ['kid a number', withHeader({ kid: 1 }), 'kid'],
    ['kid null', withHeader({ kid: null }), 'kid'],
    ['kid an object', withHeader({ kid: { toString: 'x' } }), 'kid'],
    ['kid with a NUL', withHeader({ kid: 'a\0' }), 'kid'],
    ['kid with a newline', withHeader({ kid: 'a\n' }), 'kid'],
    ['kid with a space', withHeader({ kid: 'a b' }), 'kid'],
    ['kid beyond ASCII', withHeader({ kid: 'é' }), 'kid'],
    ['kid of 129 characters', withHeader({ kid: 'k'.repeat(129) }), 'kid'],
  ])('refuses the header: %s', (_name, text, why, rules: JwsRules = RULES) => {
    expect(parseCompactJws(text, rules)).toEqual({ ok: false, part: 'header', why })
  })

  describe('with a kid that is optional and a typ that may be absent', () => {
    const lenient: JwsRules = { ...RULES, typs: ['at+jwt', ''], kid: 'optional' }

    it.each([
      ['all of them', GOOD, HEADER],
      ['no kid', without('kid'), { ...HEADER, kid: '' }],
      ['no typ', without('typ'), { ...HEADER, typ: '' }],
    ])('accepts %s, while the usual rules decide as before', (_name, text, header) => {
      for (let time = 0; time < 2; time += 1) {
        expect(parseCompactJws(text, lenient)).toMatchObject({ ok: true, header })
        expect(parseCompactJws(text, RULES).ok).toBe(text === GOOD)
      }
    })

    it.each([
      ['a kid that is empty', { kid: '' }, 'kid'],
      ['a kid that is null', { kid: null }, 'kid'],
      ['a kid that is a number', { kid: 0 }, 'kid'],
      ['a kid with a space', { kid: 'a b' }, 'kid'],
      ['a typ that is empty', { typ: '' }, 'typ'],
      ['a typ that is null', { typ: null }, 'typ'],
      ['a typ that is a number', { typ: 0 }, 'typ'],
      ['another typ', { typ: 'JWT' }, 'typ'],
      ['an alg that is empty', { alg: '' }, 'alg'],
      ['a jwk', { jwk: { kty: 'OKP' } }, 'foreign-key'],
    ])('refuses %s', (_name, change, why) => {
      expect(parseCompactJws(withHeader(change), lenient)).toEqual({ ok: false, part: 'header', why })
    })

    it('refuses no alg, also if the list of algorithms has an empty text', () => {
      expect(parseCompactJws(without('alg'), { ...lenient, algs: ['EdDSA', ''] }).ok).toBe(false)
    })
  })

  describe('with a jwk that is required', () => {
    const withKey: JwsRules = { ...RULES, jwk: 'required' }
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'AA', d: 'AA' }

    it('returns the jwk unchecked, also after the same header under other rules', () => {
      for (let time = 0; time < 2; time += 1) {
        expect(parseCompactJws(withHeader({ jwk }), withKey)).toMatchObject({ ok: true, header: { ...HEADER, jwk } })
        const refusal = { ok: false, part: 'header', why: 'foreign-key' }
        expect(parseCompactJws(withHeader({ jwk }), RULES)).toEqual(refusal)
        expect(parseCompactJws(GOOD, withKey)).toEqual(refusal)
        expect(parseCompactJws(GOOD, RULES).ok).toBe(true)
      }
    })

    it.each([
      ['a jwk that is null', { jwk: null }, 'foreign-key'],
      ['a jwk that is a text', { jwk: '{}' }, 'foreign-key'],
      ['a jwk in an array', { jwk: [jwk] }, 'foreign-key'],
      ['jku in addition', { jwk, jku: 'https://evil.example/jwks.json' }, 'foreign-key'],
      ['x5c in addition', { jwk, x5c: ['MII='] }, 'foreign-key'],
      ['crit in addition', { jwk, crit: ['jwk'] }, 'critical'],
      ['no kid', { jwk, kid: undefined }, 'kid'],
      ['no typ', { jwk, typ: undefined }, 'typ'],
    ])('refuses %s', (_name, change, why) => {
      expect(parseCompactJws(withHeader(change), withKey)).toEqual({ ok: false, part: 'header', why })
    })
  })

  it.each([
    ['no JSON', 'x', 'syntax'],
    ['an array', '[]', 'not-an-object'],
    ['null', 'null', 'not-an-object'],
    ['a string, as of a nested JWT', JSON.stringify(GOOD), 'not-an-object'],
    ['a byte order mark', '\ufeff{}', 'syntax'],
    ['two algs', '{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"k"}', 'duplicate-member'],
    ['__proto__', '{"__proto__":{"alg":"EdDSA","typ":"at+jwt","kid":"k"}}', 'forbidden-member'],
    ['a lone surrogate', '{"sub":"\\ud800"}', 'lone-surrogate'],
    ['an infinite exp', '{"exp":1e999}', 'number-range'],
  ])('refuses a header and a payload that are %s', (_name, text, why) => {
    expect(parseCompactJws(jws(encodeText(text)), RULES)).toEqual({ ok: false, part: 'header', why })
    expect(parseCompactJws(jws(encode(HEADER), encodeText(text)), RULES)).toEqual({ ok: false, part: 'payload', why })
  })

  it('refuses a header and a payload that are not UTF-8', () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')
    expect(parseCompactJws(jws(bytes), RULES)).toEqual({ ok: false, part: 'header', why: 'utf8' })
    expect(parseCompactJws(jws(encode(HEADER), bytes), RULES)).toEqual({ ok: false, part: 'payload', why: 'utf8' })
  })
})

describe('splitCompactJws', () => {
  it('leaves a payload unread that readJwsPayload refuses', () => {
    const text = jws(encode(HEADER), encodeText('{"a":1,"a":2}'))
    const split = splitCompactJws(text, RULES)
    expect(split).toMatchObject({ ok: true, header: HEADER, encodedPayload: encodeText('{"a":1,"a":2}') })
    expect(split.ok && Buffer.from(split.signingInput).toString()).toBe(text.slice(0, text.lastIndexOf('.')))
    expect(readJwsPayload(encodeText('{"a":1,"a":2}'))).toEqual({ ok: false, part: 'payload', why: 'duplicate-member' })
  })

  it.each([
    ['a text that is too long', GOOD, 'text', 'size', { ...RULES, maxBytes: 10 }],
    ['a foreign key', withHeader({ jwk: {} }), 'header', 'foreign-key'],
    ['another typ', withHeader({ typ: 'JWT' }), 'header', 'typ'],
    ['a padded signature', `${GOOD}=`, 'signature', 'encoding'],
  ])('refuses %s, as parseCompactJws does', (_name, text, part, why, rules: JwsRules = RULES) => {
    expect(splitCompactJws(text, rules)).toEqual({ ok: false, part, why })
    expect(parseCompactJws(text, rules)).toEqual({ ok: false, part, why })
  })
})

it('readJwsPayload returns the JSON as it is written, and its value', () => {
  const text = '{ "n": 1.0, "name": "é" }'
  expect(readJwsPayload(encodeText(text))).toEqual({ ok: true, text, value: { n: 1, name: 'é' } })
})
