/** The part of a tracer of `@opentelemetry/api` that the SDK uses. */
export interface Tracer {
  startSpan(name: string, options: { readonly kind: number; readonly attributes: Attributes }): TracerSpan
}

/** The part of a span of `@opentelemetry/api` that the SDK uses. */
export interface TracerSpan {
  spanContext(): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number }
  setAttribute(name: string, value: string | number): unknown
  setStatus(status: { readonly code: number }): unknown
  end(): void
}

type Attributes = Record<string, string | number>
type Fetch = typeof globalThis.fetch

/** Options of {@link tracedFetch}. */
export interface TracedFetchOptions {
  /** The DID of the agent, if the spans may name it (`gen_ai.agent.identity.id`). */
  readonly agent?: string | undefined
  /** Used instead of the platform's fetch. */
  readonly fetch?: Fetch | undefined
}

/** SpanKind.CLIENT and SpanStatusCode.ERROR of `@opentelemetry/api`. */
const CLIENT = 2
const ERROR = 2
/** The ends of the paths at which a server gives tokens. */
const TOKEN_PATHS = ['/v1/token', '/oauth/token'] as const

/**
 * Makes a fetch for the option `fetch` of an agent. Each request is a span, `auth4agent token` or
 * `auth4agent request`, a part of the active span of the program. Each request carries `traceparent` (W3C Trace
 * Context), unless it has one. No span has a URL, a header or a body.
 *
 * Do not use it beside an instrumentation of fetch, which would add the header again.
 *
 * @example
 *
 * ```ts
 * import { trace } from '@opentelemetry/api'
 * import { createAgent } from '@auth4agent/sdk'
 * import { readKeyFile } from '@auth4agent/sdk/node'
 * import { tracedFetch } from '@auth4agent/sdk/traces'
 *
 * const agent = createAgent({
 *   server: 'https://auth.example.com',
 *   did: 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227',
 *   key: await readKeyFile('agent.key'),
 *   fetch: tracedFetch(trace.getTracer('my-agent')),
 * })
 * ```
 */
export function tracedFetch(tracer: Tracer, { agent, fetch = globalThis.fetch }: TracedFetchOptions = {}): Fetch {
  return async (input, init) => {
    const { hostname, pathname } = new URL(input instanceof Request ? input.url : input)
    const name = TOKEN_PATHS.some((path) => pathname.endsWith(path)) ? 'auth4agent token' : 'auth4agent request'
    const attributes = { 'server.address': hostname, ...(agent !== undefined && { 'gen_ai.agent.identity.id': agent }) }
    const span = tracer.startSpan(name, { kind: CLIENT, attributes })
    try {
      const response = await fetch(input, { ...init, headers: withTrace(input, init, span) })
      span.setAttribute('http.response.status_code', response.status)
      return response
    } catch (error) {
      span.setAttribute('error.type', error instanceof Error ? error.name : 'Error')
      span.setStatus({ code: ERROR })
      throw error
    } finally {
      span.end()
    }
  }
}

function withTrace(input: Parameters<Fetch>[0], init: RequestInit | undefined, span: TracerSpan): Headers {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
  const { traceId, spanId, traceFlags } = span.spanContext()
  const flags = (traceFlags & 1).toString().padStart(2, '0')
  if (!headers.has('traceparent')) headers.set('traceparent', `00-${traceId}-${spanId}-${flags}`)
  return headers
}
