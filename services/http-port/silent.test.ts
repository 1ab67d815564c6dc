import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificate } from '../../test/support/certificate.ts'
import { fakeRpc } from '../../test/support/fake-rpc.ts'
import { HTTP_PORT_CONFIG, silentLog } from '../../test/support/gateway.ts'
import { createOperations } from '../operations/server.ts'
import type { HttpPortConfig } from './config.ts'

/** Starts the operations port, which is the HTTP port with the fewest routes. */
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

/** Opens a connection that sends only `words`. */
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
  ['without TLS that sends no byte', {}, ''],
  ['without TLS that sends half a request', {}, 'GET /health HTTP/1.1\r\nhost'],
  ['over TLS that sends no byte', TLS, ''],
  ['over TLS that sends half a handshake', TLS, HALF_HELLO],
]

describe('the HTTP port, with a silent connection', () => {
  it.each(CASES)('closes a connection %s after the request timeout', async (_name, config, words) => {
    const { number } = await start({ ...config, requestTimeoutMs: 300 })
    const { closed } = await silent(number, words)
    const startedAt = performance.now()
    await closed
    // Node itself would take two minutes.
    expect(performance.now() - startedAt).toBeLessThan(20_000)
  })

  it.each(CASES)('does not wait at its close for a connection %s', async (_name, config, words) => {
    const { number, close } = await start({ ...config, requestTimeoutMs: 300_000 })
    const { closed } = await silent(number, words)
    const startedAt = performance.now()
    await Promise.all([close(), closed])
    // This is less than the ten seconds that running requests get.
    expect(performance.now() - startedAt).toBeLessThan(9_000)
  })

  it('closes an established TLS connection that sends no request after the request timeout', async () => {
    const { number } = await start({ ...TLS, requestTimeoutMs: 300 })
    const socket = connectTls({ port: number, host: 'localhost', ca: certificate.cert })
    socket.on('error', () => undefined).resume()
    await once(socket, 'secureConnect')
    await once(socket, 'close')
  })
})

describe('the HTTP port, with many connections', () => {
  it.each([
    ['of connections from one source', { maxSourceConnections: 2 }],
    ['of all connections', { maxConnections: 2 }],
  ])('closes the connection that has been idle for the longest time at the limit %s', async (_name, config) => {
    const { number, closedFor } = await start(config)
    const [first] = [await silent(number), await silent(number)]
    const third = await fetch(`http://127.0.0.1:${number}/health`)
    expect(third.status).toBe(200)
    await first.closed
    expect(closedFor).toEqual(['evicted'])
  })

  it('does not limit connections from a trusted proxy by source', async () => {
    const { number, closedFor } = await start({ maxSourceConnections: 1, trustedProxies: ['127.0.0.1'] })
    const [first, second] = [await silent(number), await silent(number)]
    expect((await fetch(`http://127.0.0.1:${number}/health`)).status).toBe(200)
    expect([first.socket.destroyed, second.socket.destroyed, closedFor]).toEqual([false, false, []])
  })

  it('closes a new connection while all others are busy', async () => {
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
