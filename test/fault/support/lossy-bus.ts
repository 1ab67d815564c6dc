import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Random } from '../../simulation/revocation/random.ts'

/** The shares of messages from a server to its clients that are lost, doubled or delayed. Each is between 0 and 1. */
interface Mischief {
  readonly lose: number
  readonly double: number
  /** The share of messages that are delayed by up to `lateMs`, so that other messages overtake them. */
  readonly delay: number
  readonly lateMs: number
}

interface Counts {
  lost: number
  doubled: number
  delayed: number
}

/** A proxy to NATS that loses, doubles and reorders messages while its connections stay open. */
export interface LossyBus {
  /** `nats://127.0.0.1:port` */
  readonly url: string
  /** How many messages the proxy has lost, doubled and delayed so far. */
  readonly counts: Readonly<Counts>
  /** Changes what the proxy does; with undefined it forwards everything. */
  set(mischief: Mischief | undefined): void
  close(): Promise<void>
}

/** Starts a proxy to a server. It forwards everything until `set` is called. */
export async function startLossyBus(port: number, random: Random): Promise<LossyBus> {
  const sockets = new Set<Socket>()
  const counts = { lost: 0, doubled: 0, delayed: 0 }
  let mischief: Mischief | undefined
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port })
    const onMessage = (message: Buffer) => mistreat(message, near, mischief, random, counts)
    const split = createSplitter(onMessage, (other) => near.write(other))
    near.on('data', (bytes) => far.write(bytes))
    far.on('data', split)
    tie(near, far, sockets)
    tie(far, near, sockets)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The TCP server has no port')
  return {
    url: `nats://127.0.0.1:${address.port}`,
    counts,
    set(next) {
      mischief = next
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Closes the other socket when this one closes. */
function tie(one: Socket, other: Socket, sockets: Set<Socket>): void {
  sockets.add(one)
  one.on('error', () => undefined)
  one.once('close', () => {
    sockets.delete(one)
    other.destroy()
  })
}

function mistreat(message: Buffer, to: Socket, mischief: Mischief | undefined, random: Random, counts: Counts): void {
  if (mischief !== undefined && random.chance(mischief.lose)) {
    counts.lost += 1
    return
  }
  if (mischief !== undefined && random.chance(mischief.double)) {
    counts.doubled += 1
    to.write(message)
  }
  if (mischief !== undefined && random.chance(mischief.delay)) {
    counts.delayed += 1
    setTimeout(() => to.writable && to.write(message), random.between(0, mischief.lateMs))
  } else to.write(message)
}

const END = '\r\n'

/**
 * Splits what a server sends into its messages (`MSG subject sid [reply] bytes` and the payload) and all other lines.
 */
function createSplitter(onMessage: (bytes: Buffer) => void, onOther: (bytes: Buffer) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0)
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    for (;;) {
      const end = rest.indexOf(END)
      if (end < 0) return
      const line = rest.subarray(0, end).toString()
      const isMessage = line.startsWith('MSG ')
      const payload = isMessage ? Number(line.slice(line.lastIndexOf(' ') + 1)) + END.length : 0
      const size = end + END.length + payload
      if (rest.length < size) return
      const piece = rest.subarray(0, size)
      rest = rest.subarray(size)
      if (isMessage) onMessage(piece)
      else onOther(piece)
    }
  }
}
