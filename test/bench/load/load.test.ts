import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Http2Server } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lookAround } from '../machine.ts'
import { type EchoServer, startEchoServer } from './echo-server.ts'
import { putLoad } from './load.ts'

const found = await lookAround()
const GENERATORS = [...(found.wrk ? ['wrk'] : []), 'autocannon']

/** Checks what the benchmark assumes about its load generators. */
describe.each(GENERATORS)('a load by %s', (generator) => {
  let folder: string
  let server: EchoServer

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'a4a-load-'))
    server = await startEchoServer()
  })
  afterAll(async () => {
    server.close()
    await rm(folder, { recursive: true, force: true })
  })

  const load = (bodies: readonly string[], once: boolean) =>
    putLoad({
      machine: { pins: false, wrk: generator === 'wrk', h2load: false },
      folder,
      url: server.url,
      protocol: 'http',
      contentType: 'text/plain',
      bodies,
      once,
      connections: 2,
      seconds: 1,
    })

  it('sends each body once, and counts the requests and the answers', async () => {
    const { received } = server
    const bodies = Array.from({ length: 200_000 }, (_, index) => `body ${index}`)
    const { requests, sent, failures, exhausted, p50Us, p99Us } = await load(bodies, true)
    expect(new Set(received).size).toBe(received.length)
    expect(received).toContain('text/plain body 5')
    expect({ failures, exhausted }).toEqual({ failures: 0, exhausted: false })
    expect(requests).toBeGreaterThan(0)
    expect(requests).toBeLessThanOrEqual(received.length)
    expect(received.length).toBeLessThanOrEqual(sent)
    expect(p50Us).toBeLessThanOrEqual(p99Us)
  })

  it('reports exhausted when there are too few bodies', async () => {
    expect(await load(['one', 'two', 'three'], true)).toMatchObject({ exhausted: true })
  })

  it('counts each answer other than 200', async () => {
    const { requests, failures } = await load(['good', 'refuse'], false)
    expect(failures / requests).toBeCloseTo(1 / 2, 1)
  })
})

const GRPC_GENERATORS = [...(found.h2load ? ['h2load'] : []), 'node:http2']

describe.each(GRPC_GENERATORS)('a load of gRPC by %s', (generator) => {
  let folder: string
  let server: Http2Server
  let url: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'a4a-load-'))
    server = createServer().on('stream', (stream, headers) => {
      stream.respond({ ':status': headers[':path'] === '/refused' ? 503 : 200 }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(Buffer.alloc(50))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  afterAll(async () => {
    server.close()
    await rm(folder, { recursive: true, force: true })
  })

  const load = (path: string) =>
    putLoad({
      machine: { pins: false, wrk: false, h2load: generator === 'h2load' },
      folder,
      url: url + path,
      protocol: 'grpc',
      contentType: 'application/grpc',
      bodies: [Buffer.from('frame')],
      once: false,
      connections: 2,
      seconds: 1,
    })

  it('counts answers and their bytes', async () => {
    const { requests, failures, bytes } = await load('/service/method')
    expect(requests).toBeGreaterThan(0)
    expect({ failures, bytes }).toEqual({ failures: 0, bytes: 50 * requests })
  })

  it('counts each answer other than 200', async () => {
    expect((await load('/refused')).failures).toBeGreaterThan(0)
  })
})
