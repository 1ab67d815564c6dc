import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Pool } from 'pg'
import { ISSUER } from '../../support/deployment.ts'
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts'
import { emptyDatabase, type OlderVersion, unpackVersion, VERSIONS } from '../../support/older-versions.ts'
import { type Asserter, adminAsserter, newKeys } from '../../support/parties.ts'
import { type Environment, type ProcessOptions, type RunningServer, startProcess } from '../../support/server.ts'

/** One database for processes of both versions. */
export interface Stage {
  readonly dns: DnsServer
  readonly admin: Asserter
  /** Connections to the database, which is empty at first so that the older version creates its own schema. */
  readonly database: Pool
  /** Starts a process of the older version. */
  startOld(env?: Environment): Promise<RunningServer>
  /** Starts a process of this version. */
  startNew(env: Environment): Promise<RunningServer>
  stop(): Promise<void>
}

/** Creates the database, and unpacks the older version beside the packages of this checkout. */
export async function setStage(version: OlderVersion = VERSIONS.first): Promise<Stage> {
  await using started = new AsyncDisposableStack()
  const dns = await startDnsServer()
  started.defer(() => dns.close())
  const url = await emptyDatabase(started)
  const database = new Pool({ connectionString: url, max: 1 })
  // `end` resolves before all connections have closed. Dropping the database breaks the connections that are left, and
  // these errors do not matter.
  database.on('error', () => undefined)
  started.defer(() => database.end())
  const root = await unpackVersion(version, started)
  const adminKeys = newKeys()
  const env = {
    DATABASE_URL: url,
    AUTH4AGENT_KEK: randomBytes(32).toString('base64'),
    AUTH4AGENT_ADMIN_KEY: adminKeys.publicKey.toString('base64'),
    AUTH4AGENT_BASE_URL: ISSUER,
    AUTH4AGENT_DNS_SERVERS: dns.address,
  }
  const all = started.move()
  const start = async (options: ProcessOptions) => {
    const server = await startProcess(options)
    all.defer(async () => void (await server.stop()))
    return server
  }
  return {
    dns,
    admin: adminAsserter(adminKeys, ISSUER),
    database,
    // The keys of the compile cache are paths, and the path of the older version differs in each run. A separate cache
    // keeps these useless entries out of the shared one.
    startOld: (settings = {}) => start({ root, env: { ...env, ...settings, NODE_COMPILE_CACHE: join(root, 'cache') } }),
    startNew: (settings) => start({ env: { ...env, ...settings } }),
    stop: () => all.disposeAsync(),
  }
}
