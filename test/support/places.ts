import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceName } from '../../services/configuration/service-names.ts'
import { makeCertificates } from './certificates.ts'
import type { Environment } from './server.ts'

/** The address at which a process listens for the other processes of its deployment. */
export interface Place {
  /** The address in the settings of the processes that call it. */
  readonly address: string
  /** The settings with which the process listens at this address. */
  readonly settings: Environment
}

/**
 * Gives each process a place that it keeps when it restarts, and the settings that it needs to call other processes.
 */
export interface Places {
  next(service: ServiceName): Promise<Place>
  /** Returns the settings that a process of this part needs in addition to its place. */
  settings(service: ServiceName): Environment
  remove(): Promise<void>
}

/** Creates places that are unix sockets in a folder that only this user can enter. */
export async function socketPlaces(): Promise<Places> {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-sockets-'))
  let count = 0
  return {
    async next(service) {
      count += 1
      const path = join(folder, `${service}-${count}.sock`)
      return { address: `unix:${path}`, settings: { AUTH4AGENT_INTERNAL_SOCKET: path } }
    },
    settings: () => ({}),
    remove: () => rm(folder, { recursive: true }),
  }
}

/** Creates places that are ports of 127.0.0.1 under mutual TLS. */
export async function tlsPlaces(): Promise<Places> {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-certificates-'))
  const settings = await makeCertificates(folder)
  return {
    async next() {
      const port = String(await quietPort())
      return { address: `127.0.0.1:${port}`, settings: { AUTH4AGENT_INTERNAL_PORT: port } }
    },
    settings,
    remove: () => rm(folder, { recursive: true }),
  }
}

/** A range of ports that no system uses for free ports, so a port is still free when its process restarts. */
const QUIET = { min: 15_000, max: 30_000 }
const MAX_TRIES = 50

/** Returns a free port. It stays free unless a program asks for exactly this port. */
async function quietPort(): Promise<number> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const port = randomInt(QUIET.min, QUIET.max)
    if (await isFree(port)) return port
  }
  throw new Error(`No port from ${QUIET.min} to ${QUIET.max} is free`)
}

/** Returns the preferred port if it is free, and otherwise another one. */
export async function choosePort(preferred: number): Promise<string> {
  return String((await isFree(preferred)) ? preferred : await quietPort())
}

/** Tells whether nothing listens on a port of 127.0.0.1. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
