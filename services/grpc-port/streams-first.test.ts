import type { EventEmitter } from 'node:events'
import { connect, constants, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { expect, it, onTestFinished } from 'vitest'
import { answerFirst } from './streams-first.ts'

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants

/** Starts a server where each stream is closed before anything else sees it; `shown` are the paths of those that were shown. */
async function startServer(code: number) {
  const server = new Server()
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const shown: unknown[] = []
  answerFirst(server, (_stream, headers) => {
    shown.push(headers[':path'])
    return false
  })
  const http2Servers: ReadonlyMap<EventEmitter, unknown> = Reflect.get(server, 'http2Servers')
  for (const http2Server of http2Servers.keys()) {
    http2Server.prependListener('stream', (stream: ServerHttp2Stream) => stream.close(code))
  }
  const listener = createServer((socket) => injector.injectConnection(socket)).listen(0, '127.0.0.1')
  onTestFinished(() => {
    listener.close()
    server.forceShutdown()
  })
  const { promise, resolve } = Promise.withResolvers<number>()
  listener.once('listening', () => resolve((listener.address() as AddressInfo).port))
  return { port: await promise, shown }
}

// As it is over TLS when a caller takes a call back that comes while something is written.
it.each([
  ['without error', NGHTTP2_NO_ERROR, 'application/grpc'],
  ['cancelled', NGHTTP2_CANCEL, 'application/grpc'],
  ['for an error', NGHTTP2_INTERNAL_ERROR, 'application/grpc'],
  ['of another content type', NGHTTP2_NO_ERROR, 'text/plain'],
])('a stream that is closed when it is first seen is not answered: %s', async (_name, code, contentType) => {
  const { port, shown } = await startServer(code)
  const session = connect(`http://127.0.0.1:${port}`)
  onTestFinished(() => session.destroy())
  const headers = { ':method': 'POST', ':path': '/nothing', 'content-type': contentType }
  const stream = session.request(headers, { endStream: false }).on('error', () => {})
  const closed = Promise.withResolvers<void>()
  stream.on('response', () => expect.fail('answered')).on('close', closed.resolve)
  await closed.promise
  expect([stream.rstCode, shown]).toStrictEqual([code, []])
})
