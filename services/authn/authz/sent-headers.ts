import type { AttributeContext_HttpRequest } from '../../../gen/proto/envoy/service/auth/v3/attribute_context_pb.ts'
import { type Refusal, refusal } from './refusal.ts'

/** The headers that a client sent, by their names in lower case. Several values are joined by commas, as in Envoy. */
export type SentHeaders = ReadonlyMap<string, string>

/** A header of this size, in bytes, is refused. */
const TOO_LARGE = 64 * 1024

const known = new WeakMap<AttributeContext_HttpRequest, SentHeaders | Refusal>()

/** Reads the headers of a check request once, for the limits and for the decision. */
export function sentHeadersOf(http: AttributeContext_HttpRequest): SentHeaders | Refusal {
  const read = known.get(http) ?? readSentHeaders(http)
  known.set(http, read)
  return read
}

/**
 * Reads the headers of a check request: the map of Envoy, and the list that newer Envoys send instead
 * (`encode_raw_headers`). Bytes of the list are read as ISO 8859-1, so no byte becomes another one.
 */
function readSentHeaders({ headers, headerMap }: AttributeContext_HttpRequest): SentHeaders | Refusal {
  const sent = new Map<string, string>()
  const add = (name: string, value: string): void => {
    const key = name.toLowerCase()
    const earlier = sent.get(key)
    sent.set(key, earlier === undefined ? value : `${earlier},${value}`)
  }
  for (const name in headers) add(name, headers[name] ?? '')
  for (const { key, value, rawValue } of headerMap?.headers ?? []) {
    if (value !== '' && rawValue.length > 0) return refusal('HEADER_AMBIGUOUS')
    add(key, value === '' ? Buffer.from(rawValue).toString('latin1') : value)
  }
  for (const [name, value] of sent) if (name.length + value.length >= TOO_LARGE) return refusal('HEADER_TOO_LARGE')
  return sent
}

/**
 * Returns the names of headers that an API could take for a header with this prefix: many servers treat `_` and other
 * characters like `-` (RFC 3875 section 4.1.18).
 *
 * @param prefix in lower case, letters, digits and hyphens alone
 */
export function namesLike(sent: SentHeaders, prefix: string): string[] {
  const names: string[] = []
  for (const name of sent.keys()) if (isLike(name, prefix)) names.push(name)
  return names
}

function isLike(name: string, prefix: string): boolean {
  if (name.length < prefix.length || name.charCodeAt(0) !== prefix.charCodeAt(0)) return false
  return name.slice(0, prefix.length).replaceAll(/[^a-z0-9]/g, '-') === prefix
}
