import { randomUUID } from 'node:crypto'
import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf'
import { methods, restForm, shortName } from '../support/contract.ts'
import type { HttpRequest } from '../support/http.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { World } from '../support/world.ts'
import { callersOf, changes } from './callers.ts'
import type { FieldRow } from './field-row.ts'
import { fieldRows } from './field-rows.ts'
import { validRequests } from './valid-requests.ts'
import { type WrongTexts, wrongJson, wrongParameter, wrongText } from './wrong-types.ts'

/** A field of a request, and its path. */
interface Place {
  readonly method: DescMethod
  readonly field: DescField
  /** Key of its row: `Message.field`, with nested fields after it. */
  readonly key: string
  /** The path in the JSON of the request; 0 is the first element of a list. */
  readonly path: readonly (string | 0)[]
}

/** Every field of every request, including the fields of nested messages of this contract. */
export const places: readonly Place[] = methods.flatMap((method) =>
  placesIn(method, method.input, method.input.name, []),
)

function placesIn(method: DescMethod, message: DescMessage, prefix: string, above: Place['path']): Place[] {
  return message.fields.flatMap((field) => {
    const place = { method, field, key: `${prefix}.${field.name}`, path: [...above, field.name] }
    const isOurs = field.message?.file.proto.package === 'auth4agent.v1'
    if (!isOurs || field.message === undefined) return [place]
    const below = field.fieldKind === 'list' ? [...place.path, 0 as const] : place.path
    return [place, ...placesIn(method, field.message, place.key, below)]
  })
}

const MARK = 'mark-of-the-value'

/** Returns the request of a place with another value in the field. */
function requestWith({ method, path }: Place, value: JsonValue) {
  return (world: World): JsonObject => put(validRequests[shortName(method)]?.(world) ?? {}, path, value) as JsonObject
}

function put(target: JsonValue, [step, ...rest]: Place['path'], value: JsonValue): JsonValue {
  if (step === undefined) return value
  if (step === 0) return [put(Array.isArray(target) ? (target[0] ?? {}) : {}, rest, value)]
  const object = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {}
  return { ...object, [step]: put(object[step] ?? {}, rest, value) }
}

/** The mark in JSON, or in a form. */
const QUOTED_OR_NOT = new RegExp(`"?${MARK}"?`)

/** Replaces the mark with a text, unchanged. */
function withText(text: string) {
  return ({ path, body, ...request }: HttpRequest): HttpRequest => ({
    ...request,
    path: path.replace(MARK, () => text),
    ...(body !== undefined && { body: String(body).replace(QUOTED_OR_NOT, () => text) }),
  })
}

const callerOf = ({ method }: Place): RefusalCase['caller'] => {
  const callers = callersOf(method)
  if (callers === 'anyone') return undefined
  return callers === 'admin' ? 'admin' : 'acme'
}

const where = ({ path }: Place) => path.join('.').replaceAll('.0', '[0]')

function isInPath({ method, path: [first] }: Place): boolean {
  return restForm(method).pathFields.includes(String(first))
}

function typeCases(place: Place): RefusalCase[] {
  return Object.entries(wrongTexts(place)).map(([name, text]) => ({
    name: `${where(place)} is ${name}`,
    method: place.method,
    reason: 'INVALID_ARGUMENT',
    caller: callerOf(place),
    audited: false,
    over: ['rest'],
    request: requestWith(place, MARK),
    http: withText(text),
  }))
}

function wrongTexts(place: Place): WrongTexts {
  const { body, isForm } = restForm(place.method)
  if (isForm) return wrongParameter(place.field)
  return isInPath(place) || body === '' ? wrongText(place.field) : wrongJson(place.field)
}

function rowCases(place: Place, { absent, wrong = {} }: FieldRow): RefusalCase[] {
  const { method } = place
  const caller = callerOf(place)
  const values = Object.entries(wrong).map(
    ([name, [value, reason]]): RefusalCase => ({
      method,
      caller,
      name: `${where(place)} ${name}`,
      reason,
      request: requestWith(place, value),
    }),
  )
  if (absent === undefined) return values
  const { fieldKind, message } = place.field
  // An empty text is no object, which is a mistake of another kind.
  const isObject = message?.typeName === 'google.protobuf.Struct'
  const empty = fieldKind === 'list' ? [[]] : isObject ? [] : ['']
  const nothing = [null, ...empty].map(
    (value): RefusalCase => ({
      method,
      caller,
      name: `${where(place)} is ${JSON.stringify(value)}`,
      reason: absent,
      request: requestWith(place, value),
    }),
  )
  return [...nothing, ...values]
}

/** Cases about a field that has different values in path and body, so the server cannot know which one is meant. */
function pathCases(place: Place): RefusalCase[] {
  const { method, field } = place
  if (!isInPath(place) || restForm(method).body !== '*') return []
  return ['"another"', '"__proto__"', '7', '[]', '{}'].map((text) => ({
    name: `${where(place)} is ${text} in the body`,
    method,
    reason: 'INVALID_ARGUMENT',
    caller: callerOf(place),
    audited: false,
    over: ['rest'],
    request: (world) => validRequests[shortName(method)]?.(world) ?? {},
    http: (request) => ({ ...request, body: `{"${field.name}":${text}}` }),
  }))
}

/** Cases about a NUL character, which only gRPC can carry into a field that REST has in its path. */
function nulCases(place: Place): RefusalCase[] {
  if (place.field.scalar !== ScalarType.STRING) return []
  return [
    {
      name: `${where(place)} has a NUL character`,
      method: place.method,
      reason: 'INVALID_ARGUMENT',
      caller: callerOf(place),
      audited: false,
      over: ['grpc'],
      request: requestWith(place, place.field.fieldKind === 'list' ? ['a\0b'] : 'a\0b'),
    },
  ]
}

/**
 * Cases about values at a limit. The server accepts the value and refuses the request only because its assertion was
 * used before.
 */
function fitCases(place: Place, { fits = {} }: FieldRow): RefusalCase[] {
  const { method } = place
  const caller = callerOf(place)
  if (!changes(method) || caller === undefined) return []
  return Object.entries(fits).map(([name, value]) => {
    let jti = ''
    return {
      name: `${where(place)} ${name}, which is accepted`,
      method,
      reason: 'ASSERTION_USED',
      caller,
      request: async (world) => {
        jti = randomUUID()
        const issuer = caller === 'admin' ? 'admin' : world.operators[caller].id
        await world.db.prisma.usedAssertion.create({ data: { issuer, jti, keepUntil: new Date(Date.now() + 600_000) } })
        return requestWith(place, value)(world)
      },
      edits: () => ({ claims: { jti } }),
    }
  })
}

/** Returns the row of a place. Throws Error if the table has none. */
function rowOf({ key }: Place): FieldRow {
  const row = fieldRows[key]
  if (row === undefined) throw new Error(`${key} is missing in the table of fields`)
  return row
}

/** Cases for every mistake in a single field, for every field of every request. */
export const fieldCases: readonly RefusalCase[] = places.flatMap((place) => [
  ...typeCases(place),
  ...rowCases(place, rowOf(place)),
  ...pathCases(place),
  ...nulCases(place),
  ...fitCases(place, rowOf(place)),
])

/** Values at a limit in calls that change nothing. These are answered. */
export const answeredFields = places.flatMap((place) =>
  changes(place.method) || callerOf(place) === 'admin'
    ? []
    : Object.entries(rowOf(place).fits ?? {}).map(([name, value]) => ({
        name: `${shortName(place.method)} ${where(place)} ${name}`,
        method: place.method,
        caller: callerOf(place),
        request: requestWith(place, value),
      })),
)
