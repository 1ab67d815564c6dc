import { type DescField, type DescMessage, type DescMethod, getOption, hasOption, ScalarType } from '@bufbuild/protobuf'
import { type JsonRule, json } from '../../../gen/proto/auth4agent/v1/options_pb.ts'
import { textReader } from '../../../services/jwks-gateway/rest/query-reader.ts'
import type { Comments } from './comments.ts'

/** A schema (JSON Schema 2020-12), or any other object of the document. */
export type Schema = { readonly [name: string]: unknown }

/** Makes the schemas of messages, in the JSON that the gateway reads and writes. */
export interface Schemas {
  /**
   * Returns the schema of a request's body with the given fields. A form may have other members too, which the server
   * ignores.
   */
  body(message: DescMessage, fields: readonly DescField[], isForm: boolean): Schema
  /** Returns the schema of a field in a request. */
  requested(field: DescField): Schema
  /** Returns the schema of a text in a path or a query, or undefined if text cannot represent the field. */
  parameter(field: DescField): Schema | undefined
  /** Returns the schema of a message in an answer. */
  answer(message: DescMessage): Schema
  /** Returns the schema of a field in an answer. */
  answered(field: DescField): Schema
  /** Returns whether a request must have the field. */
  isRequired(field: DescField): boolean
  /** Returns the components that the other schemas refer to. */
  components(): Readonly<Record<string, Schema>>
}

type Direction = 'request' | 'answer'

const INTEGER_TEXT = String.raw`^-?(0|[1-9]\d{0,18})$`
const TIME: Schema = { type: 'string', format: 'date-time' }
const OBJECT: Schema = { type: 'object' }
const BYTES: Schema = { type: 'string', contentEncoding: 'base64' }

const ANSWERED: Partial<Readonly<Record<ScalarType, Schema>>> = {
  [ScalarType.STRING]: { type: 'string' },
  [ScalarType.BOOL]: { type: 'boolean' },
  [ScalarType.INT32]: { type: 'integer', format: 'int32' },
  [ScalarType.INT64]: { type: 'integer', format: 'int64' },
  [ScalarType.UINT64]: { type: 'integer', format: 'int64', minimum: 0 },
  [ScalarType.BYTES]: BYTES,
}
/** The reader accepts base64 and base64url, and an integer of 64 bits as text, because a double cannot hold it. */
const REQUESTED: Partial<Readonly<Record<ScalarType, Schema>>> = {
  ...ANSWERED,
  [ScalarType.INT64]: { type: ['integer', 'string'], format: 'int64', pattern: INTEGER_TEXT },
  [ScalarType.BYTES]: { type: 'string' },
}

