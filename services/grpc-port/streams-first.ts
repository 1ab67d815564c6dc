import type { EventEmitter } from 'node:events'
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Server } from '@grpc/grpc-js'
import type { DirectCalls } from './direct.ts'

/** How long a connection may stand unused, in milliseconds. */
const MAX_IDLE_MS = 15 * 60_000
/** Frames that what a caller sends may come in: each is kept until its message is whole, and takes a hundred times what a single byte does. */
const MAX_DATA_FRAMES = 1024

/**
 * Shows every stream to `direct` before grpc-js sees it. Its HTTP/2 servers are not public: the version is pinned, and one in which
 * they cannot be found answers everything itself, which a test would tell. It does not see all of a connection's streams then, so that
 * it stands unused is told by HTTP/2.
 */
export function answerFirst(server: Server, direct: DirectCalls): void {
  const servers: unknown = Reflect.get(server, 'http2Servers')
  for (const http2Server of servers instanceof Map ? servers.keys() : []) {
    putFirst(http2Server, direct)
  }
}

function putFirst(http2Server: EventEmitter, direct: DirectCalls): void {
  const others = http2Server.listeners('stream')
  http2Server.removeAllListeners('stream')
  http2Server.on('stream', (stream: ServerHttp2Stream, headers, ...rest) => {
    stream.on('error', ignore)
    // Over TLS what comes while something is written is read in one piece: its caller may have taken it back by now, and to answer throws.
    if (stream.closed) {
      stream.destroy()
      return
    }
    boundFrames(stream)
    if (direct(stream, headers)) return
    for (const listener of others) Reflect.apply(listener, http2Server, [stream, headers, ...rest])
  })
  http2Server.on('session', (session: ServerHttp2Session) => {
    session.setTimeout(MAX_IDLE_MS, () => session.close())
  })
}

/** What is listened to flows at once; whoever reads the stream listens, or pauses it, in the same turn. */
function boundFrames(stream: ServerHttp2Stream): void {
  let count = 0
  stream.on('data', () => {
    count += 1
    if (count > MAX_DATA_FRAMES) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  })
}

function ignore(): void {
  // What becomes of a stream is told by its close.
}
