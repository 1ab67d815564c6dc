import { once } from 'node:events'
import { Socket } from 'node:net'
import { connect, createServer as createTlsServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificate } from '../../../test/support/certificate.ts'
import { reportClosedConnections } from './closed-connections.ts'
import { type ClosedFor, createConnections } from './connections.ts'

function setUp(max: number, maxPerSource: number) {
  const clock = { now: 0 }
  const closed: ClosedFor[] = []
  const connections = createConnections({
    max,
    maxPerSource,
    onClosed: (reason) => closed.push(reason),
    now: () => clock.now,
  })
  const admit = (source: string | undefined) => {
    const socket = new Socket()
    clock.now += 1
    return { socket, connection: connections.admit(socket, source) }
  }
  return { clock, closed, connections, admit }
}

describe('createConnections', () => {
  it('closes the connection that has been idle longest when all places are taken', () => {
    const { admit, connections, closed } = setUp(2, 2)
    const first = admit('a')
    const second = admit('b')
    first.connection?.begin()
    first.connection?.end()
    const third = admit('c')
    expect([first, second, third].map(({ socket }) => socket.destroyed)).toEqual([false, true, false])
    expect(connections.size()).toBe(2)
    expect(closed).toEqual(['evicted'])
  })

  it('closes an idle connection of the same source when the source has reached its limit', () => {
    const { admit, closed } = setUp(10, 2)
    const other = admit('b')
    const mine = [admit('a'), admit('a'), admit('a')]
    expect(mine.map(({ socket }) => socket.destroyed)).toEqual([true, false, false])
    expect(other.socket.destroyed).toBe(false)
    expect(closed).toEqual(['evicted'])
  })

  it('refuses a new connection when no other is idle', () => {
    const { admit, closed } = setUp(2, 1)
    admit('a').connection?.begin()
    expect(admit('a').socket.destroyed).toBe(true)
    admit('b').connection?.begin()
    const late = admit('c')
    expect([late.connection, late.socket.destroyed]).toEqual([undefined, true])
    expect(closed).toEqual(['source_full', 'full'])
  })

  it('keeps a connection busy until every request on it has ended', () => {
    const { admit } = setUp(1, 1)
    const { connection, socket } = admit('a')
    connection?.begin()
    connection?.begin()
    connection?.end()
    expect(admit('b').socket.destroyed).toBe(true)
    connection?.end()
    expect(admit('b').socket.destroyed).toBe(false)
    expect(socket.destroyed).toBe(true)
  })

  it('counts connections of a trusted proxy only in total', () => {
    const { admit } = setUp(3, 1)
    const opened = [admit(undefined), admit(undefined), admit(undefined), admit(undefined)]
    expect(opened.map(({ socket }) => socket.destroyed)).toEqual([true, false, false, false])
  })

  it('frees the place of a closed connection once', async () => {
    const { admit, connections } = setUp(2, 1)
    const { socket, connection } = admit('a')
    socket.destroy()
    await once(socket, 'close')
    expect(connections.size()).toBe(0)
    connection?.begin()
    connection?.end()
    connections.closeIdle(0)
    expect(connections.size()).toBe(0)
    expect(admit('a').connection).toBeDefined()
  })

  it('closes connections that have been idle for the given time, and no busy ones', () => {
    const { admit, connections, clock } = setUp(9, 9)
    const [old, busy] = [admit('a'), admit('a')]
    busy.connection?.begin()
    clock.now += 500
    const young = admit('a')
    connections.closeIdle(500)
    expect([old, busy, young].map(({ socket }) => socket.destroyed)).toEqual([true, false, false])
  })

  it('resolves allClosed only when every connection is closed, also the evicted ones', async () => {
    const { admit, connections } = setUp(1, 1)
    admit('a')
    admit('b')
    const closed = connections.allClosed()
    connections.closeAll()
    await closed
    await connections.allClosed()
    expect(connections.size()).toBe(0)
  })

  it('finds the connection below a TLS socket, and closes both sockets', async () => {
    const { connections } = setUp(9, 9)
    const server = createTlsServer(certificate)
    const admitted: unknown[] = []
    server.on('connection', (socket) => admitted.push(connections.admit(socket, '127.0.0.1')))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const client = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: certificate.cert })
    const [above]: Socket[] = await once(server, 'secureConnection')
    if (above === undefined) throw new Error('no connection')
    expect(connections.find(above)).toBe(admitted[0])
    expect(connections.find(new Socket())).toBeUndefined()
    const ended = Promise.all([once(above, 'close'), once(client.resume(), 'close')])
    connections.closeAll()
    await Promise.all([ended, connections.allClosed()])
    expect(connections.size()).toBe(0)
  })
})

describe('reportClosedConnections', () => {
  it('counts every connection and logs at most once in ten seconds', () => {
    const clock = { now: 0 }
    const lines: unknown[] = []
    const counted: string[] = []
    const report = reportClosedConnections({
      port: 'http',
      log: { warn: (fields) => lines.push(fields) },
      count: (port, reason) => counted.push(`${port} ${reason}`),
      now: () => clock.now,
    })
    report('full')
    for (let n = 0; n < 100; n += 1) report('evicted')
    clock.now = 10_000
    report('full')
    expect(counted).toHaveLength(102)
    expect(lines).toEqual([
      { port: 'http', closed: { full: 1 } },
      { port: 'http', closed: { evicted: 100, full: 1 } },
    ])
  })
})
