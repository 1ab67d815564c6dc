import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A port of loopback that passes everything on, and keeps what passes in both directions. */
export interface Tap {
  /** `127.0.0.1:port`. */
  readonly address: string
  readonly bytes: Buffer
  close(): Promise<void>
}

/** Starts a tap before an address, `host:port`. */
export async function startTap(target: string): Promise<Tap> {
  const { hostname, port } = new URL(`tcp://${target}`)
  const kept: Buffer[] = []
  const sockets = new Set<Socket>()
  const pass = (from: Socket, to: Socket): void => {
    sockets.add(from)
    from.on('data', (chunk: Buffer) => kept.push(chunk))
    from.on('error', () => to.destroy())
    from.pipe(to)
  }
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    pass(near, far)
    pass(far, near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get bytes() {
      return Buffer.concat(kept)
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
