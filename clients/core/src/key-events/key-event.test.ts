import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { didOf, eventOf, identityKey, p256Key, signAsIs } from '../../../../test/support/key-events.ts'
import { KEY_EVENT_TYPE } from './jws-types.ts'
import { parseKeyEvent, recordedInception } from './key-event.ts'

const NOW = 1_800_000_000
const key = identityKey('first')
const did = didOf(key)
const CLAIMS = { type: 'inception', did, seq: 0, iat: NOW, key: key.jwk }
const HEADER = { alg: 'EdDSA', typ: KEY_EVENT_TYPE, kid: key.kid }
const GOOD = eventOf(key, CLAIMS)
const RECORDED = recordedInception({ did, key: key.jwk, iat: NOW })

const encode = (value: object | string | Uint8Array) => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64url')
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}
const parts = (text: string) => text.split('.') as [string, string, string]
const withPayload = (payload: string | Uint8Array) => [parts(GOOD)[0], encode(payload), parts(GOOD)[2]].join('.')
const ofSize = (size: number) => {
  const empty = withPayload(JSON.stringify(CLAIMS))
  // Three characters of white space after the JSON are four characters of base64url.
  const padded = withPayload(
    JSON.stringify(CLAIMS).padEnd(JSON.stringify(CLAIMS).length + ((size - empty.length) * 3) / 4),
  )
  return padded
}
const malformed = (demand: string) => ({ ok: false, why: 'malformed', demand })
const ofEvent = (part: string, rest: string) => malformed(`the ${part} of the event ${rest}`)

