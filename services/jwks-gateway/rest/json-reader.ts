import { create, type DescField, type DescMessage, getOption, hasOption, ScalarType } from '@bufbuild/protobuf'
import { type JsonRule, json } from '../../../gen/proto/auth4agent/v1/options_pb.ts'
import { bothNames, emptyDemand, invalid, unknownField, wrongType } from './json-refusal.ts'
import { readBytes, readStruct, readTimestamp } from './json-values.ts'

/**
 * Reads one JSON value into a protobuf value. `at` is the path of the value, for error details. Throws
 * INVALID_ARGUMENT or UNKNOWN_FIELD.
 */
export type Read = (value: unknown, at: string, depth: number) => unknown

/** A field of a message and the function that reads it. */
interface FieldReader {
  readonly field: DescField
  readonly read: Read
}

type Fields = ReadonlyMap<string, FieldReader>

/** The deepest level at which a message may be nested. The body is level 0. */
const MAX_DEPTH = 16

const INT64_TEXT = /^-?(0|[1-9]\d{0,18})$/

const compiled = new WeakMap<DescMessage, Read>()

/**
 * Compiles the reader for the JSON of a message. The reader accepts snake_case and lowerCamel names, refuses unknown
 * fields and a field under both names, and treats null as absent. Each message type is compiled once, so that a
 * request needs no reflection. Throws Error for field types that REST cannot serve.
 */
export function compileReader(message: DescMessage): Read {
  const known = compiled.get(message)
  if (known !== undefined) return known
  const fields = new Map<string, FieldReader>()
  const read: Read = (value, at, depth) => readMessage(message, fields, value, at, depth)
  compiled.set(message, read)
  for (const field of message.fields) {
    const reader = { field, read: fieldReader(field) }
    fields.set(field.jsonName, reader)
    fields.set(field.name, reader)
  }
  return read
}

function readMessage(message: DescMessage, fields: Fields, value: unknown, at: string, depth: number): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(at, 'an object')
  if (depth > MAX_DEPTH) throw invalid(at, `must not be nested deeper than ${MAX_DEPTH} levels`)
  const target: object = create(message)
  const source = value as Readonly<Record<string, unknown>>
  for (const name of Object.keys(source)) {
    const reader = fields.get(name)
    const member = source[name]
    const path = at === '' ? name : `${at}.${name}`
    if (reader === undefined) throw unknownField('field', path, name, message.fields)
    if (name !== reader.field.name && Object.hasOwn(source, reader.field.name)) throw bothNames(path, reader.field)
    if (member === null) continue
    assignField(target, reader.field, reader.read(member, path, depth + 1))
  }
  return target
}

/** Sets the field that a descriptor names. TypeScript cannot check the type of the value here. */
export function assignField(message: object, field: DescField, value: unknown): void {
  const target = message as Record<string, unknown>
  target[field.localName] = value
}

function fieldReader(field: DescField): Read {
  const rule = hasOption(field, json) ? getOption(field, json) : undefined
  if (field.fieldKind === 'list') return listReader(singularReader(field, rule), rule)
  return singularReader(field, rule)
}

function listReader(element: Read, rule: JsonRule | undefined): Read {
  return (value, at, depth) => {
    if (Array.isArray(value)) {
      if (rule?.refuseEmpty && value.length === 0) throw emptyDemand(at)
      return value.map((item, index) => element(item, `${at}[${index}]`, depth))
    }
    if (rule?.acceptSingle) return [element(value, at, depth)]
    throw wrongType(at, 'an array')
  }
}

function singularReader(field: DescField, rule: JsonRule | undefined): Read {
  if (field.fieldKind === 'map' || field.oneof !== undefined) throw unserved(field)
  if (field.message !== undefined) return messageReader(field.message)
  return scalarReader(field, rule)
}

function messageReader(message: DescMessage): Read {
  if (message.typeName === 'google.protobuf.Timestamp') return readTimestamp
  if (message.typeName === 'google.protobuf.Struct') return readStruct
  return compileReader(message)
}

function scalarReader(field: DescField, rule: JsonRule | undefined): Read {
  if (field.scalar === ScalarType.STRING && rule?.acceptNumber === true) return readStringOrNumber
  const read = field.scalar === undefined ? undefined : SCALARS[field.scalar]
  if (read === undefined) throw unserved(field)
  return read
}

const readString: Read = (value, at) => {
  if (typeof value !== 'string') throw wrongType(at, 'a string')
  return value
}

const readStringOrNumber: Read = (value, at) => {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value !== 'string') throw wrongType(at, 'a string or a number')
  return value
}

const readBool: Read = (value, at) => {
  if (typeof value !== 'boolean') throw wrongType(at, 'true or false')
  return value
}

const readInt32: Read = (value, at) => {
  if (typeof value !== 'number' || (value | 0) !== value) throw wrongType(at, 'an integer of 32 bits')
  // Turns -0, which passes the check above, into 0.
  return value | 0
}

const readInt64: Read = (value, at) => {
  const exact =
    typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && INT64_TEXT.test(value)
  if (!exact) throw wrongType(at, 'an integer of 64 bits')
  const integer = BigInt(value as number | string)
  if (BigInt.asIntN(64, integer) !== integer) throw wrongType(at, 'an integer of 64 bits')
  return integer
}

const SCALARS: Partial<Record<ScalarType, Read>> = {
  [ScalarType.STRING]: readString,
  [ScalarType.BOOL]: readBool,
  [ScalarType.INT32]: readInt32,
  [ScalarType.INT64]: readInt64,
  [ScalarType.BYTES]: readBytes,
}

function unserved(field: DescField): Error {
  return new Error(`${field.toString()} has a type that REST cannot serve`)
}
