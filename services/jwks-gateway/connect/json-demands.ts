import type { IncomingHttpHeaders } from 'node:http'
import { type DescField, type DescMessage, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf'
import { json } from '../../../gen/proto/auth4agent/v1/options_pb.ts'
import { emptyDemand } from '../rest/json-refusal.ts'
import { sentMessage } from './sent-message.ts'

/** Checks a JSON value. `at` is the path of the value in the request. Throws INVALID_ARGUMENT. */
type Check = (value: unknown, at: string) => void

/** Checks the body of a request that Connect has read. Throws INVALID_ARGUMENT. */
export type BodyCheck = (headers: IncomingHttpHeaders, body: Buffer) => void

const JSON_TYPE = /^application\/(?:json|[\w-]+\+json)\b/i

/**
 * Compiles the check that refuses an empty list in a field with the option `refuse_empty`. Returns undefined if the
 * method has no such field. In a protobuf message, an empty list looks like an absent list, so the check parses the
 * JSON text again.
 */
export function compileBodyCheck({ input }: DescMethod): BodyCheck | undefined {
  const check = messageCheck(input)
  if (check === undefined) return undefined
  return (headers, body) => {
    const text = jsonText(headers, body)
    if (text !== undefined && text !== '') check(JSON.parse(text), '')
  }
}

/** Returns the JSON text of a request, or undefined for protobuf. Connect has already parsed the text. */
function jsonText(headers: IncomingHttpHeaders, body: Buffer): string | undefined {
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) return undefined
  // Unlike toString of Buffer, a TextDecoder drops a byte order mark. Connect uses one too.
  return new TextDecoder().decode(sentMessage(headers, body))
}

function messageCheck({ fields }: DescMessage, above: readonly DescMessage[] = []): Check | undefined {
  const checks = new Map<string, Check>()
  for (const field of fields) {
    const check = fieldCheck(field, above)
    if (check !== undefined) checks.set(field.name, check).set(field.jsonName, check)
  }
  if (checks.size === 0) return undefined
  return (value, at) => {
    if (typeof value !== 'object' || value === null) return
    for (const [name, member] of Object.entries(value)) checks.get(name)?.(member, at === '' ? name : `${at}.${name}`)
  }
}

function fieldCheck(field: DescField, above: readonly DescMessage[]): Check | undefined {
  if (hasOption(field, json) && getOption(field, json).refuseEmpty) {
    return (value, at) => {
      if (Array.isArray(value) && value.length === 0) throw emptyDemand(at)
    }
  }
  const { message } = field
  // Does not check a message type again inside itself, because the compilation would never end.
  const inner =
    message === undefined || above.includes(message) ? undefined : messageCheck(message, [...above, message])
  if (inner === undefined) return undefined
  return (value, at) => {
    for (const item of Array.isArray(value) ? value : [value]) inner(item, at)
  }
}
