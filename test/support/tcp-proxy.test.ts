import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startTcpProxy, type TcpProxy, type TcpTarget } from './tcp-proxy.ts'
import { until } from './until.ts'

let servers: Server[]
let first: TcpTarget
let proxy: TcpProxy

beforeEach(async () => {
  servers = []
  first = await serverThatSays('first')
  proxy = await startTcpProxy(first)
})
afterEach(async () => {
  await proxy.close()
  for (const server of servers) server.close()
})

/** Starts a server that answers each chunk of bytes with its own name and the chunk. */
async function serverThatSays(name: string): Promise<TcpTarget> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => socket.write(`${name}:${bytes.toString()}`))
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  return { host: '127.0.0.1', port: typeof address === 'object' && address !== null ? address.port : 0 }
}

/** Opens a connection and collects everything that it receives. */
async function dial(port: number): Promise<{ socket: Socket; received: () => string; isClosed: () => boolean }> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  let isClosed = false
  socket.on('error', () => undefined)
  socket.on('data', (bytes) => {
    received += bytes.toString()
  })
  socket.once('close', () => {
    isClosed = true
  })
  await once(socket, 'connect')
  return { socket, received: () => received, isClosed: () => isClosed }
}

const arrives = (ask: () => unknown, answer: unknown) =>
  until(
    async () => ask(),
    (now) => now === answer,
  )

it('TcpProxy forwards the bytes and the end of a connection', async () => {
  const { socket, received, isClosed } = await dial(proxy.port)
  socket.end('a')
  await arrives(received, 'first:a')
  await arrives(isClosed, true)
})

it('TcpProxy cut breaks connections and refuses new ones, and pass accepts them again on the same port', async () => {
  const before = await dial(proxy.port)
  await proxy.cut()
  await arrives(before.isClosed, true)
  await expect(dial(proxy.port)).rejects.toThrow('ECONNREFUSED')
  await proxy.pass()
  const after = await dial(proxy.port)
  after.socket.write('b')
  await arrives(after.received, 'first:b')
  after.socket.destroy()
})

it('TcpProxy stall accepts connections but forwards nothing, and pass forwards what was held', async () => {
  const old = await dial(proxy.port)
  proxy.stall()
  const young = await dial(proxy.port)
  for (const { socket } of [old, young]) socket.write('c')
  const direct = await dial(first.port)
  direct.socket.end('d')
  await arrives(direct.received, 'first:d')
  expect([old.received(), young.received()]).toEqual(['', ''])
  await proxy.pass()
  for (const { socket, received } of [old, young]) {
    await arrives(received, 'first:c')
    socket.destroy()
  }
})

it('TcpProxy delay makes bytes later but not slower', async () => {
  proxy.delay(100)
  const { socket, received } = await dial(proxy.port)
  const start = performance.now()
  for (const _ of Array(200).keys()) {
    socket.write('d')
    await new Promise(setImmediate)
  }
  await until(
    async () => received().replaceAll(/first:/g, ''),
    (text) => text === 'd'.repeat(200),
  )
  const took = performance.now() - start
  expect(took).toBeGreaterThanOrEqual(190)
  expect(took).toBeLessThan(10_000)
  socket.destroy()
})

it('TcpProxy repoint breaks connections and connects new ones to the other target', async () => {
  const before = await dial(proxy.port)
  proxy.repoint(await serverThatSays('second'))
  await arrives(before.isClosed, true)
  const after = await dial(proxy.port)
  after.socket.write('e')
  await arrives(after.received, 'second:e')
  after.socket.destroy()
})
