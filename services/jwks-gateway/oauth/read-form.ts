import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import { create, type DescField, type DescMethod, type Message, ScalarType } from '@bufbuild/protobuf'
import { ApiError } from '../../platform/errors/api-error.ts'
import { fieldOf } from '../rest/path-template.ts'

/** Builds the request message of an OAuth endpoint from the headers, the query and the body. Throws ApiError. */
export type FormReader = (headers: IncomingHttpHeaders, query: string, body: Buffer) => Message

/** The most parameters of a form. Decoding tens of thousands would cost more than the rest of the request. */
const MAX_PAIRS = 64
const FORM_TYPE = /^\s*application\/x-www-form-urlencoded\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i
const ESCAPE = /[%+]/

/**
 * Compiles the reader for form-encoded requests (RFC 6749 section 3.2 and appendix B). Every string field of the
 * request is a parameter. The reader ignores unknown parameters, as the RFC requires, and treats an empty parameter as
 * absent. A parameter may occur only once, except if its field is a list. A client must not authenticate in two ways
 * (RFC 6749 section 2.3).
 */
export function compileFormReader({ input }: DescMethod): FormReader {
  const assertion = fieldOf(input, 'client_assertion')
  const fields = new Map(input.fields.filter(isParameter).map((field) => [field.name, field]))
  return (headers, query, body) => {
    refuseOtherForms(headers, query)
    if (!isUtf8(body)) throw malformed('must be UTF-8')
    const message = create(input)
    const values = message as unknown as Record<string, string | string[]>
    const seen = new Set<DescField>()
    let hasSecret = false
    for (const [name, value] of pairsOf(body.toString('utf8'))) {
      const field = fields.get(name)
      hasSecret ||= name === 'client_secret' && value !== ''
      if (field === undefined) continue
      const current = values[field.localName]
      if (seen.has(field) && !Array.isArray(current)) throw malformed(`must not contain ${name} more than once`)
      seen.add(field)
      if (value === '') continue
      if (Array.isArray(current)) current.push(value)
      else values[field.localName] = value
    }
    if (hasSecret && seen.has(assertion)) throw malformed('must not contain both client_secret and client_assertion')
    return message
  }
}

function isParameter(field: DescField): boolean {
  return (field.fieldKind === 'scalar' || field.fieldKind === 'list') && field.scalar === ScalarType.STRING
}

/**
 * Refuses requests that use anything but the form and the client assertion in it. A client that sends parameters in
 * the query, or another authentication, would otherwise believe that the server has used them.
 */
function refuseOtherForms(headers: IncomingHttpHeaders, query: string): void {
  if (headers.authorization !== undefined) throw new ApiError('UNSUPPORTED_CLIENT_AUTHENTICATION')
  if (query !== '') throw new ApiError('INVALID_ARGUMENT', 'All parameters must be in the body, not in the query')
  if (!FORM_TYPE.test(headers['content-type'] ?? '')) {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'The content type must be application/x-www-form-urlencoded in UTF-8')
  }
  const coding = headers['content-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'The body must have no content coding')
  }
}

function pairsOf(text: string): [name: string, value: string][] {
  const pairs = text.split('&', MAX_PAIRS + 1)
  if (pairs.length > MAX_PAIRS) throw malformed(`must have at most ${MAX_PAIRS} parameters`)
  return pairs
    .filter((pair) => pair !== '')
    .map((pair) => {
      const cut = pair.indexOf('=')
      return cut < 0 ? [decode(pair), ''] : [decode(pair.slice(0, cut)), decode(pair.slice(cut + 1))]
    })
}

function decode(text: string): string {
  // Names and assertions have no escapes, and are most of a body.
  if (!ESCAPE.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw malformed('must not contain malformed percent-encoding')
  }
}

function malformed(problem: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', `The body ${problem}`)
}
