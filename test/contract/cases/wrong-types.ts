import { type DescField, getOption, hasOption, ScalarType } from '@bufbuild/protobuf'
import { json } from '../../../gen/proto/auth4agent/v1/options_pb.ts'

/** JSON texts that a type refuses. Each is answered with INVALID_ARGUMENT before any other check. */
export type WrongTexts = Readonly<Record<string, string>>

const MIXED = { true: 'true', 'an object': '{}', 'an object with a prototype': '{"__proto__":{"x":1}}' }
const NUMBERS = { 'a number': '7', 'a number beyond a double': '1e999' }

const UNSTORABLE = {
  'a NUL character': String.raw`"a\u0000b"`,
  'half a surrogate pair': String.raw`"a\ud800b"`,
  'the second half of a surrogate pair': String.raw`"\udfff"`,
}

const STRING: WrongTexts = { ...MIXED, ...NUMBERS, ...UNSTORABLE, 'an array': '["a"]' }

const BYTES: WrongTexts = {
  ...MIXED,
  ...NUMBERS,
  'an array of numbers': '[1,2,3]',
  'a text that is not base64': '"!!!!"',
  'white space inside': '"AAAA AAAA"',
  'white space at the end': '"AAAA "',
  'a line end': String.raw`"AAAA\n"`,
  'mixed alphabets': '"+_+_"',
  'one padding character too few': '"AA="',
  'one padding character too many': '"AAA=="',
  'only padding': '"="',
  'padding inside': '"AA==AAAA"',
  'an impossible length': '"A"',
  'trailing bits': '"AB=="',
  'trailing bits without padding': '"AB"',
  'a NUL character': String.raw`"\u0000\u0000\u0000\u0000"`,
}

const BOOL: WrongTexts = {
  'a string': '"true"',
  'the number one': '1',
  'the number zero': '0',
  'an array': '[true]',
  'an object': '{}',
}

const STRUCT: WrongTexts = {
  ...NUMBERS,
  'a string': '"{}"',
  'an array': '[{}]',
  'a member named __proto__': '{"__proto__":{"x":1}}',
  'a nested member named __proto__': '{"a":[{"__proto__":1}]}',
  'a NUL character': String.raw`{"a":"\u0000"}`,
  'a NUL character in a name': String.raw`{"\u0000":1}`,
  'half a surrogate pair': String.raw`{"a":["\ud800"]}`,
  'a nested number beyond a double': '{"a":1e999}',
  '40 nested objects': `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`,
  '5000 nested arrays': `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`,
}

const MESSAGE: WrongTexts = { ...NUMBERS, 'a string': '"{}"', true: 'true', 'an array': '[]' }

const INTEGER: WrongTexts = {
  ...MIXED,
  'a string': '"1"',
  'a fraction': '1.5',
  'more than 32 bits': '2147483648',
  'fewer than 32 bits': '-2147483649',
  'a number beyond a double': '1e999',
  'an array': '[1]',
}

/** Texts in a query or a path that a type refuses. */
const INT32: WrongTexts = {
  'a word': 'ten',
  'a fraction': '1.5',
  'an exponent': '1e2',
  'a hex number': '0x10',
  'more than 32 bits': '2147483648',
  'fewer than 32 bits': '-2147483649',
  'twenty digits': '9'.repeat(20),
  'an empty text': '',
  'white space': '%201',
  'a plus sign': '%2B1',
  'a NUL character': '1%00',
}

const UINT64: WrongTexts = {
  ...without(INT32, ['more than 32 bits', 'fewer than 32 bits']),
  'more than 64 bits': '18446744073709551616',
  'a negative number': '-1',
}

const TIMESTAMP: WrongTexts = {
  'a word': 'now',
  'an empty text': '',
  'a date without a time': '2026-01-15',
  'Unix seconds': '1768473000',
  'a time without a zone': '2026-01-15T10:30:00',
  'a time in another zone': '2026-01-15T10:30:00%2B01:00',
  'month 13': '2026-13-01T00:00:00Z',
  '30 February': '2026-02-30T00:00:00Z',
  'hour 24': '2026-01-15T24:00:00Z',
  'a leap second': '2026-01-15T10:30:60Z',
  'ten decimals': '2026-01-15T10:30:00.1234567890Z',
  'a year of five digits': '12026-01-15T10:30:00Z',
}

const TEXT: WrongTexts = {
  'a NUL character': 'a%00b',
  'bytes that are not UTF-8': '%ff%fe',
  'half a surrogate pair': '%ED%A0%80',
  'an over-long encoding': '%C0%AF',
  'a bare percent sign': '%',
  'an escape that is cut off': '%4',
  'an escape that is not hex': '%zz',
}

/** Returns the JSON texts that a field refuses. */
export function wrongJson(field: DescField): WrongTexts {
  const rule = hasOption(field, json) ? getOption(field, json) : undefined
  const single = without(singular(field), rule?.acceptNumber === true ? ['a number'] : [])
  if (field.fieldKind !== 'list') return single
  const elements = Object.entries(single).map(([name, text]) => [`an array with ${name}`, `[${text}]`])
  const lists = { 'an array with null': '[null]', 'an array in an array': '[[]]' }
  const alone =
    rule?.acceptSingle === true ? without(single, ['an array']) : { ...MIXED, ...NUMBERS, 'a string': '"a"' }
  return { ...alone, ...lists, ...Object.fromEntries(elements) }
}

/** Returns the percent-encoded texts in a query or path that a field refuses. */
export function wrongText(field: DescField): WrongTexts {
  if (field.message?.typeName === 'google.protobuf.Timestamp') return TIMESTAMP
  if (field.scalar === ScalarType.UINT64) return UINT64
  return field.scalar === ScalarType.INT32 ? INT32 : TEXT
}

/**
 * Returns the percent-encoded texts in a form that a field refuses. A field that is not a text is no parameter, so the
 * server ignores it.
 */
export function wrongParameter({ scalar, name, fieldKind }: DescField): WrongTexts {
  if (scalar !== ScalarType.STRING) return {}
  const twice = { 'given twice': `x&${name}=x`, 'given twice, once empty': `x&${name}=` }
  return fieldKind === 'list' ? TEXT : { ...TEXT, ...twice }
}

function singular(field: DescField): WrongTexts {
  if (field.message !== undefined) return field.message.typeName === 'google.protobuf.Struct' ? STRUCT : MESSAGE
  if (field.scalar === ScalarType.STRING) return STRING
  if (field.scalar === ScalarType.BYTES) return BYTES
  if (field.scalar === ScalarType.BOOL) return BOOL
  if (field.scalar === ScalarType.INT32) return INTEGER
  throw new Error(`Wrong values are missing for the type of ${field.toString()}`)
}

function without(texts: WrongTexts, names: readonly string[]): WrongTexts {
  return Object.fromEntries(Object.entries(texts).filter(([name]) => !names.includes(name)))
}
