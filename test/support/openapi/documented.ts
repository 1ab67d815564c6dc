import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DescMethod } from '@bufbuild/protobuf'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { methodName } from '../../../services/calls/method-name.ts'
import {
  type Call,
  type Content,
  callsOf,
  type OpenApiDocument,
  referenced,
} from '../../../services/jwks-gateway/openapi/openapi-document.ts'

/** The committed document. */
export const document: OpenApiDocument = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../gen/openapi.json'), 'utf8'),
)

/** An answer over HTTP. */
interface Answer {
  readonly status: number
  readonly mediaType: string
  readonly body: unknown
}

/** Checks answers against the document. */
export interface Documented {
  /** Returns what is wrong with an answer, or an empty list. A member that the document does not have is wrong too. */
  readonly problemsOf: (call: Call, answer: Answer) => readonly string[]
  /** Returns what is wrong with a value, by a JSON pointer to the schema in the document. */
  readonly mismatches: (pointer: readonly string[], value: unknown) => readonly string[]
}

/** Compiles the schemas of a document. */
export function createDocumented(openApi: OpenApiDocument): Documented {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema(closed(openApi), 'openapi')
  const compiled = new Map<string, ValidateFunction>()
  const mismatches: Documented['mismatches'] = (pointer, value) => {
    const $ref = `openapi#/${pointer.map(escaped).join('/')}`
    const validate = compiled.get($ref) ?? ajv.compile({ $ref })
    compiled.set($ref, validate)
    validate(value)
    return (validate.errors ?? []).map(({ instancePath, message, params }) =>
      [instancePath, message, JSON.stringify(params)].join(' '),
    )
  }
  return {
    mismatches,
    problemsOf({ verb, path, operation }, { status, mediaType, body }) {
      const response = operation.responses[status]
      if (response === undefined) return [`The status ${status} is not documented: ${JSON.stringify(body)}`]
      const isShared = '$ref' in response
      const found = isShared ? openApi.components.responses[referenced(response)] : response
      const content: Content = found?.content ?? {}
      if (found?.content === undefined) return body === '' ? [] : ['A body is not documented']
      if (content[mediaType] === undefined) return [`The media type ${mediaType} is not documented`]
      const reason = Object(body).reason
      if (found?.['x-reasons']?.includes(reason) === false) return [`The reason ${reason} is not documented`]
      const place = isShared
        ? ['components', 'responses', referenced(response)]
        : ['paths', path, verb.toLowerCase(), 'responses', String(status)]
      return mismatches([...place, 'content', mediaType, 'schema'], body)
    },
  }
}

const calls: ReadonlyMap<string, Call> = new Map(
  callsOf(document).flatMap((call) => {
    const rpc = call.operation['x-rpc']
    return rpc === undefined ? [] : [[rpc, call] as const]
  }),
)
let documented: Documented | undefined

/** Returns the call of a method in the committed document. Throws Error if there is none. */
export function callOf(method: DescMethod): Call {
  const call = calls.get(methodName(method))
  if (call === undefined) throw new Error(`${method.toString()} is missing in the document`)
  return call
}

/** Returns what is wrong with the answer of a method, or an empty list. */
export function problemsOf(method: DescMethod, answer: Answer): readonly string[] {
  documented ??= createDocumented(document)
  return documented.problemsOf(callOf(method), answer)
}

/** Returns the document with component schemas that allow only their members. The real ones may get more later. */
function closed(openApi: OpenApiDocument): object {
  const schemas = Object.entries(openApi.components.schemas).map(([name, schema]) => [
    name,
    schema.properties === undefined ? schema : { additionalProperties: false, ...schema },
  ])
  return { ...openApi, components: { ...openApi.components, schemas: Object.fromEntries(schemas) } }
}

/** Escapes a part of a JSON pointer in a URI (RFC 6901 sections 3 and 6). */
function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}
