import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { Certified } from '../certificate-authority.ts'

/** Terminates TLS before a server, as a proxy does. It can cut the server off from others. */
export interface TlsFront {
  /** Ends all connections, and refuses new ones. */
  cut(): Promise<void>
  /** Accepts connections again, on the same port. */
  restore(): Promise<void>
}

/** Starts the proxy of one server on a port of 127.0.0.1. */
export async function startTlsFront(port: number, certified: Certified, target: URL): Promise<TlsFront> {
  const open = new Set<Socket | TLSSocket>()
  const keep = <T extends Socket>(socket: T): T => {
    open.add(socket)
    // What one side does not take because it was cut off is no error of the test.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
    return socket
  }
  const server = createServer(certified, (outside) => {
    const inside = keep(connect(Number(target.port), target.hostname))
    keep(outside).pipe(inside).pipe(outside)
    outside.on('close', () => inside.destroy())
    inside.on('close', () => outside.destroy())
  })
  const restore = async () => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await restore()
  return {
    restore,
    async cut() {
      if (!server.listening) return
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}
