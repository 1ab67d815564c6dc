import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificate } from '../../test/support/certificate.ts'
import { fakeRpc } from '../../test/support/fake-rpc.ts'
import { HTTP_PORT_CONFIG, silentLog } from '../../test/support/gateway.ts'
import { createOperations } from '../operations/server.ts'
import type { HttpPortConfig } from './config.ts'

/** The operations port is the HTTP port with the fewest routes. */
async function start(config: Partial<HttpPortConfig>, metrics = async () => '') {
  const closedFor: string[] = []
  const port = createOperations({
    rpc: fakeRpc(),
    log: silentLog,
    connectionClosed: (_port, reason) => closedFor.push(reason),
    metrics: { contentType: 'text/plain', metrics },
    ready: () => [],
    config: { ...HTTP_PORT_CONFIG, ...config },
  })
  const { port: number } = await port.listen()
  onTestFinished(() => port.close())
  return { number, closedFor, close: () => port.close() }
}

/** Opens a connection that says nothing, or what it is told, and nothing more. */
async function silent(port: number, words = ''): Promise<{ socket: Socket; closed: Promise<unknown> }> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => undefined).resume()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  if (words !== '') socket.write(words)
  onTestFinished(() => void socket.destroy())
  return { socket, closed }
}

const TLS = { baseUrl: 'https://localhost', tls: certificate }
/** The first bytes of a TLS record with a ClientHello. */
const HALF_HELLO = '\x16\x03\x01\x02'
const CASES: [string, Partial<HttpPortConfig>, string][] = [
  ['a plain port without a byte', {}, ''],
  ['a plain port with half a request', {}, 'GET /health HTTP/1.1\r\nhost'],
  ['a TLS port without a byte', TLS, ''],
  ['a TLS port with half a handshake', TLS, HALF_HELLO],
]

describe('a silent connection', () => {
  it.each(CASES)('of %s is closed after the request timeout', async (_name, config, words) => {
    const { number } = await start({ ...config, requestTimeoutMs: 300 })
    const { closed } = await silent(number, words)
    const startedAt = performance.now()
    await closed
    // Node itself would take two minutes.
    expect(performance.now() - startedAt).toBeLessThan(20_000)
  })

  it.each(CASES)('of %s does not keep the port from closing', async (_name, config, words) => {
    const { number, close } = await start({ ...config, requestTimeoutMs: 300_000 })
    const { closed } = await silent(number, words)
    const startedAt = performance.now()
    await Promise.all([close(), closed])
    // Less than what requests in flight get.
    expect(performance.now() - startedAt).toBeLessThan(9_000)
  })

  it('over an established TLS connection is closed after the request timeout', async () => {
    const { number } = await start({ ...TLS, requestTimeoutMs: 300 })
    const socket = connectTls({ port: number, host: 'localhost', ca: certificate.cert })
    socket.on('error', () => undefined).resume()
    await once(socket, 'secureConnect')
    await once(socket, 'close')
  })
})

describe('the connections of an HTTP port', () => {
  it.each([
    ['of one source', { maxSourceConnections: 2 }],
    ['in all', { maxConnections: 2 }],
  ])('are bounded %s: the one idle for longest makes room', async (_name, config) => {
    const { number, closedFor } = await start(config)
    const [first] = [await silent(number), await silent(number)]
    const third = await fetch(`http://127.0.0.1:${number}/health`)
    expect(third.status).toBe(200)
    await first.closed
    expect(closedFor).toEqual(['evicted'])
  })

  it('of a trusted proxy are not counted by source', async () => {
    const { number, closedFor } = await start({ maxSourceConnections: 1, trustedProxies: ['127.0.0.1'] })
    const [first, second] = [await silent(number), await silent(number)]
    expect((await fetch(`http://127.0.0.1:${number}/health`)).status).toBe(200)
    expect([first.socket.destroyed, second.socket.destroyed, closedFor]).toEqual([false, false, []])
  })

  it('are refused while all others are busy', async () => {
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<string>()
    const metrics = () => {
      asked.resolve()
      return answer.promise
    }
    const { number, closedFor } = await start({ maxConnections: 1 }, metrics)
    const busy = fetch(`http://127.0.0.1:${number}/metrics`)
    await asked.promise
    const late = await silent(number)
    await late.closed
    expect(closedFor).toEqual(['full'])
    answer.resolve('a 1')
    expect(await (await busy).text()).toBe('a 1')
  })
})
