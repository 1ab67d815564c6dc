import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf'
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt'
import { json } from '../../../gen/proto/auth4agent/v1/options_pb.ts'

/** Writes a protobuf value as JSON text. */
type Write = (value: unknown) => string

/** Writes a message as JSON text. */
export type MessageWriter = (message: Message) => string

/** A field of a message and its writer. `key` is the JSON of the field's name, with the colon. */
interface FieldWriter {
  readonly localName: string
  readonly key: string
  readonly omitEmpty: boolean
  readonly write: Write
}

const compiled = new WeakMap<DescMessage, Write>()

/**
 * Compiles the writer for the JSON of a message. Fields have their snake_case names and come in the order of the proto
 * file. Each message type is compiled once. Throws Error for field types that REST cannot serve.
 *
 * | value | JSON |
 * |---|---|
 * | unset message or optional field | null |
 * | empty string | `""` |
 * | unset, empty string or empty list, if the field has the option `omit_empty` | left out |
 * | int64 | number |
 * | enum | its name |
 * | bytes | base64 with padding |
 * | time | RFC 3339 in whole seconds; in milliseconds if the field has the option `milliseconds` |
 */
export function compileWriter(message: DescMessage): MessageWriter {
  return messageWriter(message)
}

/** Compiles the writer for one field of a message, for `response_body`. */
export function compileFieldWriter(field: DescField): MessageWriter {
  const write = fieldWriter(field)
  // The descriptor names the field, but the type of a generic message does not.
  return (message) => write((message as Message & Record<string, unknown>)[field.localName])
}

function messageWriter(message: DescMessage): Write {
  if (message.typeName === 'google.protobuf.Timestamp') return writeTimestamp
  if (message.typeName === 'google.protobuf.Struct') return JSON.stringify
  const known = compiled.get(message)
  if (known !== undefined) return known
  const fields: FieldWriter[] = []
  const write = onceIfFrozen((value) => {
    const source = value as Readonly<Record<string, unknown>>
    let text = ''
    for (const { localName, key, omitEmpty, write } of fields) {
      const member = source[localName]
      if (omitEmpty && isEmpty(member)) continue
      text += (text === '' ? '{' : ',') + key + write(member)
    }
    return text === '' ? '{}' : `${text}}`
  })
  compiled.set(message, write)
  for (const field of message.fields) {
    const { localName, name } = field
    fields.push({ localName, key: `${JSON.stringify(name)}:`, omitEmpty: omitsEmpty(field), write: fieldWriter(field) })
  }
  return write
}

/**
 * Wraps a writer: for a frozen message, it keeps the text as long as the message exists, because many answers may
 * contain the same message. All parts of a frozen message must be frozen too.
 */
function onceIfFrozen(write: Write): Write {
  const texts = new WeakMap<object, string>()
  return (value) => {
    if (!Object.isFrozen(value)) return write(value)
    const message = value as object
    const known = texts.get(message)
    if (known !== undefined) return known
    // Copies the text into one piece. A concatenated string would keep its parts, and V8 would join them each time.
    const text = Buffer.from(write(message)).toString()
    texts.set(message, text)
    return text
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
}

/** Returns whether a field is left out while it is empty. */
function omitsEmpty(field: DescField): boolean {
  return hasOption(field, json) && getOption(field, json).omitEmpty
}

function fieldWriter(field: DescField): Write {
  const write = singularWriter(field)
  if (field.fieldKind === 'list') return (value) => `[${(value as readonly unknown[]).map(write).join(',')}]`
  return (value) => (value === undefined ? 'null' : write(value))
}

function singularWriter(field: DescField): Write {
  if (field.fieldKind === 'map' || field.oneof !== undefined) throw unserved(field)
  if (hasOption(field, json) && getOption(field, json).milliseconds) return writeMilliseconds
  if (field.enum !== undefined) return enumWriter(field.enum)
  return field.message === undefined ? scalarWriter(field) : messageWriter(field.message)
}

/** A value without a known name is written as its number, as in the protobuf JSON mapping. */
function enumWriter({ value }: DescEnum): Write {
  const names = new Map(Object.values(value).map(({ number, name }) => [number, JSON.stringify(name)]))
  return (number) => names.get(number as number) ?? String(number)
}

function scalarWriter(field: DescField): Write {
  const write = field.scalar === undefined ? undefined : SCALARS[field.scalar]
  if (write === undefined) throw unserved(field)
  return write
}

const SCALARS: Partial<Record<ScalarType, Write>> = {
  [ScalarType.STRING]: JSON.stringify,
  [ScalarType.BOOL]: String,
  [ScalarType.INT32]: String,
  [ScalarType.INT64]: String,
  [ScalarType.UINT64]: String,
  [ScalarType.BYTES]: (value) => `"${encodeBase64(value as Uint8Array)}"`,
}

let lastSeconds: bigint | undefined
let lastTime = ''

/** Keeps the text of the last written second, because many answers have the same time. */
const writeTimestamp: Write = (value) => {
  const { seconds } = value as Timestamp
  if (seconds !== lastSeconds) {
    lastTime = `"${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z"`
    lastSeconds = seconds
  }
  return lastTime
}

/** Writes a time that is hashed or compared in milliseconds. */
const writeMilliseconds: Write = (value) => `"${new Date(timestampMs(value as Timestamp)).toISOString()}"`

function unserved(field: DescField): Error {
  return new Error(`${field.toString()} has a type that REST cannot serve`)
}
