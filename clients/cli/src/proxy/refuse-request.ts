import type { IncomingMessage } from 'node:http'

/** What the proxy itself answers instead of the server. */
export interface Refusal {
  readonly status: number
  /** Stable, as the server's reasons are. */
  readonly reason: string
  /** For people: what to do. */
  readonly detail: string
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE'])
/** Every browser of today sends one of them, and no script can take it away. Sec-Fetch-Mode is not among them: Node sends it too. */
const BROWSER_HEADERS = ['sec-fetch-site', 'sec-fetch-dest', 'origin']

/**
 * Why a request is none of a tool on this machine. A page can make a browser send requests to loopback, and a name that its
 * owner points at loopback makes the page's own origin of them: such a Host is refused, and so is whatever a browser sent.
 */
export function refuseRequest({ method = '', headers }: IncomingMessage, port: number): Refusal | undefined {
  if (!isOwnHost(headers.host, port)) {
    return refusal(421, 'MISDIRECTED_REQUEST', `The Host header must be 127.0.0.1:${port}.`)
  }
  if (BROWSER_HEADERS.some((name) => headers[name] !== undefined)) {
    return refusal(403, 'BROWSER_REFUSED', 'This proxy signs for programs on this machine, and not for web pages.')
  }
  if (!METHODS.has(method)) return refusal(405, 'METHOD_NOT_ALLOWED', 'There is no such call.')
  return undefined
}

function isOwnHost(host: string | undefined, port: number): boolean {
  return [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`].includes(host?.toLowerCase() ?? '')
}

/** Puts a refusal together. */
export function refusal(status: number, reason: string, detail: string): Refusal {
  return { status, reason, detail }
}

/** A refusal as a problem document (RFC 9457), with the `error` that clients of version 1 print. */
export function problemText({ status, reason, detail }: Refusal): string {
  return JSON.stringify({ type: 'about:blank', title: detail, status, detail, reason, error: detail })
}
