import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * The range of ports, in blocks. It is below the ports of outgoing connections, which could take a port before its
 * server does.
 */
const PORTS = { first: 10_000, blocks: 200, each: 100 }

/** The ports of this process that are still unused. */
let unused: number[] = []

/** Returns a port of 127.0.0.1 on which nothing listens. No other process of the tests gets the same port. */
export async function freePort(): Promise<number> {
  const port = unused.pop()
  if (port === undefined) {
    unused = await takeBlock()
    return freePort()
  }
  return (await isFree(port)) ? port : freePort()
}

/** Returns the preferred port if nothing listens on it, and otherwise another one. */
export async function choosePort(preferred: number): Promise<string> {
  return String((await isFree(preferred)) ? preferred : await freePort())
}

/** Tells whether nothing listens on a port of 127.0.0.1. */
async function isFree(port: number): Promise<boolean> {
  const server = await listen(port)
  if (server === undefined) return false
  server.close()
  await once(server, 'close')
  return true
}

/**
 * Takes a block of ports for as long as this process lives. The process listens on the first port of the block, so the
 * operating system gives each block to one process only. A port that was only looked at could be taken by another
 * process before its server listens.
 */
async function takeBlock(): Promise<number[]> {
  for (let tries = 0; tries < PORTS.blocks; tries += 1) {
    const first = PORTS.first + ((process.pid + tries) % PORTS.blocks) * PORTS.each
    const server = await listen(first)
    if (server === undefined) continue
    server.unref()
    return Array.from({ length: PORTS.each - 1 }, (_, index) => first + 1 + index)
  }
  throw new Error('No block of ports is free')
}

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return server
  } catch {
    return undefined
  }
}
