import type { DescField, DescMessage, Message } from '@bufbuild/protobuf'
import { ApiError } from '../platform/errors/api-error.ts'

/** Checks a message, whose values the types here do not know. Throws UNKNOWN_FIELD. */
type Check = (message: unknown) => void

const compiled = new WeakMap<DescMessage, Check>()

/**
 * Refuses fields that a message holds and its contract does not have, at every depth. A newer client's field may restrict what it
 * asks for, so it must not be dropped. JSON never gets here with one: its readers refuse unknown names themselves. Throws
 * UNKNOWN_FIELD.
 *
 * Only calls of public services pass here, at the process that answers them: a gateway of an older version hands on what it does not
 * know. Calls between services do not: during a rolling upgrade both versions run, and a new field of an internal message has to be
 * one that an older process may ignore.
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

/** The message that a field holds. A Struct is plain JSON by now, and knows every field of JSON. */
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
    `Unknown field number ${number} in ${typeName}: the client must use the contract that this server has`,
  )
}
