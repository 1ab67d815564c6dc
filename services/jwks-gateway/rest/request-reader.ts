import { create, type DescField, type Message } from '@bufbuild/protobuf'
import { assignField, compileReader } from './json-reader.ts'
import { invalid } from './json-refusal.ts'
import { compileQueryReader, type ReadText, textReader } from './query-reader.ts'
import type { RestBinding } from './rest-bindings.ts'

/** Builds the request message from path, query and body. Throws INVALID_ARGUMENT or UNKNOWN_FIELD. */
export type RequestReader = (params: Readonly<Record<string, string>>, query: string, body: unknown) => Message

type BodyReader = (body: unknown) => Message

interface PathField {
  readonly field: DescField
  readonly read: ReadText
}

/** Compiles the reader for the requests of a binding. */
export function compileRequestReader(binding: RestBinding): RequestReader {
  const { path, body, method } = binding
  const readBody = bodyReader(binding)
  const pathFields = path.fields.map(pathField)
  const taken = new Set(body === undefined || body === '*' ? path.fields : [...path.fields, body])
  const open = body === '*' ? [] : method.input.fields.filter((field) => !taken.has(field))
  const readQuery = compileQueryReader(open, path.fields)
  return (params, query, json) => {
    const message = readBody(json)
    for (const each of pathFields) bindPath(message, each, params[each.field.name] ?? '')
    if (query !== '') readQuery(message, query)
    return message
  }
}

function bodyReader({ body, method }: RestBinding): BodyReader {
  if (body === undefined) return () => create(method.input)
  if (body === '*') {
    const read = compileReader(method.input)
    return (json) => read(json ?? {}, '', 0) as Message
  }
  if (body.fieldKind !== 'message') throw new Error(`${method.toString()} has a body that is not a message`)
  const read = compileReader(body.message)
  return (json) => {
    const message = create(method.input)
    assignField(message, body, read(json ?? {}, '', 0))
    return message
  }
}

function pathField(field: DescField): PathField {
  const read = field.fieldKind === 'scalar' ? textReader(field) : undefined
  if (read === undefined) throw new Error(`${field.toString()} cannot be part of a path`)
  return { field, read }
}

/**
 * Sets the field from the path. Throws INVALID_ARGUMENT if the body has set another value, because the caller cannot
 * mean both.
 */
function bindPath(message: Message, { field, read }: PathField, text: string): void {
  const value = read(text, field.name)
  const carried = (message as unknown as Record<string, unknown>)[field.localName]
  const unset = carried === undefined || carried === '' || carried === 0 || carried === 0n || carried === false
  if (!unset && carried !== value) throw invalid(field.name, 'must be the same in path and body')
  assignField(message, field, value)
}
