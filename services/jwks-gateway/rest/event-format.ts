import { clearField, type DescField, type DescMessage, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf'
import { event_id, rest } from '../../../gen/proto/auth4agent/v1/options_pb.ts'
import { problemOf } from '../../http-port/problem.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { assignField } from './json-reader.ts'
import { compileWriter } from './json-writer.ts'
import { fieldOf } from './path-template.ts'
import { type ReadText, textReader } from './query-reader.ts'

/** Writes a message as one server-sent event (WHATWG HTML section 9.2). */
export type EventWriter = (message: object) => string

type Fields = Readonly<Record<string, unknown>>

/** The name of the event that reports an error. No event in the proto files may have this name. */
const ERROR = 'error'

/**
 * Compiles the writer for the messages of a stream. A message must consist of one oneof: its case becomes the name of
 * the event, and its value becomes the data. The option `event_id` lists the fields that form the id of the event.
 * Throws Error for other messages.
 */
export function compileEventWriter(output: DescMessage): EventWriter {
  const [event] = output.oneofs
  if (event === undefined || output.members.length !== 1) {
    throw new Error(`${output.typeName} must be exactly one oneof to be sent as events`)
  }
  const writers = new Map(event.fields.map((field) => [field.localName, caseWriter(field)]))
  return (message) => {
    const chosen = (message as Fields)[event.localName] as { readonly case?: string; readonly value?: unknown }
    return writers.get(chosen.case ?? '')?.(chosen.value) ?? ''
  }
}

/** Returns the event that ends a stream with an error. The data of the event is the problem document. */
export function errorEvent(error: ApiError, requestId: string): string {
  return `event: ${ERROR}\ndata: ${problemOf(error, requestId, undefined).body}\n\n`
}

function caseWriter(field: DescField): (value: unknown) => string {
  if (field.fieldKind !== 'message' || field.name === ERROR) throw new Error(`${field.toString()} cannot be an event`)
  const write = compileWriter(field.message)
  const id = idWriter(field.message)
  return (value) => `event: ${field.name}\n${id(value)}data: ${write(value as Parameters<typeof write>[0])}\n\n`
}

function idWriter(message: DescMessage): (value: unknown) => string {
  if (hasOption(message, event_id)) {
    const names = getOption(message, event_id).fields.map((name) => fieldOf(message, name).localName)
    return (value) => `id: ${names.map((name) => idPart((value as Fields)[name])).join('-')}\n`
  }
  const marked = message.fields.find((field) => field.fieldKind === 'message' && hasOption(field.message, event_id))
  if (marked?.fieldKind !== 'message') return () => ''
  const write = idWriter(marked.message)
  return (value) => {
    const place = (value as Fields)[marked.localName]
    return place === undefined ? '' : write(place)
  }
}

function idPart(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : String(value)
}

/** Sets the fields of a request from the Last-Event-ID header. Throws INVALID_ARGUMENT. */
export type LastEventIdReader = (request: object, header: string) => void

/** Compiles the reader for the Last-Event-ID of a method. Throws Error for fields that text cannot represent. */
export function compileLastEventIdReader(method: DescMethod): LastEventIdReader {
  const parts = getOption(method, rest).lastEventId.map((name) => {
    const field = fieldOf(method.input, name)
    const read = textReader(field)
    if (read === undefined) throw new Error(`${field.toString()} cannot be a part of Last-Event-ID`)
    return { field, read }
  })
  // The id of an event has the part `sequence`, which the request calls `after_sequence`.
  const form = parts.map(({ field }) => `<${field.name.replace(/^after_/, '')}>`).join('-')
  return (request, header) => {
    const texts = header.split('-')
    // The text of the last field may contain the separator.
    const last = texts.splice(Math.max(0, parts.length - 1)).join('-')
    for (const [index, { field, read }] of parts.entries()) {
      const text = texts[index] ?? (index === parts.length - 1 ? last : '')
      if (text === '') clearField(request as Parameters<typeof clearField>[0], field)
      else assignField(request, field, readPart(read, text, form))
    }
  }
}

/** Reads one part. Throws an error about the whole header, because the caller does not know the parts. */
function readPart(read: ReadText, text: string, form: string): unknown {
  try {
    return read(text, 'Last-Event-ID')
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', `Last-Event-ID must be ${form}`, { cause })
  }
}
