import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { afterEach, expect, it, vi } from 'vitest'
import { startCollector } from '../../../test/support/traces/collector.ts'
import { until } from '../../../test/support/until.ts'
import { StartupError } from '../errors/startup-error.ts'
import { createSpanProcessor } from './exporter.ts'
import { startTracing } from './open-telemetry.ts'

afterEach(() => vi.unstubAllEnvs())

const ALWAYS = { name: 'always_on', ratio: 1 } as const

const begin = () => startTracing({ sampler: ALWAYS, serviceName: 'auth4agent', ...lines() })

function lines() {
  const written: string[] = []
  const note = (_fields: object, message: string) => void written.push(message)
  return { written, log: { info: note, warn: note } }
}

it('the packages read collector, headers, service and resource from the environment', async () => {
  const collector = await startCollector()
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url)
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-key=abc')
  vi.stubEnv('OTEL_SERVICE_NAME', 'mine')
  const tracing = startTracing({ sampler: ALWAYS, serviceName: 'auth4agent', ...lines() })
  tracing.begin('log batch', {}).end()
  await tracing.stop()
  expect(collector.spans).toMatchObject([{ name: 'log batch', service: 'mine' }])
  expect(collector.headers[0]).toMatchObject({ 'x-key': 'abc', 'content-type': 'application/x-protobuf' })
  expect(tracing.counts).toEqual({ exported: 1, failed: 0, dropped: 0 })
  await collector.close()
})

it.each([
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '-5'],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'brotli'],
  ['OTEL_EXPORTER_OTLP_CERTIFICATE', '/nowhere/ca.pem'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'no pair'],
])('startTracing refuses a value of %s that the packages would ignore', (name, value) => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:9')
  vi.stubEnv(name, value)
  expect(begin).toThrow(StartupError)
  expect(begin).toThrow(/^A setting of traces is wrong: /)
})

it.each([
  ['refuses connections', undefined],
  [
    'answers errors',
    (server: Server) => server.on('request', (_request, response) => response.writeHead(400).end('no')),
  ],
])('a collector that %s costs one line in the log, and its spans are counted', async (_name, behave) => {
  const server = createServer()
  behave?.(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  if (behave === undefined) await new Promise((resolve) => server.close(resolve))
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${port}`)
  vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '500')
  const { written, log } = lines()
  const counts = { exported: 0, failed: 0, dropped: 0 }
  const processor = createSpanProcessor(counts, log)
  const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer('test')
  for (let round = 1; round <= 3; round += 1) {
    tracer.startSpan('call').end()
    await processor.forceFlush()
  }
  expect(counts).toEqual({ exported: 0, failed: 3, dropped: 0 })
  expect(written).toEqual(['the collector of traces takes no spans'])
  server.close()
})

it('a collector that never answers costs a bounded memory: further spans are dropped and counted', async () => {
  const waiting: (() => void)[] = []
  const collector = await startCollector((response) => void waiting.push(() => response.end()))
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url)
  const { written, log } = lines()
  const counts = { exported: 0, failed: 0, dropped: 0 }
  const processor = createSpanProcessor(counts, log)
  const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer('test')
  for (let count = 0; count < 10_000; count += 1) tracer.startSpan('call').end()
  // One batch is on its way, and as many spans as may wait do wait.
  expect(counts.dropped).toBe(10_000 - 512 - 2_048)
  await until(
    async () => waiting.length,
    (count) => count > 0,
  )
  for (const answer of waiting.splice(0)) answer()
  await until(
    async () => counts.exported,
    (count) => count >= 512,
  )
  expect(written).toEqual([])
  await collector.close()
})
