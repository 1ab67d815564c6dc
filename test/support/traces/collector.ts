import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from '../until.ts'
import { type ExportedSpan, readSpans } from './read-spans.ts'

/** A collector of traces over OTLP and HTTP, which keeps what it gets. */
export interface Collector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string
  /** All spans so far. */
  readonly spans: readonly ExportedSpan[]
  /** All bytes so far, as they came. */
  readonly bytes: Buffer
  /** The headers of each request so far. */
  readonly headers: readonly IncomingHttpHeaders[]
  /** Waits for a span of this name, and returns it. */
  find(name: string, isWanted?: (span: ExportedSpan) => boolean): Promise<ExportedSpan>
  close(): Promise<void>
}

/** Answers a request. The default takes the spans. */
export type Answer = (response: ServerResponse) => void

/** Starts a collector on a free port of loopback. */
export async function startCollector(answer: Answer = (response) => void response.end()): Promise<Collector> {
  const bodies: Buffer[] = []
  const spans: ExportedSpan[] = []
  const headers: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts)
      headers.push(request.headers)
      if (request.url === '/v1/traces') spans.push(...readSpans(body))
      bodies.push(body)
      answer(response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    headers,
    get bytes() {
      return Buffer.concat(bodies)
    },
    async find(name, isWanted = () => true) {
      const found = async () => spans.find((span) => span.name === name && isWanted(span))
      const span = await until(found, (each) => each !== undefined)
      if (span === undefined) throw new Error(`The collector has no span ${name}`)
      return span
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
