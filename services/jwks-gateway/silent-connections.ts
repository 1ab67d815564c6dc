import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'

/** Connections on which no request has begun. Clients open some ahead of time, and Node does not count them as idle. */
export interface SilentConnections {
  /** Closes those that have been silent for so many milliseconds. */
  close(ms: number): void
}

/** Follows the connections of a server from when they are made, or from when TLS stands, to their first request. */
export function followSilentConnections(server: Server): SilentConnections {
  const silent = new Map<Socket, number>()
  const add = (socket: Socket) => {
    silent.set(socket, performance.now())
    socket.once('close', () => silent.delete(socket))
  }
  // Requests are on what stands when TLS does, not on what it stands on.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', add)
  server.on('request', ({ socket }: IncomingMessage) => silent.delete(socket))
  return {
    close(ms) {
      const before = performance.now() - ms
      for (const [socket, since] of silent) if (since <= before) socket.destroy()
    },
  }
}
