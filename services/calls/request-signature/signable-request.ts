import type { IncomingMessage } from 'node:http'

/** The parts of a REST request that an HTTP message signature may cover (RFC 9421 section 2). */
export interface SignableRequest {
  /** The HTTP method as sent. */
  readonly method: string
  /** The public URL of the request, with its query. */
  readonly url: string
  /** The headers of the signature and the headers that it names, in the order in which they were sent. */
  readonly fields: readonly Field[]
}

/** One header of a request. */
export interface Field {
  readonly name: string
  readonly value: string
}

const ALWAYS: readonly string[] = ['signature-input', 'signature', 'content-digest']
const QUOTED = /"([^"\\]+)"/g

/**
 * Returns the parts of a REST request that a signature may cover. Returns an object to spread into the Meta of the
 * request: it is empty without the headers of a signature.
 * @param url the public URL of the request, without query
 * @param query the query as sent, without its question mark
 */
export function signableRequest(
  { headers, rawHeaders, method = '' }: Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'method'>,
  url: string,
  query: string,
): { readonly signable?: SignableRequest } {
  const input = headers['signature-input']
  if (input === undefined && headers['signature'] === undefined) return {}
  const wanted = new Set([...ALWAYS, ...namesIn([input ?? ''].flat().join())])
  const fields = rawHeaders.flatMap((raw, index) => {
    const name = raw.toLowerCase()
    return index % 2 === 0 && wanted.has(name) ? [{ name, value: rawHeaders[index + 1] ?? '' }] : []
  })
  return { signable: { method, url: query === '' ? url : `${url}?${query}`, fields } }
}

/** Returns all quoted texts of a Signature-Input. The names of the covered headers are among them. */
function namesIn(input: string): string[] {
  return [...input.matchAll(QUOTED)].map(([, name = '']) => name)
}
