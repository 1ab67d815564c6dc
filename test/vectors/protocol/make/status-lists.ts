import { compact, type Edits, encodePart } from './jws.ts'
import { describe, ISSUER, NOW_S, SIGNING_KEYS, UNPUBLISHED_KEY, type VectorSigningKey } from './parties.ts'
import { signBy } from './token-case.ts'

const { EdDSA, ES256 } = SIGNING_KEYS
const URI = `${ISSUER}/v1/status-lists/7`

/** The lists of section 4.1 of the draft, as ZLIB streams. Other streams are made from these by hand. */
const ONE_BIT = '78dadbb918000217015d'
const TWO_BITS = '78da3be9f2130003df0207'
const STATUSES = {
  one: [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1],
  two: [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3],
} as const
/** A stored block (RFC 1951 section 3.2.4) of the bytes c9 44 f9, as ZLIB. */
const STORED = '7801010300fcffc944f903df0207'

const listOf = (hex: string, bits = 2) => ({ bits, lst: encodePart(Buffer.from(hex, 'hex')) })
const CLAIMS = { sub: URI, iat: NOW_S - 30, exp: NOW_S + 570, ttl: 60, status_list: listOf(TWO_BITS) }

interface Changes {
  readonly header?: Edits
  readonly claims?: Edits
  readonly key?: VectorSigningKey
  /** The JSON text of the payload, in place of the claims. */
  readonly payload?: string
}

/** Makes Status List Tokens, and texts that are refused as such. */
export async function makeStatusLists(): Promise<object> {
  return {
    description: describe(
      'Status lists (draft-ietf-oauth-status-list-21), as a verifier reads them at `now`, with a clock skew of 10 s.',
      'The tokens of `issuer` name the list `uri`. The list is signed with `jwks`.',
      '`accepted`: a list and the statuses of its places, from the first on; the place after them does not exist.',
      '`refused`: a list and what is wrong. No status of it counts.',
    ),
    now: NOW_S,
    issuer: ISSUER,
    uri: URI,
    jwks: {
      keys: [EdDSA, ES256].map(({ publicJwk, alg, kid }) => Object.assign({}, publicJwk, { alg, use: 'sig', kid })),
    },
    accepted: await Promise.all(
      accepted().map(async ([name, statuses, changes]) => ({ name, list: await sign(changes), expect: { statuses } })),
    ),
    refused: await Promise.all(
      refused().map(async ([name, why, changes]) => ({ name, list: await sign(changes), expect: { refused: why } })),
    ),
  }
}

function sign({ header = {}, claims = {}, key = EdDSA, payload }: Changes): Promise<string> {
  const { alg, kid } = key
  return compact({ alg, typ: 'statuslist+jwt', kid, ...header }, payload ?? { ...CLAIMS, ...claims }, signBy(key))
}

const withList = (status_list: unknown): Changes => ({ claims: { status_list } })
const withStream = (hex: string): Changes => withList(listOf(hex))

function accepted(): readonly (readonly [name: string, statuses: readonly number[], changes: Changes])[] {
  const bytes = [0xc9, 0x44, 0xf9]
  const nibbles = bytes.flatMap((byte) => [byte & 15, byte >> 4])
  const { two } = STATUSES
  return [
    ['places of 2 bits', two, {}],
    ['places of 1 bit', STATUSES.one, withList(listOf(ONE_BIT, 1))],
    ['places of 4 bits', nibbles, withList(listOf(TWO_BITS, 4))],
    ['places of 8 bits', bytes, withList(listOf(TWO_BITS, 8))],
    ['a block that is stored and not compressed', two, withStream(STORED)],
    ['the issuer', two, { claims: { iss: ISSUER } }],
    ['neither exp nor ttl', two, { claims: { exp: undefined, ttl: undefined } }],
    ['a ttl with a fraction', two, { claims: { ttl: 0.5 } }],
    ['iat within the clock skew', two, { claims: { iat: NOW_S + 10 } }],
    ['exp in a second', two, { claims: { exp: NOW_S + 1 } }],
    [
      'an aggregation, and unknown members',
      two,
      {
        claims: { note: 1, status_list: { ...listOf(TWO_BITS), aggregation_uri: ISSUER, note: 1 } },
      },
    ],
  ]
}

