import type { DescMethod, JsonObject, JsonValue } from '@bufbuild/protobuf'
import { restForm } from './contract.ts'
import type { HttpRequest } from './http.ts'

/** The media type of form-encoded requests. */
export const FORM_TYPE = 'application/x-www-form-urlencoded'

/** Builds a REST request with percent-encoded path fields, and with a query, JSON or a form as the contract says. */
export function restRequest(method: DescMethod, request: JsonObject): HttpRequest {
  const { verb, template, pathFields, body, isForm } = restForm(method)
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(textOf(request[name])))
  const rest = Object.fromEntries(Object.entries(request).filter(([name]) => !pathFields.includes(name)))
  if (isForm) return { verb, path, headers: { 'content-type': FORM_TYPE }, body: encodeForm(rest) }
  if (body === '') {
    const query = Object.entries(rest)
      .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((each) => [name, each] as const))
      .map(([name, value]) => `${name}=${encodeURIComponent(textOf(value))}`)
    return { verb, path: query.length === 0 ? path : `${path}?${query.join('&')}` }
  }
  const json = JSON.stringify(body === '*' ? rest : (rest[body] ?? null))
  return { verb, path, headers: { 'content-type': 'application/json' }, body: json }
}

/** Writes fields as a form (RFC 6749 appendix B). Leaves out null, and repeats the parameter of a list. */
function encodeForm(fields: JsonObject): string {
  return Object.entries(fields)
    .flatMap(([name, value]) => [value].flat().map((each) => [name, each] as const))
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${encodeURIComponent(textOf(value))}`)
    .join('&')
}

/** Returns a value as a path, a query or a form contains it. */
function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}