/** Creates the schemas of all messages of the methods. `required` has the full names of required request fields. */
export function createSchemas(
  methods: readonly DescMethod[],
  comments: Comments,
  required: ReadonlySet<string>,
): Schemas {
  const made = new Map<string, Schema>()
  const inBoth = shared(methods)
  const isRequired = (field: DescField) => required.has(nameOf(field))
  const described = (desc: DescField | DescMessage): Schema => {
    const description = comments.get(nameOf(desc))
    return description === undefined ? {} : { description }
  }
  const reference = (message: DescMessage, direction: Direction): Schema => {
    const name = direction === 'request' && inBoth.has(message) ? `${message.name}Input` : message.name
    if (!made.has(name)) {
      made.set(name, {})
      made.set(name, objectOf(message, message.fields, direction))
    }
    return { $ref: `#/components/schemas/${name}` }
  }
  const single = (field: DescField, direction: Direction): Schema => {
    const type = field.message?.typeName
    if (type === 'google.protobuf.Timestamp') return TIME
    if (type === 'google.protobuf.Struct') return OBJECT
    if (field.message !== undefined) return reference(field.message, direction)
    if (field.enum !== undefined) return { type: 'string', enum: field.enum.values.map(({ name }) => name) }
    return scalarOf(field, direction)
  }
  const value = (field: DescField, direction: Direction): Schema => {
    const one = single(field, direction)
    if (field.fieldKind === 'list') return direction === 'request' ? requestedList(field, one) : listOf(one)
    return direction === 'answer' && isNullable(field) ? orNull(one) : one
  }
  const property = (field: DescField, direction: Direction): Schema => ({
    ...value(field, direction),
    ...described(field),
  })
  const objectOf = (message: DescMessage, fields: readonly DescField[], direction: Direction): Schema => {
    const needed = fields.filter((field) => (direction === 'answer' ? !omitsEmpty(field) : isRequired(field)))
    return {
      type: 'object',
      ...described(message),
      properties: Object.fromEntries(fields.map((field) => [field.name, property(field, direction)])),
      ...(needed.length > 0 && { required: needed.map(({ name }) => name) }),
      ...(direction === 'request' && { additionalProperties: false }),
    }
  }
  return {
    body(message, fields, isForm) {
      const { additionalProperties, ...open } = objectOf(message, fields, 'request')
      made.set(message.name, isForm ? open : { ...open, additionalProperties })
      return { $ref: `#/components/schemas/${message.name}` }
    },
    requested: (field) => value(field, 'request'),
    parameter(field) {
      if (textReader(field) === undefined) return undefined
      const one = field.message === undefined ? (ANSWERED[field.scalar ?? ScalarType.STRING] ?? {}) : TIME
      return field.fieldKind === 'list' ? listOf(one) : one
    },
    answer: (message) => reference(message, 'answer'),
    answered: (field) => value(field, 'answer'),
    isRequired,
    components: () => Object.fromEntries([...made].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  }
}

/** Returns the full name of a descriptor, as comments have it. */
export function nameOf(desc: DescField | DescMessage): string {
  return desc.kind === 'field' ? `${desc.parent.typeName}.${desc.name}` : desc.typeName
}

function scalarOf(field: DescField, direction: Direction): Schema {
  const known = direction === 'answer' ? ANSWERED : REQUESTED
  const schema = field.scalar === undefined ? undefined : known[field.scalar]
  if (schema === undefined) throw new Error(`${field.toString()} has a type that REST cannot serve`)
  return direction === 'request' && ruleOf(field)?.acceptNumber === true ? { type: ['string', 'number'] } : schema
}

function requestedList(field: DescField, one: Schema): Schema {
  const rule = ruleOf(field)
  const list = { ...listOf(one), ...(rule?.refuseEmpty === true && { minItems: 1 }) }
  return rule?.acceptSingle === true ? { anyOf: [list, one] } : list
}

function listOf(items: Schema): Schema {
  return { type: 'array', items }
}

/** An absent message or optional field is null in an answer, unless the field is left out. */
function isNullable(field: DescField): boolean {
  return (field.message !== undefined || field.proto.proto3Optional) && !omitsEmpty(field)
}

function orNull(schema: Schema): Schema {
  return typeof schema['type'] === 'string'
    ? { ...schema, type: [schema['type'], 'null'] }
    : { anyOf: [schema, { type: 'null' }] }
}

function ruleOf(field: DescField): JsonRule | undefined {
  return hasOption(field, json) ? getOption(field, json) : undefined
}

function omitsEmpty(field: DescField): boolean {
  return ruleOf(field)?.omitEmpty === true
}

/** Returns the messages that requests and answers both contain. Their schemas differ, because requests are strict. */
function shared(methods: readonly DescMethod[]): ReadonlySet<DescMessage> {
  const requested = new Set<DescMessage>()
  const answered = new Set<DescMessage>()
  for (const { input, output } of methods) {
    collect(input, requested)
    collect(output, answered)
  }
  return requested.intersection(answered)
}

function collect(message: DescMessage, into: Set<DescMessage>): void {
  if (into.has(message)) return
  into.add(message)
  for (const field of message.fields) if (field.message !== undefined) collect(field.message, into)
}
