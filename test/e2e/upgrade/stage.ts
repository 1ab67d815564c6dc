import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
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
  /** Connections to the database, which is empty at first so that the older version creates its own schema. */
  readonly database: Pool
  /** Starts a process of the older version. */
  startOld(): Promise<RunningServer>
  /** Starts a process of this version. */
  startNew(env: Environment): Promise<RunningServer>
  stop(): Promise<void>
}

const ROOT = join(import.meta.dirname, '../../..')
/** An older version: the files that `node services/main.ts` needs, without the packages of others. */
interface OlderVersion {
  readonly archive: string
  /** Whether the archive contains `clients/core`. Version 1 is older than this folder. */
  readonly hasCore: boolean
}

/**
 * Older versions. They run with the packages of this checkout. If these packages become too new for one of them,
 * replace it by a later version. Created by
 *
 *     git archive --format=tar <commit> services gen prisma/migrations package.json ':!*.test.ts' ':!*.md' \
 *       ':!services/*.mjs' ':!services/operator-registry/testing' ':!gen/prisma/models*' ':!gen/prisma/*rowser.ts' \
 *       ':!gen/prisma/commonInputTypes.ts' | gzip -n9
 *
 * The second one also has `clients/core` and the files `services/*.mjs`.
 */
export const VERSIONS = {
  /** Commit dda4501. */
  first: { archive: 'test/vectors/version-1.tgz', hasCore: false },
  /** Commit 5bfb99b. */
  beforeKeyEvents: { archive: 'test/vectors/before-key-events.tgz', hasCore: true },
} as const satisfies Record<string, OlderVersion>

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
  const root = await unpack(version, started)
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

async function unpack({ archive, hasCore }: OlderVersion, started: AsyncDisposableStack): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'a4a-older-version-'))
  started.defer(() => rm(root, { recursive: true, force: true }))
  await promisify(execFile)('tar', ['-xzf', join(ROOT, archive), '-C', root])
  const packages = join(ROOT, 'node_modules')
  if (!hasCore) {
    await symlink(packages, join(root, 'node_modules'))
    return root
  }
  const own = join(root, 'node_modules')
  await mkdir(join(own, '@auth4agent'), { recursive: true })
  await symlink(join(root, 'clients/core'), join(own, '@auth4agent/core'))
  const others = (await readdir(packages)).filter((name) => !name.startsWith('.') && name !== '@auth4agent')
  for (const name of others) await symlink(join(packages, name), join(own, name))
  return root
}
