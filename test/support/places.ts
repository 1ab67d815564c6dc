import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceName } from '../../services/process/configuration/service-names.ts'
import { makeCertificates } from './certificates.ts'
import type { Environment } from './server.ts'

/** Where a process listens for the others of its deployment. */
export interface Place {
  /** As the settings of those who call it have it. */
  readonly address: string
  /** What makes it listen there. */
  readonly settings: Environment
}

/** Gives each process a place that it keeps over its restarts, and what it needs to call others. */
export interface Places {
  next(service: ServiceName): Promise<Place>
  /** Settings that a process of the service needs beside its place. */
  settings(service: ServiceName): Environment
  remove(): Promise<void>
}

/** Unix sockets in a folder that only this user enters. */
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

/** Ports of 127.0.0.1 under mutual TLS. */
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

/** Ports that no system gives to whoever asks for any: one of these is still free when its process comes back to it. */
const QUIET = { min: 15_000, max: 30_000 }
const MAX_TRIES = 50

/** A free port that stays so unless somebody asks for this very one. */
export async function quietPort(): Promise<number> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const port = randomInt(QUIET.min, QUIET.max)
    if (await isFree(port)) return port
  }
  throw new Error(`no port from ${QUIET.min} to ${QUIET.max} is free`)
}

/** Whether nobody listens on the port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
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
