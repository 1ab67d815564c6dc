import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * The range of ports. It is below the ports of outgoing connections, which could take a port before its server does.
 */
const PORTS = { first: 10_000, count: 20_000 }
/** The distance between the first ports of processes with successive ids: more ports than one process uses. */
const EACH = 101

let next = process.pid * EACH

/** Returns a port of 127.0.0.1 on which nothing listens. Never returns the same port twice. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS.count; tries += 1) {
    const port = PORTS.first + (next % PORTS.count)
    next += 1
    if (await isFree(port)) return port
  }
  throw new Error('No port is free')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
