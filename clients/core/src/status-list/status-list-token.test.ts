import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { knownKeyOf } from '../../../../test/support/access-tokens.ts'
import { ISSUER, NOW_S } from '../../../../test/support/assertions.ts'
import {
  type StatusListChange,
  type StatusRow,
  statusBytes,
  statusListToken,
} from '../../../../test/support/status-list-tokens.ts'
import { signBytes } from '../../../../test/support/token-keys.ts'
import { WRONG_TIMES } from '../../../../test/support/wrong-times.ts'
import { encodeBase64url } from '../encoding/base64.ts'
import { TOKEN_ALGORITHMS } from '../keys/token-algorithms.ts'
import { readStatusListToken, type StatusListRules } from './status-list-token.ts'

const URI = `${ISSUER}/v1/status-lists/1`
const { key, entry } = knownKeyOf('EdDSA')
const RULES: StatusListRules = {
  uri: URI,
  issuer: ISSUER,
  algs: TOKEN_ALGORITHMS,
  findKey: (kid) => (kid === entry.kid ? entry : undefined),
  nowS: () => NOW_S,
  skewS: 10,
}

const refuseAll = () => false
const read = (change: StatusListChange = {}, rules: Partial<StatusListRules> = {}) =>
  readStatusListToken(statusListToken(key, URI, change), { ...RULES, ...rules })
async function fault(change: StatusListChange, rules?: Partial<StatusListRules>): Promise<string> {
  const result = await read(change, rules)
  return result.ok ? 'OK' : result.why
}
async function statusesOf(change: StatusListChange, places: readonly number[]) {
  const result = await read(change)
  if (!result.ok) throw new Error(result.why)
  return places.map((idx) => result.list.statusAt(idx))
}

/** The texts of section 4.1 of the draft: each status, in order of places. */
const EXAMPLES: readonly (readonly [bits: number, compressed: string, statuses: readonly number[]])[] = [
  [1, '78dadbb918000217015d', [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]],
  [2, '78da3be9f2130003df0207', [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]],
]

/** The test vectors of the draft's appendix: lists of 2^20 places, of which these are not 0. */
const VECTORS: readonly (readonly [bits: number, rows: readonly StatusRow[]])[] = [
  [1, [0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345].map((idx) => [idx, 1])],
  [
    2,
    [
      ...([0, 25460, 495669, 554353, 723232, 854545].map((idx) => [idx, 1]) as StatusRow[]),
      ...([1993, 645645, 934534].map((idx) => [idx, 2]) as StatusRow[]),
      ...([159495, 1000345].map((idx) => [idx, 3]) as StatusRow[]),
    ],
  ],
  [
    4,
    [
      0, 1993, 35460, 459495, 595669, 754353, 845645, 923232, 924445, 934534, 1004534, 1000345, 1030203, 1030204,
      1030205,
    ].map((idx, at) => [idx, at + 1]),
  ],
  [8, Array.from({ length: 256 }, (_, status) => [status * 4_091, status])],
]

