import type { DescMethod } from '@bufbuild/protobuf'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { restForm } from '../support/contract.ts'
import type { HttpRequest } from '../support/http.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { NOBODY } from './valid-requests.ts'

/** The largest body and gRPC message, in bytes. */
export const LIMIT = 64 * 1024

/** Returns a text of this many bytes. */
export const ascii = (length: number) => 'a'.repeat(length)

/** Returns a request with nothing but the names in its path. */
export const bare = (method: DescMethod) => () =>
  Object.fromEntries(restForm(method).pathFields.map((name) => [name, NOBODY]))

/** Returns a case about a REST request that is bare before `http` changes it. */
export function overRest(
  method: DescMethod,
  reason: ReasonCode,
  name: string,
  http: (request: HttpRequest) => HttpRequest,
): RefusalCase {
  return { name, method, reason, over: ['rest'], request: bare(method), http }
}

/** Replaces body and content type. */
export const withBody = (body: string | Uint8Array, type?: string) => (request: HttpRequest) => ({
  ...request,
  body,
  headers: type === undefined ? {} : { 'content-type': type },
})

/** Adds a query. */
export const withQuery = (query: string) => (request: HttpRequest) => ({ ...request, path: `${request.path}?${query}` })
