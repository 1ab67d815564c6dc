import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** The target of a proxy. */
export interface TcpTarget {
  readonly host: string
  readonly port: number
}

/** A proxy on 127.0.0.1 to a server, which can fail as networks do. Its port stays the same. */
export interface TcpProxy {
  readonly port: number
  /** Ends every fault: the proxy accepts connections again, and forwards the bytes that it had stalled. */
  pass(): Promise<void>
  /** Breaks all connections and refuses new ones. */
  cut(): Promise<void>
  /** Accepts connections but forwards nothing in either direction, as when packets are lost. */
  stall(): void
  /** Delays each byte by this time in both directions; 0 ends the delay. */
  delay(milliseconds: number): void
  /** Changes the target, and breaks the connections to the old one. */
  repoint(target: TcpTarget): void
  /** Closes the proxy for good. */
  close(): Promise<void>
}

type Line = { delayMs: number; stalled: PromiseWithResolvers<void> | undefined }

const MAX_HELD_BYTES = 64 * 1024

/** Starts a proxy to a target. At first the proxy has no fault. */
export async function startTcpProxy(first: TcpTarget): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const line: Line = { delayMs: 0, stalled: undefined }
  let target = first
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ ...target, allowHalfOpen: true })
    forward(near, far, line)
    forward(far, near, line)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
  })
  const listen = async (port: number) => {
    if (server.listening) return
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const breakAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  const goOn = () => {
    line.stalled?.resolve()
    line.stalled = undefined
  }
  const cut = async () => {
    breakAll()
    goOn()
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    await closed
  }
  await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The TCP server has no port')
  const { port } = address
  return {
    port,
    async pass() {
      goOn()
      await listen(port)
    },
    cut,
    stall() {
      line.stalled ??= Promise.withResolvers()
    },
    delay(milliseconds) {
      line.delayMs = milliseconds
    },
    repoint(to) {
      target = to
      breakAll()
    },
    close: cut,
  }
}

/** Returns the URL with the address of a proxy in place of its host and port. */
export function urlThrough(proxy: Pick<TcpProxy, 'port'>, url: string): string {
  const through = new URL(url)
  through.host = `127.0.0.1:${proxy.port}`
  // The folder of a Unix socket, which would go past the proxy.
  through.searchParams.delete('host')
  return through.href
}

/** Returns the host and port of a URL. */
export function targetOf(url: string): TcpTarget {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

/**
 * Forwards bytes in one direction and in order. Each byte gets the delay that is set when it arrives. The end of the
 * connection follows the last byte.
 */
function forward(from: Socket, to: Socket, line: Line): void {
  let last = Promise.resolve()
  let held = 0
  const inTurn = async (earlier: Promise<void>, due: number, work: () => void) => {
    await earlier
    const wait = due - performance.now()
    if (wait > 0) await delay(wait)
    await line.stalled?.promise
    work()
  }
  const later = (work: () => void) => {
    last = inTurn(last, performance.now() + line.delayMs, work)
  }
  from.on('data', (bytes: Buffer) => {
    held += bytes.length
    if (held > MAX_HELD_BYTES) from.pause()
    later(() => {
      to.write(bytes, () => {
        held -= bytes.length
        if (held <= MAX_HELD_BYTES) from.resume()
      })
    })
  })
  from.on('error', () => undefined)
  from.once('end', () => later(() => to.end()))
  from.once('close', () => later(() => to.destroySoon()))
}
