import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceName } from '../../services/configuration/service-names.ts'
import { makeCertificates } from './certificates.ts'
import { freePort } from './free-port.ts'
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
      const port = String(await freePort())
      return { address: `127.0.0.1:${port}`, settings: { AUTH4AGENT_INTERNAL_PORT: port } }
    },
    settings,
    remove: () => rm(folder, { recursive: true }),
  }
}
