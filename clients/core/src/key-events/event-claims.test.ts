import { describe, expect, it } from 'vitest'
import { didOf, identityKey, p256Key } from '../../../../test/support/key-events.ts'
import { KEY_EVENT_TYPES, type KeyEventType, readClaims } from './event-claims.ts'

const [key, other, p256] = [identityKey('first'), identityKey('other'), p256Key('added')]
const prev = 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'
const common = { did: didOf(key), seq: 1, iat: 1_800_000_000 }
const following = { ...common, prev }
const move = { to: didOf(key, 'other.example'), operator_id: '11111111-1111-8111-8111-111111111111' }

/** An event of each type with every claim that it may have. */
const GOOD: Readonly<Record<KeyEventType, Readonly<Record<string, unknown>>>> = {
  inception: { type: 'inception', ...common, seq: 0, key: key.jwk, next: other.kid },
  rotate: { type: 'rotate', ...following, key: key.jwk, next: other.kid, proof: 'a.b.c' },
  recover: { type: 'recover', ...following, key: key.jwk, next: other.kid },
  'add-key': { type: 'add-key', ...following, key: p256.jwk, label: 'TPM', exp: 1_800_003_600, proof: 'a.b.c' },
  'remove-key': { type: 'remove-key', ...following, kid: p256.kid },
  deactivate: { type: 'deactivate', ...following, key: key.jwk, proof: 'a.b.c' },
  move: { type: 'move', ...following, ...move, issuer: 'https://auth.example.net', key: key.jwk, proof: 'a.b.c' },
}
const OPTIONAL: Readonly<Partial<Record<KeyEventType, readonly string[]>>> = {
  inception: ['next'],
  rotate: ['next'],
  recover: ['next'],
  deactivate: ['key', 'proof'],
  move: ['key', 'proof'],
}

const without = (claims: object, ...names: readonly string[]) =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)))
const isOptional = (type: KeyEventType, name: string) => OPTIONAL[type]?.includes(name) ?? false
const malformed = (demand: unknown) => ({ ok: false, why: 'malformed', demand })
const NAMES = [...new Set(Object.values(GOOD).flatMap((claims) => Object.keys(claims))), 'recorded']

describe('readClaims', () => {
  it.each(KEY_EVENT_TYPES)('reads every claim of the type %s', (type) => {
    const { operator_id: operatorId, ...claims } = GOOD[type]
    const more = { ...(type === 'move' && { operatorId }), ...(type === 'inception' && { recorded: false }) }
    expect(readClaims(GOOD[type])).toEqual({ ok: true, value: { ...claims, ...more } })
  })

  it.each(KEY_EVENT_TYPES)('reads the type %s without its optional claims', (type) => {
    expect(readClaims(without(GOOD[type], ...(OPTIONAL[type] ?? [])))).toMatchObject({ ok: true, value: { type } })
  })

  it.each([
    ['a recorded inception', { ...without(GOOD.inception, 'next'), recorded: true }],
    ['an added Ed25519 key', { ...GOOD['add-key'], key: key.jwk }],
    ['seq as large as it may be', { ...GOOD.deactivate, seq: 1_000_000 }],
    ['the last second of the year 9999', { ...GOOD.deactivate, iat: 253_402_300_799 }],
    ['the claims in another order', Object.fromEntries(Object.entries(GOOD.move).toReversed())],
    ['an issuer with port and path', { ...GOOD.move, issuer: 'http://127.0.0.1:8080/a/b' }],
    ['an issuer over plain http on localhost', { ...GOOD.move, issuer: 'http://localhost:8080' }],
    ['an issuer with an IPv6 address', { ...GOOD.move, issuer: 'http://[::1]:8080' }],
    ['an issuer of 255 characters', { ...GOOD.move, issuer: 'https://a.example/'.padEnd(255, 'a') }],
  ])('accepts %s', (_name, claims) => {
    expect(readClaims(claims)).toMatchObject({ ok: true })
  })

  it.each([
    '',
    'Inception',
    'ROTATE',
    'rotate ',
    'constructor',
    '__proto__',
    'revoke',
    1,
    null,
    undefined,
    ['rotate'],
    {},
  ])('refuses the type %j', (type) => {
    expect(readClaims({ ...GOOD.rotate, type })).toEqual(
      malformed(expect.stringMatching(/^type must be one of inception, /)),
    )
  })

  const required = KEY_EVENT_TYPES.flatMap((type) =>
    Object.keys(GOOD[type]).flatMap((name) =>
      name === 'type' || isOptional(type, name) ? [] : [[type, name] as const],
    ),
  )
  it.each(required)('refuses the type %s without the claim %s', (type, name) => {
    expect(readClaims(without(GOOD[type], name))).toEqual(malformed(`an event ${type} must have the claim ${name}`))
  })

  const foreign = KEY_EVENT_TYPES.flatMap((type) =>
    [...NAMES, 'aud', 'jti', 'constructor', 'toString', 'hasOwnProperty', 'Did', 'did '].flatMap((name) =>
      Object.hasOwn(GOOD[type], name) || (type === 'inception' && name === 'recorded') ? [] : [[type, name] as const],
    ),
  )
  it.each(foreign)('refuses the type %s with the claim %s', (type, name) => {
    const value = Object.values(GOOD).find((claims) => Object.hasOwn(claims, name))?.[name] ?? 1
    const demand = new RegExp(`^an event ${type} must have only the claims type, did, seq, iat`)
    expect(readClaims({ ...GOOD[type], [name]: value })).toEqual(malformed(expect.stringMatching(demand)))
  })

  it.each([
    ['inception', { ...GOOD.inception, recorded: true }, 'a recorded inception must not have the claim next'],
    ['deactivate', without(GOOD.deactivate, 'key'), 'an event deactivate must have both key and proof, or neither'],
    ['deactivate', without(GOOD.deactivate, 'proof'), 'an event deactivate must have both key and proof, or neither'],
    ['move', without(GOOD.move, 'key'), 'an event move must have both key and proof, or neither'],
    ['move', without(GOOD.move, 'proof'), 'an event move must have both key and proof, or neither'],
  ])('refuses claims of the type %s that do not go together', (_type, claims, demand) => {
    expect(readClaims(claims)).toEqual(malformed(demand))
  })
})

