import type { DescField, DescMessage, Message } from '@bufbuild/protobuf'
import { ApiError } from '../platform/errors/api-error.ts'

/** Checks a message of any type. Throws UNKNOWN_FIELD. */
type Check = (message: unknown) => void

const compiled = new WeakMap<DescMessage, Check>()

/**
 * Refuses a message with fields that its contract does not have, at any depth. A new field of a newer client may
 * restrict the request, so the server must not ignore it. The reader of JSON has already refused unknown names.
 *
 * Only the process that answers a call of a public service makes this check, because an older gateway must be able to
 * forward fields that it does not know. Calls between services are not checked. During a rolling upgrade both versions
 * run, so an older process must be able to ignore a new field of an internal message.
 * @throws ApiError UNKNOWN_FIELD
 */
export function refuseUnknownFields(desc: DescMessage, message: Message): void {
  messageCheck(desc)(message)
}

function messageCheck(desc: DescMessage): Check {
  const known = compiled.get(desc)
  if (known !== undefined) return known
  const fields: Check[] = []
  const check: Check = (value) => {
    const [unknown] = (value as Message).$unknown ?? []
    if (unknown !== undefined) throw unknownNumber(desc, unknown.no)
    for (const field of fields) field(value)
  }
  compiled.set(desc, check)
  for (const field of desc.fields) {
    const inner = nestedMessage(field)
    if (inner !== undefined) fields.push(fieldCheck(field, messageCheck(inner)))
  }
  return check
}

/** Returns the message type of a field. A Struct is plain JSON in memory, so it has no unknown fields. */
function nestedMessage(field: DescField): DescMessage | undefined {
  return field.message?.typeName === 'google.protobuf.Struct' ? undefined : field.message
}

function fieldCheck(field: DescField, check: Check): Check {
  const { oneof, localName } = field
  if (oneof !== undefined) {
    return (message) => {
      const chosen = memberOf(message, oneof.localName) as { case?: string; value?: unknown }
      if (chosen.case === localName) check(chosen.value)
    }
  }
  if (field.fieldKind === 'message') {
    return (message) => {
      const value = memberOf(message, localName)
      if (value !== undefined) check(value)
    }
  }
  // A list or a map.
  return (message) => {
    for (const value of Object.values(memberOf(message, localName) as object)) check(value)
  }
}

function memberOf(message: unknown, name: string): unknown {
  return (message as Readonly<Record<string, unknown>>)[name]
}

function unknownNumber({ typeName }: DescMessage, number: number): ApiError {
  return new ApiError(
    'UNKNOWN_FIELD',
    `Unknown field number ${number} in ${typeName}: the client must use the contract of this server`,
  )
}
