/** The form of TRACEPARENT: version 00 of W3C Trace Context. */
const TRACEPARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/

type Fetch = typeof globalThis.fetch

/**
 * Makes a fetch that continues the trace of the program which has started the tool. Such a program sets the variable
 * TRACEPARENT (OpenTelemetry, environment variables as carriers). A malformed one is ignored.
 */
export function continueTrace(fetch: Fetch, env: Readonly<Record<string, string | undefined>>): Fetch {
  const traceparent = env['TRACEPARENT'] ?? ''
  if (!TRACEPARENT.test(traceparent)) return fetch
  return (input, init) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    if (!headers.has('traceparent')) headers.set('traceparent', traceparent)
    return fetch(input, { ...init, headers })
  }
}