function refused(): readonly (readonly [name: string, why: string, changes: Changes])[] {
  return [
    ...refusedHeaders(),
    ...refusedClaims(),
    ['no status_list', 'MALFORMED', withList(undefined)],
    ['bits of 3', 'MALFORMED', withList(listOf(TWO_BITS, 3))],
    ['bits as a string', 'MALFORMED', withList({ ...listOf(TWO_BITS), bits: '2' })],
    ['lst with padding', 'MALFORMED', withList({ bits: 2, lst: `${listOf(TWO_BITS).lst}=` })],
    ['lst with trailing bits', 'MALFORMED', withList({ bits: 2, lst: 'eNo76fITAAPfAgd' })],
    ['lst as a list of bytes', 'MALFORMED', withList({ bits: 2, lst: [0xc9, 0x44, 0xf9] })],
    ['a stream without the header of ZLIB', 'COMPRESSION', withStream(TWO_BITS.slice(4, -8))],
    ['a stream of gzip', 'COMPRESSION', withStream('1f8b08000000000000033be9f213003ab1ae3903000000')],
    ['a stream without a checksum', 'COMPRESSION', withStream(TWO_BITS.slice(0, -8))],
    ['a stream with a wrong checksum', 'COMPRESSION', withStream(`${TWO_BITS.slice(0, -2)}08`)],
    ['a byte after the stream', 'COMPRESSION', withStream(`${TWO_BITS}00`)],
    ['the stream twice', 'COMPRESSION', withStream(TWO_BITS + TWO_BITS)],
    ['a stream that is cut off', 'COMPRESSION', withStream(TWO_BITS.slice(0, -10))],
    ['no stream', 'COMPRESSION', withStream('')],
  ]
}

function refusedHeaders(): readonly (readonly [name: string, why: string, changes: Changes])[] {
  return [
    ['typ of an access token', 'MALFORMED', { header: { typ: 'at+jwt' } }],
    ['no typ', 'MALFORMED', { header: { typ: undefined } }],
    ['a key in the header', 'MALFORMED', { header: { jwk: EdDSA.publicJwk } }],
    ['crit', 'MALFORMED', { header: { crit: ['exp'], exp: 1 } }],
    ['alg none', 'ALGORITHM', { header: { alg: 'none' } }],
    ['alg of another key', 'ALGORITHM', { header: { kid: ES256.kid } }],
    ['a key that is not published', 'UNKNOWN_KEY', { key: UNPUBLISHED_KEY }],
    ['the signature of another key', 'SIGNATURE', { key: UNPUBLISHED_KEY, header: { kid: EdDSA.kid } }],
  ]
}

function refusedClaims(): readonly (readonly [name: string, why: string, changes: Changes])[] {
  const twice = JSON.stringify(CLAIMS).replace('"bits":2', '"bits":2,"bits":1')
  return [
    ['another sub', 'SUBJECT', { claims: { sub: `${URI}0` } }],
    ['no sub', 'MALFORMED', { claims: { sub: undefined } }],
    ['another iss', 'ISSUER', { claims: { iss: `${ISSUER}/` } }],
    ['aud', 'MALFORMED', { claims: { aud: ISSUER } }],
    ['no iat', 'MALFORMED', { claims: { iat: undefined } }],
    ['iat with a fraction', 'MALFORMED', { claims: { iat: NOW_S - 0.5 } }],
    ['iat in the future', 'NOT_YET_VALID', { claims: { iat: NOW_S + 11 } }],
    ['nbf in the future', 'NOT_YET_VALID', { claims: { nbf: NOW_S + 11 } }],
    ['nbf as a string', 'MALFORMED', { claims: { nbf: String(NOW_S) } }],
    ['exp with a fraction', 'MALFORMED', { claims: { exp: NOW_S + 0.5 } }],
    ['exp that is now', 'EXPIRED', { claims: { exp: NOW_S } }],
    ['ttl of 0', 'MALFORMED', { claims: { ttl: 0 } }],
    ['a negative ttl', 'MALFORMED', { claims: { ttl: -1 } }],
    ['ttl as a string', 'MALFORMED', { claims: { ttl: '60' } }],
    ['two members of one name', 'MALFORMED', { payload: twice }],
  ]
}