describe('readStatusListToken', () => {
  it.each(EXAMPLES)('reads the example of %i bits', async (_bits, compressed, statuses) => {
    const list = { bits: _bits, lst: encodeBase64url(Buffer.from(compressed, 'hex')) }
    expect(await statusesOf({ list }, [...statuses.keys(), statuses.length])).toEqual([...statuses, undefined])
  })

  it.each(VECTORS)('reads the vector of %i bits', async (bits, rows) => {
    const size = 2 ** 20
    const others = rows.flatMap(([idx]) => [idx - 1, idx + 1]).filter((idx) => rows.every(([each]) => each !== idx))
    const places = [...rows.map(([idx]) => idx), ...others]
    const expected = [
      ...rows.map(([, status]) => status),
      ...others.map((idx) => (idx < 0 || idx >= size ? undefined : 0)),
    ]
    expect(await statusesOf({ bits, size, rows }, places)).toEqual(expected)
    expect(await read({ bits, size, rows })).toMatchObject({ list: { size } })
  })

  it.each([-1, 0.5, 1_024, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32])('has no place %d', async (idx) => {
    expect(await statusesOf({}, [0, 1_023, idx])).toEqual([0, 0, undefined])
  })

  it.each(TOKEN_ALGORITHMS)('verifies a list that is signed with %s', async (alg) => {
    const { key: other, entry: known } = knownKeyOf(alg)
    const text = statusListToken(other, URI, { rows: [[3, 1]] })
    const result = await readStatusListToken(text, { ...RULES, findKey: async () => known })
    expect(result).toMatchObject({ ok: true, list: { iat: NOW_S, exp: NOW_S + 120, ttlS: 60, key: known } })
  })

  it('reads a list that says neither how long it counts nor whose it is', async () => {
    const result = await read({ claims: { exp: undefined, ttl: undefined, other: 1 }, list: { aggregation_uri: 'x' } })
    expect(result).toMatchObject({ ok: true, list: { exp: Number.POSITIVE_INFINITY, ttlS: Number.POSITIVE_INFINITY } })
  })

  it.each<[string, string, StatusListChange]>([
    ['the issuer of the tokens', 'OK', { claims: { iss: ISSUER } }],
    ['a time of issue that the clock skew allows', 'OK', { claims: { iat: NOW_S + 10 } }],
    ['an end in a second', 'OK', { claims: { exp: NOW_S + 1 } }],
    ['a time to live of half a second', 'OK', { claims: { ttl: 0.5 } }],
    ['another typ', 'MALFORMED', { header: { typ: 'at+jwt' } }],
    ['no typ', 'MALFORMED', { header: { typ: undefined } }],
    ['the typ with application/', 'MALFORMED', { header: { typ: 'application/statuslist+jwt' } }],
    ['a critical header', 'MALFORMED', { header: { crit: ['exp'] } }],
    ['a key in the header', 'MALFORMED', { header: { jwk: key.jwk } }],
    ['the alg none', 'ALGORITHM', { header: { alg: 'none' } }],
    ['a MAC', 'ALGORITHM', { header: { alg: 'HS256' } }],
    ['another algorithm than that of the key', 'ALGORITHM', { header: { alg: 'Ed25519' } }],
    ['an unknown key', 'UNKNOWN_KEY', { header: { kid: 'other' } }],
    ['no key id', 'MALFORMED', { header: { kid: undefined } }],
    ['another list', 'SUBJECT', { claims: { sub: `${URI}0` } }],
    ['another case of its address', 'SUBJECT', { claims: { sub: URI.toUpperCase() } }],
    ['no subject', 'MALFORMED', { claims: { sub: undefined } }],
    ['a subject that is a list', 'MALFORMED', { claims: { sub: [URI] } }],
    ['another issuer', 'ISSUER', { claims: { iss: 'https://other.example' } }],
    ['an issuer that is no text', 'MALFORMED', { claims: { iss: null } }],
    ['an audience', 'MALFORMED', { claims: { aud: ISSUER } }],
    ['no time of issue', 'MALFORMED', { claims: { iat: undefined } }],
    ['a time of issue in the future', 'NOT_YET_VALID', { claims: { iat: NOW_S + 11 } }],
    ['a beginning in the future', 'NOT_YET_VALID', { claims: { nbf: NOW_S + 11 } }],
    ['an end that is now', 'EXPIRED', { claims: { exp: NOW_S } }],
    ['a time to live of 0', 'MALFORMED', { claims: { ttl: 0 } }],
    ['a negative time to live', 'MALFORMED', { claims: { ttl: -60 } }],
    ['a time to live that is a text', 'MALFORMED', { claims: { ttl: '60' } }],
    ['a time to live that is null', 'MALFORMED', { claims: { ttl: null } }],
    ['no list', 'MALFORMED', { claims: { status_list: undefined } }],
    ['a list that is an array', 'MALFORMED', { claims: { status_list: [] } }],
    ['3 bits', 'MALFORMED', { list: { bits: 3 } }],
    ['0 bits', 'MALFORMED', { list: { bits: 0 } }],
    ['16 bits', 'MALFORMED', { list: { bits: 16 } }],
    ['bits that are a text', 'MALFORMED', { list: { bits: '2' } }],
    ['no bits', 'MALFORMED', { list: { bits: undefined } }],
    ['no bytes', 'MALFORMED', { list: { lst: undefined } }],
    ['bytes that are a list', 'MALFORMED', { list: { lst: [1, 2] } }],
  ])('with %s: %s', async (_name, expected, change) => {
    expect(await fault(change)).toBe(expected)
  })

  it.each(['iat', 'nbf', 'exp'].flatMap((claim) => WRONG_TIMES.map(([name, value]) => [claim, name, value] as const)))(
    'with %s that is %s: MALFORMED',
    async (claim, _name, value) => {
      expect(await fault({ claims: { [claim]: value } })).toBe('MALFORMED')
    },
  )

  const bytes = statusBytes(2, 1_024, [[7, 1]])
  const good = deflateSync(bytes)
  const corrupted = Buffer.from(good)
  corrupted[corrupted.length - 1] = (corrupted.at(-1) ?? 0) ^ 1
  it.each<[string, string, Uint8Array]>([
    ['ZLIB', 'OK', good],
    ['ZLIB without compression', 'OK', deflateSync(bytes, { level: 0 })],
    ['exactly 1 MiB', 'OK', deflateSync(new Uint8Array(1_048_576))],
    ['1 MiB and a byte', 'TOO_LARGE', deflateSync(new Uint8Array(1_048_577))],
    ['300 MB of zeros', 'TOO_LARGE', deflateSync(new Uint8Array(300_000_000))],
    ['raw DEFLATE', 'COMPRESSION', deflateRawSync(bytes)],
    ['gzip', 'COMPRESSION', gzipSync(bytes)],
    ['no compression at all', 'COMPRESSION', bytes],
    ['nothing', 'COMPRESSION', new Uint8Array()],
    ['a wrong checksum', 'COMPRESSION', corrupted],
    ['no checksum', 'COMPRESSION', good.subarray(0, -4)],
    ['a stream that is cut off', 'COMPRESSION', good.subarray(0, -1)],
    ['a byte after the stream', 'COMPRESSION', Buffer.concat([good, Buffer.of(0)])],
    ['the checksum twice', 'COMPRESSION', Buffer.concat([good, good.subarray(-4)])],
    ['two streams', 'COMPRESSION', Buffer.concat([good, good])],
    ['a preset dictionary', 'COMPRESSION', deflateSync(bytes, { dictionary: Buffer.from(bytes) })],
  ])('with a list that is %s: %s', async (_name, expected, compressed) => {
    expect(await fault({ list: { lst: encodeBase64url(compressed) } })).toBe(expected)
  })

  it.each([
    ['padding', `${encodeBase64url(deflateSync(bytes))}=`],
    ['standard base64', deflateSync(Buffer.alloc(64, 255), { level: 0 }).toString('base64')],
    ['a line end', `${encodeBase64url(deflateSync(bytes))}\n`],
  ])('refuses a list with %s', async (_name, lst) => {
    expect(lst).toMatch(/[=+/\n]/)
    expect(await fault({ list: { lst } })).toBe('MALFORMED')
  })

  it('refuses a list with two members of one name, although the signature is right', async () => {
    const [header = '', payload = ''] = statusListToken(key, URI).split('.')
    const resign = (json: string) => {
      const input = `${header}.${encodeBase64url(Buffer.from(json))}`
      const signature = encodeBase64url(signBytes(key.alg, key.privateKey, Buffer.from(input)))
      return readStatusListToken(`${input}.${signature}`, RULES)
    }
    const json = Buffer.from(payload, 'base64url').toString()
    expect(await resign(json)).toMatchObject({ ok: true })
    expect(await resign(json.replace('"bits":2', '"bits":2,"bits":1'))).toEqual({ ok: false, why: 'MALFORMED' })
    expect(await resign(json.replace('"ttl":60', '"ttl":60,"ttl":61'))).toEqual({ ok: false, why: 'MALFORMED' })
    expect(await resign('[]')).toEqual({ ok: false, why: 'MALFORMED' })
  })

  it('does not read the payload before the signature was verified', async () => {
    const text = statusListToken(key, URI, { claims: { sub: 1 } })
    const result = await readStatusListToken(text, { ...RULES, findKey: () => ({ ...entry, verify: refuseAll }) })
    expect(result).toEqual({ ok: false, why: 'SIGNATURE' })
  })

  it.each([
    ['a changed list', (text: string) => text.replace(/\.([^.]{20})/, (_, start: string) => `.${start.slice(0, 19)}A`)],
    ['no signature', (text: string) => text.replace(/[^.]+$/, '')],
    ['the signature of another key', () => statusListToken(knownKeyOf('EdDSA').key, URI, { header: { kid: key.kid } })],
  ])('refuses %s', async (_name, change) => {
    const result = await readStatusListToken(change(statusListToken(key, URI)), RULES)
    expect(result).toMatchObject({ ok: false, why: expect.stringMatching(/^(?:SIGNATURE|MALFORMED)$/) })
  })
})