describe('parseKeyEvent', () => {
  it.each(['EdDSA', 'Ed25519'])('reads a signed event with the alg %s, and its digest', (alg) => {
    const text = eventOf(key, CLAIMS, { alg })
    const [header, payload, signature] = parts(text)
    expect(parseKeyEvent(text)).toEqual({
      ok: true,
      claims: { ...CLAIMS, recorded: false },
      payload: CLAIMS,
      kid: key.kid,
      alg,
      signingInput: Buffer.from(`${header}.${payload}`),
      signature: Buffer.from(signature, 'base64url'),
      digest: createHash('sha256').update(text).digest('base64url'),
      text,
    })
  })

  it('reads a header with further members', () => {
    expect(parseKeyEvent(eventOf(key, CLAIMS, { cty: 'json', note: 1 }))).toMatchObject({ ok: true })
  })

  it.each([
    ['the alg none', { alg: 'none' }, 'must have the alg EdDSA or Ed25519'],
    ['the alg ES256', { alg: 'ES256' }, 'must have the alg EdDSA or Ed25519'],
    ['the alg HS256', { alg: 'HS256' }, 'must have the alg EdDSA or Ed25519'],
    ['the alg in lower case', { alg: 'eddsa' }, 'must have the alg EdDSA or Ed25519'],
    ['no alg', { alg: undefined }, 'must have the alg EdDSA or Ed25519'],
    ['no typ', { typ: undefined }, `must have the typ ${KEY_EVENT_TYPE}`],
    ['the typ of a proof', { typ: 'auth4agent-key-proof+jwt' }, `must have the typ ${KEY_EVENT_TYPE}`],
    ['the typ with application/', { typ: `application/${KEY_EVENT_TYPE}` }, `must have the typ ${KEY_EVENT_TYPE}`],
    ['the typ in upper case', { typ: KEY_EVENT_TYPE.toUpperCase() }, `must have the typ ${KEY_EVENT_TYPE}`],
    ['no kid', { kid: undefined }, 'must have a kid of 1 to 128 visible ASCII characters'],
    ['an empty kid', { kid: '' }, 'must have a kid of 1 to 128 visible ASCII characters'],
    ['a kid that is a number', { kid: 1 }, 'must have a kid of 1 to 128 visible ASCII characters'],
    ['jwk', { jwk: key.jwk }, 'must not contain a key or the address of one, such as jwk or jku'],
    ['jku', { jku: 'https://evil.example' }, 'must not contain a key or the address of one, such as jwk or jku'],
    ['x5c', { x5c: [] }, 'must not contain a key or the address of one, such as jwk or jku'],
    ['crit', { crit: ['exp'] }, 'must not have crit or b64'],
    ['b64', { b64: false }, 'must not have crit or b64'],
  ])('refuses a header with %s', (_name, header, demand) => {
    expect(parseKeyEvent(eventOf(key, CLAIMS, header))).toEqual(ofEvent('header', demand))
  })

  it('refuses a header with two members of one name', () => {
    const header = JSON.stringify(HEADER).replace('{', '{"alg":"none",')
    const text = [encode(header), ...parts(GOOD).slice(1)].join('.')
    expect(parseKeyEvent(text)).toEqual(ofEvent('header', 'must not have two members of one name in an object'))
  })

  it.each([
    [
      'two members of one name',
      JSON.stringify(CLAIMS).replace('{', '{"seq":1,'),
      'must not have two members of one name in an object',
    ],
    [
      'two members of one name in key',
      JSON.stringify(CLAIMS).replace('{"kty"', '{"x":"","kty"'),
      'must not have two members of one name in an object',
    ],
    [
      'the same name spelled with an escape',
      JSON.stringify(CLAIMS).replace('{', '{"s\\u0065q":1,'),
      'must not have two members of one name in an object',
    ],
    ['a member __proto__', JSON.stringify(CLAIMS).replace('{', '{"__proto__":{},'), 'must not have a member __proto__'],
    ['an array', '[]', 'must be a JSON object'],
    ['null', 'null', 'must be a JSON object'],
    ['a text', '"inception"', 'must be a JSON object'],
    ['no JSON', 'inception', 'must be JSON'],
    ['JSON with a comment', `${JSON.stringify(CLAIMS)}//`, 'must be JSON'],
    ['a byte order mark', `\ufeff${JSON.stringify(CLAIMS)}`, 'must be JSON'],
    [
      'half of a surrogate pair',
      JSON.stringify(CLAIMS).replace('acme', '\\ud800'),
      'must not have half of a surrogate pair in a string',
    ],
    [
      'a number that is too large',
      JSON.stringify(CLAIMS).replace('"seq":0', '"seq":1e999'),
      'must not have a number that is too large for a double',
    ],
    ['seventeen levels', `{"a":${'['.repeat(16)}${']'.repeat(16)}}`, 'must not be nested deeper than 16 levels'],
    ['no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'must be UTF-8'],
  ])('refuses a payload with %s', (_name, payload, demand) => {
    expect(parseKeyEvent(withPayload(payload))).toEqual(ofEvent('payload', demand))
  })

  const [header, payload, signature] = parts(GOOD)
  it.each([
    ['an empty text', '', 'text', 'must have three parts separated by dots: header.payload.signature'],
    [
      'a text without a signature',
      `${header}.${payload}.`,
      'text',
      'must have three parts separated by dots: header.payload.signature',
    ],
    ['four parts', `${GOOD}.AA`, 'text', 'must have three parts separated by dots: header.payload.signature'],
    [
      'padding after the header',
      `${header}=.${payload}.${signature}`,
      'header',
      'must be canonical base64url without padding',
    ],
    [
      'padding after the payload',
      `${header}.${payload}==.${signature}`,
      'payload',
      'must be canonical base64url without padding',
    ],
    ['padding after the signature', `${GOOD}==`, 'signature', 'must be canonical base64url without padding'],
    [
      'unused bits in the last character',
      `${GOOD.slice(0, -1)}${GOOD.endsWith('A') ? 'B' : 'D'}`,
      'signature',
      'must be canonical base64url without padding',
    ],
    [
      'standard base64',
      `${header}.${payload}.${'+/'.repeat(43)}`,
      'signature',
      'must be canonical base64url without padding',
    ],
    ['a line feed at the end', `${GOOD}\n`, 'signature', 'must be canonical base64url without padding'],
    ['a space in front', ` ${GOOD}`, 'header', 'must be canonical base64url without padding'],
    ['a letter that only looks right', GOOD.replace('e', 'е'), 'header', 'must be canonical base64url without padding'],
  ])('refuses %s', (_name, text, part, demand) => {
    expect(parseKeyEvent(text)).toEqual(ofEvent(part, demand))
  })

  it('accepts a text of exactly 8 KiB, and refuses a text of one byte more or of 64 KiB', () => {
    const [head, body] = parts(ofSize(8192))
    expect(`${head}.${body}.${signature}`.length).toBe(8192)
    expect(parseKeyEvent(`${head}.${body}.${signature}`)).toMatchObject({ ok: true })
    for (const size of [8193, 65_536, 1_000_000]) {
      expect(parseKeyEvent(GOOD.padEnd(size, 'A'))).toEqual(ofEvent('text', 'must have at most 8192 bytes'))
    }
  })
})

describe('a recorded inception', () => {
  const claims = { ...CLAIMS, recorded: true }
  const unsigned = (payload: object | string, rest = '') => `${RECORDED.split('.')[0]}.${encode(payload)}.${rest}`

  it('is the same text for the same agent, without a signature and with fixed order of members', () => {
    const { kty, crv, x } = key.jwk
    expect(recordedInception({ did, key: { x, crv, kty }, iat: NOW })).toBe(RECORDED)
    const [head, body, signature] = parts(RECORDED)
    expect(Buffer.from(head, 'base64url').toString()).toBe('{"alg":"none","typ":"auth4agent-key-event+jwt"}')
    expect(Buffer.from(body, 'base64url').toString()).toBe(
      `{"type":"inception","did":"${did}","seq":0,"iat":${NOW},"key":{"kty":"OKP","crv":"Ed25519","x":"${x}"},"recorded":true}`,
    )
    expect(signature).toBe('')
  })

  it('is read without key id and signature', () => {
    const empty = new Uint8Array()
    const unsignedPart = { kid: '', alg: 'none', signingInput: empty, signature: empty }
    expect(parseKeyEvent(RECORDED)).toMatchObject({ ok: true, claims, ...unsignedPart, text: RECORDED })
  })

  const ORDER = 'a recorded inception must be the text that recordedInception returns'
  const SIGNED = 'an inception with recorded: true, and no other event, must be without a signature'
  it.each([
    ['a signed event that says recorded', eventOf(key, claims), malformed(SIGNED)],
    ['an unsigned inception that does not say recorded', unsigned(CLAIMS), malformed(SIGNED)],
    [
      'an unsigned deactivate',
      unsigned({ type: 'deactivate', did, seq: 1, iat: NOW, prev: key.kid }),
      malformed(SIGNED),
    ],
    ['recorded: false', unsigned({ ...CLAIMS, recorded: false }), malformed('recorded must be true or left out')],
    [
      'next',
      unsigned({ ...claims, next: p256Key('next').kid }),
      malformed('a recorded inception must not have the claim next'),
    ],
    ['another order of members', unsigned({ recorded: true, ...CLAIMS }), malformed(ORDER)],
    ['white space', unsigned(JSON.stringify(claims, null, 1)), malformed(ORDER)],
    ['an escape', unsigned(JSON.stringify(claims).replace('acme', '\\u0061cme')), malformed(ORDER)],
    ['iat as 1.8e9', unsigned(JSON.stringify(claims).replace(String(NOW), '1.8e9')), malformed(ORDER)],
    [
      'a signature',
      unsigned(claims, encode(Buffer.alloc(64))),
      ofEvent('text', 'must have three parts separated by dots: header.payload.signature'),
    ],
    ['a fourth part', unsigned(claims, '.'), ofEvent('payload', 'must be canonical base64url without padding')],
    ['no payload', unsigned(''), ofEvent('payload', 'must be JSON')],
    ['padding', RECORDED.replace(/\.$/, '=.'), ofEvent('payload', 'must be canonical base64url without padding')],
    ['a payload that is an array', unsigned('[]'), ofEvent('payload', 'must be a JSON object')],
    [
      'a text of 8,193 bytes',
      `${RECORDED.slice(0, -1).padEnd(8192, 'A')}.`,
      ofEvent('text', 'must have at most 8192 bytes'),
    ],
    [
      'a header with another order',
      RECORDED.replace(parts(RECORDED)[0], encode({ typ: KEY_EVENT_TYPE, alg: 'none' })),
      ofEvent('text', 'must have three parts separated by dots: header.payload.signature'),
    ],
  ])('is refused with %s', (_name, text, refusal) => {
    expect(parseKeyEvent(text)).toEqual(refusal)
  })

  it('is refused as a JWS with a kid that its own key has signed', () => {
    const text = signAsIs(key, { alg: 'none', typ: KEY_EVENT_TYPE, kid: key.kid }, claims)
    expect(parseKeyEvent(text)).toEqual(ofEvent('header', 'must have the alg EdDSA or Ed25519'))
  })
})
