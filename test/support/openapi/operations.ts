import type { DescMethod } from '@bufbuild/protobuf'
import { methodName } from '../../../services/calls/method-name.ts'
import type { MediaType, Resources } from '../../../services/calls/resource.ts'
import type { RestBinding } from '../../../services/jwks-gateway/rest/rest-bindings.ts'
import { reasonsOf } from '../../contract/cases/matrix.ts'
import { shortName } from '../../contract/support/contract.ts'
import type { Example, Examples } from './examples.ts'
import { ADDED_RESPONSES } from './hand-written/added-responses.ts'
import { bodyFields, type ParameterSources, parametersOf } from './parameters.ts'
import type { ErrorResponses } from './responses.ts'
import type { Schema, Schemas } from './schemas.ts'
import { titleOf } from './services.ts'
import { callersInWords, securityOf } from './who-may-call.ts'

/** What the operations of all calls are made from. */
export interface OperationSources extends ParameterSources {
  readonly errors: ErrorResponses
  readonly examples: Examples
  /** The representations of answers besides plain JSON. */
  readonly representations: Resources
}

/** Returns the operation of a call (OpenAPI 3.1 section 4.8.10). */
export function operationOf(binding: RestBinding, sources: OperationSources): Schema {
  const { method } = binding
  const example = sources.examples[shortName(method)]
  const body = requestBodyOf(binding, sources, example)
  const parameters = parametersOf(binding, sources, example)
  const description = sources.comments.get(`${method.parent.typeName}.${method.name}`) ?? ''
  return {
    operationId: method.localName,
    tags: [titleOf(method.parent)],
    summary: summaryOf(method, description),
    description,
    'x-callers': callersInWords(method),
    'x-rpc': methodName(method),
    security: securityOf(method),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: body }),
    responses: responsesOf(binding, sources, example),
  }
}

/** Returns the first sentence of a comment, which begins with the name of the method, without the name. */
function summaryOf({ name }: DescMethod, description: string): string {
  const [first = ''] = description.replaceAll('\n', ' ').split(/(?<=[^.][.:]) (?=[A-Z])/)
  const sentence = first.startsWith(`${name} `) ? first.slice(name.length + 1) : first
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`.replace(/[.:]$/, '')
}

function requestBodyOf(
  binding: RestBinding,
  { schemas }: OperationSources,
  example: Example | undefined,
): Schema | undefined {
  const { method, body, isForm } = binding
  if (body === undefined) return undefined
  const fields = bodyFields(binding)
  const schema = body === '*' ? schemas.body(method.input, fields, isForm) : schemas.requested(body)
  const sent =
    body === '*'
      ? Object.fromEntries(
          Object.entries(example?.request ?? {}).filter(([name]) => fields.some((field) => field.name === name)),
        )
      : example?.request[body.name]
  return {
    ...(hasRequired(fields.map((field) => schemas.isRequired(field))) && { required: true }),
    content: {
      [isForm ? 'application/x-www-form-urlencoded' : 'application/json']: {
        schema,
        ...(example !== undefined && sent !== undefined && { example: sent }),
      },
    },
  }
}

function hasRequired(needs: readonly boolean[]): boolean {
  return needs.includes(true)
}

function responsesOf(binding: RestBinding, sources: OperationSources, example: Example | undefined): Schema {
  const { method, status } = binding
  const { schemas } = sources
  const errors = sources.errors.of(binding, reasonsOf(method))
  const success = {
    description: 'The call has succeeded',
    ...linkHeader(binding),
    ...(!binding.hasNoBody && { content: contentOf(binding, sources) }),
  }
  const all = merge(
    { [status]: success, ...errors },
    ADDED_RESPONSES[shortName(method)]?.(() => schemas.answer(method.output)),
  )
  return sources.errors.share(example === undefined || example.status >= 400 ? all : withExample(all, example))
}

/** Adds responses. One whose status is known adds its content to the known one. */
function merge(
  responses: Record<string, Schema>,
  added: Readonly<Record<string, Schema>> = {},
): Record<string, Schema> {
  const merged = { ...responses }
  for (const [status, response] of Object.entries(added)) {
    const known = merged[status]
    merged[status] =
      known === undefined
        ? response
        : {
            ...known,
            description: [known['description'], response['description']].join('\n'),
            content: { ...Object(known['content']), ...Object(response['content']) },
          }
  }
  return merged
}

/** Adds the example of the answer to its response. */
function withExample(
  responses: Record<string, Schema>,
  { status, mediaType, answer }: Example,
): Record<string, Schema> {
  const response = responses[status]
  const content: Readonly<Record<string, Schema>> | undefined = Object(response?.['content'])
  const media = content?.[mediaType]
  if (response === undefined || media === undefined) return responses
  return {
    ...responses,
    [status]: { ...response, content: { ...content, [mediaType]: { ...media, example: answer } } },
  }
}

function linkHeader({ method, responseBody }: RestBinding): Schema {
  const isPaged =
    responseBody?.fieldKind === 'list' && method.output.fields.some(({ name }) => name === 'next_page_token')
  return isPaged ? { headers: { Link: { $ref: '#/components/headers/Link' } } } : {}
}

/** Returns the media types of a successful answer, with their schemas. */
function contentOf({ method, responseBody }: RestBinding, { schemas, representations }: OperationSources): Schema {
  if (method.methodKind === 'server_streaming') return { 'text/event-stream': eventsOf(method, schemas) }
  const resource = representations[methodName(method)]
  const others = (resource?.representations ?? []).map(({ mediaType }) => mediaType)
  const first = resource?.inPlaceOfJson?.mediaType
  return {
    ...(first === undefined
      ? { 'application/json': { schema: answerSchema(method, responseBody, schemas) } }
      : { [textOf(first)]: { schema: represented(first) } }),
    ...Object.fromEntries(others.map((type) => [textOf(type), { schema: represented(type) }])),
  }
}

function answerSchema({ output }: DescMethod, field: RestBinding['responseBody'], schemas: Schemas): Schema {
  if (field === undefined) return schemas.answer(output)
  // A field of an answer may be null, but never the whole answer.
  return field.fieldKind === 'message' ? schemas.answer(field.message) : schemas.answered(field)
}

/** Returns the schema of a stream: `x-events` has the data of each event by its name. */
function eventsOf({ output }: DescMethod, schemas: Schemas): Schema {
  return {
    schema: { type: 'string' },
    'x-events': {
      ...Object.fromEntries(output.fields.map((field) => [field.name, schemas.answered(field)])),
      error: { $ref: '#/components/schemas/Problem' },
    },
  }
}

function represented({ subtype }: MediaType): Schema {
  if (subtype === 'did-resolution' || subtype === 'ld+json') return { $ref: '#/components/schemas/DidResolutionResult' }
  return subtype.endsWith('json') ? { type: 'object' } : { type: 'string' }
}

function textOf({ type, subtype, profile }: MediaType): string {
  return `${type}/${subtype}${profile === undefined ? '' : `;profile="${profile}"`}`
}
