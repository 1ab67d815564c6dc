/** Separates what belongs in a header from a body. Neither a JSON text nor a form has a raw tab. */
const SEPARATOR = '\t'
/** Begins a request that has a token in its header, and no body. */
const GET = 'GET'

/** Returns a body that generators send with a DPoP proof in its header. */
export function withProof(proof: string, body: string): string {
  return `${proof}${SEPARATOR}${body}`
}

/** Returns what generators send as a GET with a bearer token. */
export function getWithToken(token: string): string {
  return `${GET}${SEPARATOR}${token}`
}

/** One request: its method, its headers besides those that all have, and its body. */
interface SplitRequest {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Returns the request that a line of a generator's file stands for. */
export function splitRequest(line: string): SplitRequest {
  const at = line.indexOf(SEPARATOR)
  if (at === -1) return { method: 'POST', headers: {}, body: line }
  const [first, rest] = [line.slice(0, at), line.slice(at + 1)]
  if (first === GET) return { method: 'GET', headers: { authorization: `Bearer ${rest}` }, body: '' }
  return { method: 'POST', headers: { dpop: first }, body: rest }
}
