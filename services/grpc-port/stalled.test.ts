import { once } from 'node:events'
import { connect as connectHttp2, type SecureClientSessionOptions } from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { eventually } from '../../test/support/eventually.ts'
import type { FakeRpc } from '../../test/support/fake-rpc.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'
import { encodeFrame } from './frames.ts'
import type { GrpcServerDeps } from './server.ts'

const { watchRevocations } = RevocationService.method
const WATCH = {
  ':method': 'POST',
  ':path': '/auth4agent.v1.RevocationService/WatchRevocations',
  'content-type': 'application/grpc',
}

async function start(deps: Partial<GrpcServerDeps>) {
  const closed: string[] = []
  const connectionClosed = (port: string, reason: string) => void closed.push(`${port} ${reason}`)
  return { closed, ...(await startGrpcServer({ connectionClosed, ...deps })) }
}

/**
 * Answers watchers with one message, and then with a small one in each `everyMs`. Resolves when a watcher has ended.
 */
function answerWatch(rpc: FakeRpc, everyMs?: number): Promise<void> {
  const ended = Promise.withResolvers<void>()
  rpc.answerStream(watchRevocations, async function* (_request, signal) {
    try {
      yield {}
      while (!signal.aborted) {
        await new Promise<void>((resolve) => {
          if (everyMs !== undefined) setTimeout(resolve, everyMs)
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
        if (everyMs !== undefined) yield {}
      }
    } finally {
      ended.resolve()
    }
  })
  return ended.promise
}

/** Opens a watcher over HTTP/2. Nothing of its answer is read. */
function openWatch(port: number, options: SecureClientSessionOptions = {}) {
  const session = connectHttp2(`http://127.0.0.1:${port}`, options)
  onTestFinished(() => session.destroy())
  session.on('error', () => undefined)
  const stream = session.request(WATCH)
  stream.on('error', () => undefined).end(encodeFrame(new Uint8Array()))
  return { session, stream }
}

/** Listens in front of a port. `stop` ends the reading of its answers, as in a process that is stopped. */
async function startRelay(port: number) {
  const sockets: Socket[] = []
  const answers: Socket[] = []
  const relay = createServer((caller) => {
    const server = connect(port, '127.0.0.1')
    sockets.push(caller, server)
    answers.push(server)
    for (const socket of [caller, server]) socket.on('error', () => undefined)
    caller.pipe(server)
    server.pipe(caller)
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  onTestFinished(() => {
    relay.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (relay.address() as AddressInfo).port, stop: () => answers.forEach((each) => each.unpipe().pause()) }
}

describe('a watcher over gRPC', () => {
  it('is cut after maxStallMs if it reads nothing of a stream with small messages', async () => {
    const { rpc, port } = await start({ maxStallMs: 300 })
    const ended = answerWatch(rpc, 20)
    const { stream } = openWatch(port, { settings: { initialWindowSize: 64 } })
    await once(stream, 'response')
    await expect(ended).resolves.toBeUndefined()
  })

  it('is cut if its connection takes bytes that nobody reads', async () => {
    const { rpc, port, closed } = await start({ maxStallMs: 200 })
    const ended = answerWatch(rpc)
    const relay = await startRelay(port)
    const { stream } = openWatch(relay.port)
    await once(stream, 'response')
    relay.stop()
    await ended
    expect(closed).toEqual(['grpc stalled'])
  })

  it('stays open while it answers PING', async () => {
    const { rpc, port, closed } = await start({ maxStallMs: 50 })
    void answerWatch(rpc)
    const { session, stream } = openWatch(port)
    let pings = 0
    session.on('ping', () => (pings += 1))
    stream.resume()
    await eventually(() => expect(pings).toBeGreaterThan(4))
    expect([stream.closed, closed]).toEqual([false, []])
  })
})
