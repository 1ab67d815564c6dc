import { createHash, generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from 'pg'
import { freePort } from '../../support/free-port.ts'
import type { AgentParty } from '../../support/parties.ts'
import { siblingUrl } from '../../support/sql.ts'
import { type Machine, SERVER_CORE } from '../machine.ts'
import { type OAuthServer, RESOURCE } from '../supply-oauth.ts'
import { connectTo } from './database.ts'
import type { DurablePeerSettings } from './durable-peer-program.ts'
import { privateJwk, publicJwk } from './peer.ts'
import { type ContenderProcess, startContender } from './process.ts'

/** The bytes of a hash that are the id of a used assertion. */
const ID_BYTES = 24

/** Better Auth with its OAuth provider, in a database of its own on the PostgreSQL of this server. */
export interface DurablePeer extends ContenderProcess, OAuthServer {
  /** A connection to its database. */
  readonly db: Client
}

/** The machine, a folder for logs, and a connection to the PostgreSQL with the URL of its database. */
interface Place {
  readonly machine: Machine
  readonly folder: string
  readonly db: Client
  readonly databaseUrl: string
}

/**
 * Starts Better Auth with a new database. Its clients are these agents, with the same names and the same keys. All of
 * it ends with `started`.
 */
export async function startDurablePeer(
  started: AsyncDisposableStack,
  { machine, folder, db, databaseUrl }: Place,
  clients: readonly AgentParty[],
): Promise<DurablePeer> {
  const database = `${new URL(databaseUrl).pathname.slice(1)}_peer`
  await db.query(`CREATE DATABASE ${db.escapeIdentifier(database)}`)
  started.defer(async () => void (await db.query(`DROP DATABASE ${db.escapeIdentifier(database)} WITH (FORCE)`)))
  const port = await freePort()
  const settings: DurablePeerSettings = {
    port,
    databaseUrl: siblingUrl(databaseUrl, database),
    signingKey: privateJwk(generateKeyPairSync('ed25519').privateKey),
    clients: Object.fromEntries(clients.map(({ did, rawPublicKey }) => [did, publicJwk(rawPublicKey)])),
    resource: RESOURCE,
  }
  const settingsFile = join(folder, `durable-peer-${port}.json`)
  await writeFile(settingsFile, JSON.stringify(settings))
  const issuer = `http://127.0.0.1:${port}/api/auth`
  const program = await startContender({
    name: 'Better Auth',
    machine,
    core: SERVER_CORE,
    args: [join(import.meta.dirname, 'durable-peer-program.ts'), settingsFile],
    env: {},
    logFile: join(folder, `durable-peer-${port}.log`),
    probe: `${issuer}/jwks`,
  })
  started.defer(() => program.stop())
  return { ...program, issuer, tokenUrl: `${issuer}/oauth2/token`, db: await connectTo(started, settings.databaseUrl) }
}

/** Returns the id of the row that Better Auth inserts for an assertion that it accepts. */
export function usedAssertionId({ sub, jti }: { readonly sub: string; readonly jti: string }): string {
  const hash = createHash('sha256').update(`private_key_jwt:${sub}:${jti}`).digest()
  return hash.subarray(0, ID_BYTES).toString('base64url')
}

/** Counts the rows of used assertions with these ids. */
export async function countUsedAssertions(db: Client, ids: readonly string[]): Promise<number> {
  const { rows } = await db.query<{ used: number }>(
    'SELECT count(*)::int AS used FROM "oauthClientAssertion" WHERE id = ANY ($1)',
    [ids],
  )
  return rows[0]?.used ?? 0
}
