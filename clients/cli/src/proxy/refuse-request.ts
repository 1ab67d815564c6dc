import type { IncomingMessage } from 'node:http'

/** A refusal with which the proxy itself answers a request. */
export interface Refusal {
  readonly status: number
  /** Stable reason code, like the codes of the server. */
  readonly reason: string
  /** For people: what to do. */
  readonly detail: string
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE'])
/**
 * Every current browser sends one of these, and no script can remove it. Sec-Fetch-Mode is missing here, because Node
 * sends it too.
 */
const BROWSER_HEADERS = ['sec-fetch-site', 'sec-fetch-dest', 'origin']

/**
 * Refuses a request that does not come from a tool on this machine; returns undefined for any other. A web page can
 * make a browser send requests to loopback, and with a name that resolves to loopback (DNS rebinding) these are
 * same-origin requests. So this function refuses every Host that is not loopback, and every request of a browser.
 */
export function refuseRequest({ method = '', headers }: IncomingMessage, port: number): Refusal | undefined {
  if (!isOwnHost(headers.host, port)) {
    return refusal(421, 'MISDIRECTED_REQUEST', `The Host header must be 127.0.0.1:${port}`)
  }
  if (BROWSER_HEADERS.some((name) => headers[name] !== undefined)) {
    return refusal(403, 'BROWSER_REFUSED', 'This proxy signs only for programs on this machine, not for web pages')
  }
  if (!METHODS.has(method)) return refusal(405, 'METHOD_NOT_ALLOWED', `The method must be ${[...METHODS].join(', ')}`)
  return undefined
}

function isOwnHost(host: string | undefined, port: number): boolean {
  return [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`].includes(host?.toLowerCase() ?? '')
}

/** Makes a refusal. */
export function refusal(status: number, reason: string, detail: string): Refusal {
  return { status, reason, detail }
}

/** Writes a refusal as a problem document (RFC 9457), with the `error` that version-1 clients print. */
export function problemText({ status, reason, detail }: Refusal): string {
  return JSON.stringify({ type: 'about:blank', title: detail, status, detail, reason, error: detail })
}
