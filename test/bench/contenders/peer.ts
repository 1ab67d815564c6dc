import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { type Machine, SERVER_CORE } from '../machine.ts'
import type { PeerSettings } from './peer-program.ts'
import { type ContenderProcess, startContender } from './process.ts'

/** A client of the peer. It authenticates with a signature, as the agents of this server do. */
interface PeerClient {
  readonly id: string
  readonly privateKey: KeyObject
}

/** oidc-provider, with its store in memory. */
export interface Peer extends ContenderProcess {
  /** The address of the peer, which is also its issuer. */
  readonly http: string
  readonly clients: readonly PeerClient[]
}

/** The resource that the JWT access tokens of the peer are for. */
export const RESOURCE = 'https://api.example.com'
/** The client that introspects. */
export const INTROSPECTOR = { id: 'introspector', secret: 'a secret as long as it has to be for oidc-provider' }

/** Starts oidc-provider with this many clients. */
export async function startPeer(machine: Machine, folder: string, clientCount: number): Promise<Peer> {
  const port = await freePort()
  const pairs = Array.from({ length: clientCount }, (_, index) => ({
    id: `client-${index}`,
    ...generateKeyPairSync('ed25519'),
  }))
  const settings: PeerSettings = {
    port,
    signingKey: { ...jwkOf(generateKeyPairSync('ed25519').privateKey), alg: 'EdDSA', use: 'sig' },
    clients: Object.fromEntries(pairs.map(({ id, publicKey }) => [id, jwkOf(publicKey)])),
    introspector: INTROSPECTOR,
    resource: RESOURCE,
  }
  const settingsFile = join(folder, `peer-${port}.json`)
  await writeFile(settingsFile, JSON.stringify(settings))
  const http = `http://127.0.0.1:${port}`
  const started = await startContender({
    name: 'oidc-provider',
    machine,
    core: SERVER_CORE,
    args: [join(import.meta.dirname, 'peer-program.ts'), settingsFile],
    env: {},
    logFile: join(folder, `peer-${port}.log`),
    probe: `${http}/jwks`,
  })
  return { ...started, http, clients: pairs }
}

function jwkOf(key: KeyObject): PeerSettings['signingKey'] {
  const { x = '', d } = key.export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', x, ...(d !== undefined && { d }) }
}
