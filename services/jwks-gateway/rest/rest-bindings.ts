import { type DescField, type DescMethod, type DescService, getOption, hasOption } from '@bufbuild/protobuf'
import { rest } from '../../../gen/proto/auth4agent/v1/options_pb.ts'
import { http } from '../../../gen/proto/google/api/annotations_pb.ts'
import type { HttpRule } from '../../../gen/proto/google/api/http_pb.ts'
import { fieldOf, type PathTemplate, parsePathTemplate } from './path-template.ts'

/** The HTTP methods of bindings. */
type Verb = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH'

/** One way to call a method over REST. */
export interface RestBinding {
  readonly method: DescMethod
  readonly verb: Verb
  readonly path: PathTemplate
  /**
   * The content of the body: the whole request message (`*`), one field of the message, or nothing. The other fields
   * are query parameters.
   */
  readonly body: '*' | DescField | undefined
  /** The field of the response that is sent as the answer, or undefined for the whole response. */
  readonly responseBody: DescField | undefined
  /** The HTTP status of a successful answer. */
  readonly status: number
  /** Whether requests are form-encoded and errors are those of OAuth. */
  readonly isForm: boolean
  /** Whether a successful answer has no body. */
  readonly hasNoBody: boolean
}

const VERBS = { get: 'GET', put: 'PUT', post: 'POST', delete: 'DELETE', patch: 'PATCH' } as const

/**
 * Returns all REST bindings of the services, from their `google.api.http` options. Methods without the option have
 * none.
 */
export function restBindings(services: readonly DescService[]): RestBinding[] {
  return services.flatMap((service) => service.methods).flatMap(methodBindings)
}

function methodBindings(method: DescMethod): RestBinding[] {
  if (!hasOption(method, http)) return []
  const rule = getOption(method, http)
  return [rule, ...rule.additionalBindings].map((each) => binding(method, each))
}

function binding(method: DescMethod, rule: HttpRule): RestBinding {
  const { pattern } = rule
  if (pattern.case === undefined || pattern.case === 'custom') {
    throw new Error(`${method.toString()} must be bound to GET, PUT, POST, DELETE or PATCH`)
  }
  return {
    method,
    verb: VERBS[pattern.case],
    path: parsePathTemplate(pattern.value, method.input),
    body: rule.body === '' ? undefined : rule.body === '*' ? '*' : fieldOf(method.input, rule.body),
    responseBody: rule.responseBody === '' ? undefined : fieldOf(method.output, rule.responseBody),
    status: getOption(method, rest).successStatus || 200,
    isForm: getOption(method, rest).form,
    hasNoBody: getOption(method, rest).noBody,
  }
}
