import type { DescField, DescMessage, Message } from '@bufbuild/protobuf'
import { ScalarType } from '@bufbuild/protobuf'
import { ApiError } from '../platform/errors/api-error.ts'

/** Checks one field of a message. Throws INVALID_ARGUMENT. */
type Check = (value: unknown, at: string) => void

const compiled = new WeakMap<DescMessage, Check>()

/**
 * Refuses a message with a string that PostgreSQL cannot store, at any depth: a string with a NUL character or a lone
 * surrogate, which both JSON and protobuf allow. The pipeline checks requests of every transport before their handler.
 * @throws ApiError INVALID_ARGUMENT
 */
export function refuseUnstorableText(desc: DescMessage, message: Message): void {
  messageCheck(desc)(message, '')
}

function messageCheck(desc: DescMessage): Check {
  const known = compiled.get(desc)
  if (known !== undefined) return known
  const fields: { localName: string; name: string; check: Check }[] = []
  const check: Check = (value, at) => {
    const source = value as Readonly<Record<string, unknown>>
    for (const { localName, name, check } of fields) {
      const member = source[localName]
      if (member !== undefined) check(member, at === '' ? name : `${at}.${name}`)
    }
  }
  compiled.set(desc, check)
  for (const field of desc.fields) {
    const check = fieldCheck(field)
    if (check !== undefined) fields.push({ localName: field.localName, name: field.name, check })
  }
  return check
}

function fieldCheck(field: DescField): Check | undefined {
  // A map is a plain object, like JSON.
  if (field.fieldKind === 'map') return checkJson
  const check = field.message === undefined ? scalarCheck(field.scalar) : nestedCheck(field.message)
  if (check === undefined || field.fieldKind !== 'list') return check
  return (value, at) => {
    for (const [index, item] of (value as readonly unknown[]).entries()) check(item, `${at}[${index}]`)
  }
}

function scalarCheck(scalar: ScalarType | undefined): Check | undefined {
  return scalar === ScalarType.STRING ? checkText : undefined
}

function nestedCheck(message: DescMessage): Check {
  return message.typeName === 'google.protobuf.Struct' ? checkJson : messageCheck(message)
}

const checkText: Check = (value, at) => {
  const text = value as string
  if (text.includes('\0')) throw new ApiError('INVALID_ARGUMENT', `${at} must not contain a NUL character`)
  if (!text.isWellFormed()) throw new ApiError('INVALID_ARGUMENT', `${at} must not contain a lone surrogate`)
}

const checkJson: Check = (value, at) => {
  if (typeof value === 'string') checkText(value, at)
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    checkText(name, at)
    checkJson(member, at)
  }
}
