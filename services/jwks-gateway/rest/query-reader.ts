import { type DescField, ScalarType } from '@bufbuild/protobuf'
import { ApiError } from '../../platform/errors/api-error.ts'
import { assignField } from './json-reader.ts'
import { invalid, unknownField, wrongType } from './json-refusal.ts'
import { readBytes, readTimestamp } from './json-values.ts'

/** Reads a value from text: a path segment or a query parameter. Throws INVALID_ARGUMENT. */
export type ReadText = (text: string, at: string) => unknown

/** Sets fields of a message from the text of a query string. Throws INVALID_ARGUMENT or UNKNOWN_FIELD. */
export type QueryReader = (message: object, query: string) => void

interface QueryField {
  readonly field: DescField
  readonly read: ReadText
  /** Whether the path has already set the field. */
  readonly isBound: boolean
}

/**
 * Compiles the reader for query parameters. The reader accepts snake_case and lowerCamel names, and converts each
 * value to the type of its field. It throws UNKNOWN_FIELD for an unknown parameter, and INVALID_ARGUMENT if a
 * parameter occurs twice but its field is not a list. `open` are the fields that the query may set. `bound` are the
 * fields that the path has set; the query may only repeat their values.
 */
export function compileQueryReader(open: readonly DescField[], bound: readonly DescField[]): QueryReader {
  const fields = new Map<string, QueryField>()
  for (const field of [...bound, ...open]) {
    const read = textReader(field)
    if (read === undefined) continue
    const known = { field, read, isBound: bound.includes(field) }
    fields.set(field.jsonName, known)
    fields.set(field.name, known)
  }
  const known = Array.from(fields.values(), ({ field }) => field)
  return (target, query) => {
    const seen = new Set<DescField>()
    for (const pair of query.split('&')) {
      if (pair === '') continue
      const cut = pair.indexOf('=')
      const name = decode(cut < 0 ? pair : pair.slice(0, cut))
      const found = fields.get(name)
      if (found === undefined) throw unknownField('query parameter', name, name, known)
      setParameter(target, found, found.read(cut < 0 ? '' : decode(pair.slice(cut + 1)), name), seen)
    }
  }
}

function setParameter(target: object, { field, isBound }: QueryField, value: unknown, seen: Set<DescField>): void {
  const current = (target as Readonly<Record<string, unknown>>)[field.localName]
  if (Array.isArray(current)) {
    current.push(value)
    return
  }
  if (seen.has(field)) throw invalid(field.name, 'must not occur more than once in the query')
  // The caller cannot mean two different values.
  if (isBound && current !== value) throw invalid(field.name, 'must be the same in path and query')
  seen.add(field)
  assignField(target, field, value)
}

/** Returns the function that reads a field from text, or undefined if text cannot represent the field. */
export function textReader(field: DescField): ReadText | undefined {
  if (field.message?.typeName === 'google.protobuf.Timestamp') return readTimestamp
  if (field.fieldKind === 'map' || field.oneof !== undefined) return undefined
  return field.scalar === undefined ? undefined : SCALARS[field.scalar]
}

const SCALARS: Partial<Record<ScalarType, ReadText>> = {
  [ScalarType.STRING]: (text) => text,
  [ScalarType.BOOL]: readBoolText,
  [ScalarType.INT32]: (text, at) => Number(readInteger(text, at, 32)),
  [ScalarType.INT64]: (text, at) => readInteger(text, at, 64),
  [ScalarType.UINT64]: readUnsigned,
  [ScalarType.BYTES]: readBytes,
}

function readBoolText(text: string, at: string): boolean {
  if (text !== 'true' && text !== 'false') throw wrongType(at, 'true or false')
  return text === 'true'
}

function readInteger(text: string, at: string, bits: number): bigint {
  const integer = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined
  if (integer === undefined || BigInt.asIntN(bits, integer) !== integer)
    throw wrongType(at, `an integer of ${bits} bits`)
  return integer
}

function readUnsigned(text: string, at: string): bigint {
  const integer = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined
  if (integer === undefined || BigInt.asUintN(64, integer) !== integer)
    throw wrongType(at, 'an unsigned integer of 64 bits')
  return integer
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', 'The query contains malformed percent-encoding', { cause })
  }
}
