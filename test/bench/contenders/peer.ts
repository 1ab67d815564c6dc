import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import type { AgentParty } from '../../support/parties.ts'
import { type Machine, SERVER_CORE } from '../machine.ts'
import { INTROSPECTOR, RESOURCE } from '../supply-oauth.ts'
import type { PeerSettings } from './peer-program.ts'
import { type ContenderProcess, startContender } from './process.ts'

/** oidc-provider, with its store in memory. */
export interface Peer extends ContenderProcess {
  /** The address of the peer, which is also its issuer. */
  readonly http: string
}

/** Starts oidc-provider. Its clients are these agents, with the same names and the same keys. */
export async function startPeer(machine: Machine, folder: string, clients: readonly AgentParty[]): Promise<Peer> {
  const port = await freePort()
  const settings: PeerSettings = {
    port,
    signingKey: { ...privateJwk(generateKeyPairSync('ed25519').privateKey), alg: 'EdDSA', use: 'sig' },
    clients: Object.fromEntries(clients.map(({ did, rawPublicKey }) => [did, publicJwk(rawPublicKey)])),
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
  return { ...started, http }
}

/** Returns an Ed25519 private key as the peers read it. */
export function privateJwk(key: KeyObject) {
  const { x = '', d = '' } = key.export({ format: 'jwk' })
  return { ...publicJwk(Buffer.from(x, 'base64url')), d }
}

/** Returns the 32 bytes of an Ed25519 public key as the peers read it. */
export function publicJwk(raw: Buffer) {
  return { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') } as const
}
