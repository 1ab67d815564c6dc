import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import type { JsonValue } from '@bufbuild/protobuf'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'

/** The values of one field that are wrong although their type is right, and values that are just accepted. */
export interface FieldRow {
  /** The reason when the field is absent, null or empty; undefined if that is allowed. */
  readonly absent?: ReasonCode
  /** Wrong values by name, each with its reason. */
  readonly wrong?: Readonly<Record<string, readonly [JsonValue, ReasonCode]>>
  /** Values at a limit that are accepted, by name. */
  readonly fits?: Readonly<Record<string, JsonValue>>
}

/** Returns a text of this many characters. */
export const text = (length: number) => 'a'.repeat(length)
/** Returns this many different texts with the same prefix. */
export const many = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

/** Returns a row for names in paths. Longer names would not fit into the assertion, which contains the path. */
export const named = (reason: ReasonCode): FieldRow => ({ wrong: { 'has 1500 characters': [text(1500), reason] } })
/** The id of the calling operator. */
export const ownId = named('PERMISSION_DENIED')
/** The id of any operator. */
export const anyOperator = named('OPERATOR_NOT_FOUND')
/** The id or the DID of an agent of the calling operator. */
export const ownAgent = named('AGENT_NOT_FOUND')

/** Returns a row for a text with a maximum number of characters. */
export const bounded = (max: number): FieldRow => ({
  wrong: {
    'is one character too long': [text(max + 1), 'INVALID_ARGUMENT'],
    'is one character too long, with two UTF-16 units each': ['😀'.repeat(max + 1), 'INVALID_ARGUMENT'],
    'has a control character': ['a\u0007b', 'INVALID_ARGUMENT'],
    'has a C1 control character': ['a\u0085b', 'INVALID_ARGUMENT'],
  },
  fits: { 'has the maximum length': text(max), 'has the maximum length, with two UTF-16 units each': '😀'.repeat(max) },
})

/** Returns a row for a field that must come together with others. */
export const alone = (value: string): FieldRow => ({
  wrong: { 'comes alone': [value, 'INVALID_ARGUMENT'], 'comes alone with 50 KB': [text(50_000), 'INVALID_ARGUMENT'] },
})

/** The number of entries of a page. */
export const pageSize: FieldRow = {
  wrong: {
    'is negative': ['-1', 'INVALID_ARGUMENT'],
    'is one more than the maximum': ['201', 'INVALID_ARGUMENT'],
    'is the largest integer': ['2147483647', 'INVALID_ARGUMENT'],
    'is the smallest integer': ['-2147483648', 'INVALID_ARGUMENT'],
  },
  fits: { 'is the maximum': '200', 'is zero': '0' },
}
/** The token of the next page. */
export const pageToken = named('INVALID_PAGE_TOKEN')
/** A time in a query. */
export const time: FieldRow = {
  fits: { 'is the first time': '0001-01-01T00:00:00Z', 'is the last time': '9999-12-31T23:59:59Z' },
}

/** The scope of a token. */
export const scope: FieldRow = {
  wrong: {
    'has a token that is too long': [text(129), 'INVALID_SCOPE'],
    'has too many tokens': [many(65, 's').join(' '), 'INVALID_SCOPE'],
    'is a wildcard': ['*', 'INVALID_SCOPE'],
    'has 50 KB': [text(50_000), 'INVALID_SCOPE'],
  },
}
/** The agent that may exchange a token. */
export const mayAct: FieldRow = {
  wrong: {
    'is no DID': ['did:web:acme-operator.com', 'INVALID_ARGUMENT'],
    'is the name of a prototype': ['__proto__', 'INVALID_ARGUMENT'],
    'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
  },
}
/** The audience of a token. */
export const audience: FieldRow = {
  wrong: {
    'has too many entries': [many(9, 'a').map((label) => `${label}.com`), 'INVALID_AUDIENCE'],
    'has an entry that is too long': [[`https://a.com/${text(242)}`], 'INVALID_AUDIENCE'],
    'has an empty entry': [[''], 'INVALID_AUDIENCE'],
  },
}
/** The lifetime of a token. */
export const ttl: FieldRow = {
  wrong: {
    'has 65 characters': [`${'0'.repeat(63)}1m`, 'INVALID_TTL'],
    'has 5000 digits': ['9'.repeat(5000), 'INVALID_TTL'],
    'is negative': ['-60', 'INVALID_TTL'],
  },
}
/** The DID of the agent that wants a token. */
export const did: FieldRow = { absent: 'INVALID_DID', wrong: { 'has 5000 characters': [text(5000), 'INVALID_DID'] } }
/** A public key. */
export const key: FieldRow = {
  absent: 'INVALID_PUBLIC_KEY',
  wrong: {
    'has 31 bytes': [encodeBase64(new Uint8Array(31)), 'INVALID_PUBLIC_KEY'],
    'has 33 bytes': [encodeBase64(new Uint8Array(33)), 'INVALID_PUBLIC_KEY'],
    'has 30000 bytes': [encodeBase64(new Uint8Array(30_000)), 'INVALID_PUBLIC_KEY'],
    'is in hex': [text(64), 'INVALID_PUBLIC_KEY'],
  },
}