const NOT_TEXT = ['', 1, true, null, undefined, ['a'], {}]
const WRONG_KEYS: readonly unknown[] = [
  ...NOT_TEXT,
  key.kid,
  [key.jwk],
  { ...key.jwk, kid: key.kid },
  { ...key.jwk, d: key.jwk.x },
  { ...key.jwk, kty: 'okp' },
  { ...key.jwk, crv: 'X25519' },
  { ...key.jwk, crv: 'Ed448' },
  { ...key.jwk, x: `${key.jwk.x}=` },
  { ...key.jwk, x: key.jwk.x.slice(1) },
  { ...key.jwk, x: `${key.jwk.x}A` },
  { kty: 'OKP', crv: 'Ed25519' },
  { ...p256.jwk, crv: 'P-384' },
  { ...p256.jwk, y: p256.jwk.y.slice(1) },
  without(p256.jwk, 'y'),
  { kty: 'RSA', n: Buffer.alloc(256, 0xff).toString('base64url'), e: 'AQAB' },
  { kty: 'oct', k: key.jwk.x },
]
const WRONG_TIMES = [0, -1, 1.5, '1800000000', null, undefined, Number.NaN, Infinity, 253_402_300_800, [1], {}]
const WRONG_DIGESTS = [
  ...NOT_TEXT,
  prev.slice(1),
  `${prev}A`,
  `${prev}=`,
  prev.replace('_', '/'),
  `${prev.slice(0, -1)}1`,
  ` ${prev}`,
]
const WRONG_ISSUERS = [
  ...NOT_TEXT,
  'https://auth.example.net/a b',
  'https://auth.example.net\n',
  'https://a.example/'.padEnd(256, 'a'),
].concat(
  'auth.example.net ftp://auth.example.net https:// https://auth.example.net/ HTTPS://auth.example.net'.split(' '),
  'https://Auth.example.net https://auth.example.net?a https://auth.example.net#a https://me@auth.example'.split(' '),
  'https://auth.example.net//a https://ä.example https://auth.example.net/a/'.split(' '),
  'http://auth.example.net http://localhost.example http://127.0.0.1.example http://0.0.0.0 http://[::2]'.split(' '),
)

/** Values that each claim refuses, in every type that has the claim. */
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  did: [...NOT_TEXT, 'did:web:acme.example', didOf(key).toUpperCase(), `${didOf(key)}#key`, `${didOf(key)}\n`],
  seq: [-1, 1.5, '1', null, undefined, 1_000_001, 2 ** 53, Number.NaN, [1], {}],
  iat: WRONG_TIMES,
  exp: WRONG_TIMES,
  prev: WRONG_DIGESTS,
  next: WRONG_DIGESTS,
  kid: WRONG_DIGESTS,
  key: WRONG_KEYS,
  proof: [...NOT_TEXT, 'a'.repeat(4097)],
  label: [...NOT_TEXT, ' a', 'a\u202e', 'a\u0000', 'x'.repeat(101)],
  to: [...NOT_TEXT, 'did:web:acme.example', 'acme.example'],
  operator_id: [...NOT_TEXT, 'acme.example', move.operator_id.toUpperCase().replace('1', 'A'), `{${move.operator_id}}`],
  issuer: WRONG_ISSUERS,
  recorded: [false, 'true', 1, null, undefined],
}

describe('readClaims, about one claim', () => {
  it.each(Object.keys(WRONG))('refuses wrong values of the claim %s in every type that has it', (name) => {
    const types = KEY_EVENT_TYPES.filter(
      (type) => Object.hasOwn(GOOD[type], name) || (type === 'inception' && name === 'recorded'),
    )
    expect(types).not.toEqual([])
    for (const type of types) {
      for (const value of WRONG[name] ?? []) {
        const read = readClaims({ ...GOOD[type], [name]: value })
        expect([type, value, read]).toEqual([
          type,
          value,
          malformed(expect.stringMatching(new RegExp(`^${name} must be `))),
        ])
      }
    }
  })

  it.each(['inception', 'rotate', 'recover', 'deactivate', 'move'] as const)(
    'refuses a P-256 key as identity key in %s',
    (type) => {
      const demand = 'key must be a public JWK of Ed25519 with only kty, crv and x'
      expect(readClaims({ ...GOOD[type], key: p256.jwk })).toEqual(malformed(demand))
    },
  )
})
