import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Pool } from 'pg'
import { inject } from 'vitest'
import { ISSUER } from '../../support/deployment.ts'
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts'
import { type Asserter, adminAsserter, newKeys } from '../../support/parties.ts'
import { type Environment, type ProcessOptions, type RunningServer, startProcess } from '../../support/server.ts'
import { runSql, siblingUrl } from '../../support/sql.ts'

/** One database for processes of both versions. */
export interface Stage {
  readonly dns: DnsServer
  readonly admin: Asserter
  /** Connections to the database, which is empty at first so that version 1 creates its own schema. */
  readonly database: Pool
  /** Starts a process of version 1. */
  startOld(): Promise<RunningServer>
  /** Starts a process of this version. */
  startNew(env: Environment): Promise<RunningServer>
  stop(): Promise<void>
}

const ROOT = join(import.meta.dirname, '../../..')
/**
 * The files that `node services/main.ts` of version 1 (commit dda4501) needs, without packages. It runs with the
 * packages of this checkout. If these packages become too new for version 1, replace it by a later version. Created by
 *
 *     git archive --format=tar dda4501 services gen prisma/migrations package.json ':!*.test.ts' ':!*.md' \
 *       ':!services/*.mjs' ':!services/operator-registry/testing' ':!gen/prisma/models*' ':!gen/prisma/*rowser.ts' \
 *       ':!gen/prisma/commonInputTypes.ts' | gzip -n9
 */
const VERSION_1 = join(ROOT, 'test/vectors/version-1.tgz')

/** Creates the database, and unpacks version 1 beside the packages of this checkout. */
export async function setStage(): Promise<Stage> {
  await using started = new AsyncDisposableStack()
  const dns = await startDnsServer()
  started.defer(() => dns.close())
  const url = await emptyDatabase(started)
  const database = new Pool({ connectionString: url, max: 1 })
  // `end` resolves before all connections have closed. Dropping the database breaks the connections that are left, and
  // these errors do not matter.
  database.on('error', () => undefined)
  started.defer(() => database.end())
  const root = await unpackVersion1(started)
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
    // The keys of the compile cache are paths, and the path of version 1 differs in each run. A separate cache keeps
    // these useless entries out of the shared one.
    startOld: () => start({ root, env: { ...env, NODE_COMPILE_CACHE: join(root, 'cache') } }),
    startNew: (settings) => start({ env: { ...env, ...settings } }),
    stop: () => all.disposeAsync(),
  }
}

async function emptyDatabase(started: AsyncDisposableStack): Promise<string> {
  const server = inject('postgresUrl')
  const name = `upgrade_${randomUUID().replaceAll('-', '')}`
  await runSql(server, `CREATE DATABASE ${name}`)
  started.defer(() => runSql(server, `DROP DATABASE ${name} WITH (FORCE)`))
  return siblingUrl(server, name)
}

async function unpackVersion1(started: AsyncDisposableStack): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'a4a-version-1-'))
  started.defer(() => rm(root, { recursive: true, force: true }))
  await promisify(execFile)('tar', ['-xzf', VERSION_1, '-C', root])
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  return root
}
