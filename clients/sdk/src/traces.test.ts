import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { beforeEach, expect, it } from 'vitest'
import { tracedFetch } from './traces.ts'

const exporter = new InMemorySpanExporter()
const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }).getTracer('test')
const sent: Headers[] = []
beforeEach(() => {
  exporter.reset()
  sent.length = 0
})

/** A fetch that keeps the headers which it gets. */
const answering: typeof globalThis.fetch = async (input, init) => {
  sent.push(new Request(input, init).headers)
  return new Response('no', { status: 403 })
}
const failing = () => Promise.reject(new TypeError('fetch failed: secret'))
const spans = () => exporter.getFinishedSpans()

it.each([
  ['https://auth.example.com/v1/token', 'auth4agent token'],
  ['https://auth.example.com/base/oauth/token', 'auth4agent token'],
  ['https://api.example.com/orders?token=secret', 'auth4agent request'],
])('a request to %s is the span %s, and carries it', async (url, name) => {
  const headers = { authorization: 'Bearer secret' }
  await tracedFetch(tracer, { fetch: answering })(url, { method: 'POST', body: 'secret', headers })
  const [span] = spans()
  const { traceId, spanId } = span?.spanContext() ?? {}
  expect(span).toMatchObject({ name, kind: 2, attributes: { 'http.response.status_code': 403 } })
  expect(sent[0]?.get('traceparent')).toBe(`00-${traceId}-${spanId}-01`)
  expect(sent[0]?.get('authorization')).toBe('Bearer secret')
  expect(JSON.stringify([span?.name, span?.attributes, span?.status])).not.toContain('secret')
})

it('keeps the headers of a Request, and a traceparent that it has', async () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`
  await tracedFetch(tracer, { fetch: answering })(
    new Request('https://api.example.com', { headers: { traceparent, a: 'b' } }),
  )
  expect(Object.fromEntries(sent[0] ?? [])).toMatchObject({ traceparent, a: 'b' })
})

it('names the agent only if it may', async () => {
  const did = 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227'
  await tracedFetch(tracer, { fetch: answering })('https://api.example.com')
  await tracedFetch(tracer, { fetch: answering, agent: did })('https://api.example.com')
  expect(spans().map(({ attributes }) => attributes['gen_ai.agent.identity.id'])).toEqual([undefined, did])
})

it('ends the span of a request that fails, and throws its error', async () => {
  await expect(tracedFetch(tracer, { fetch: failing })('https://api.example.com')).rejects.toThrow('fetch failed')
  expect(spans()).toMatchObject([{ attributes: { 'error.type': 'TypeError' }, status: { code: 2 } }])
})
