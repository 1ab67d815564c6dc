import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Binaries, locateBinaries } from '../../services/embedded-postgres/binaries.ts'
import { ensureInstalled } from './debian-package.ts'

/** The folder of the programs of Debian's PostgreSQL 17. */
export const DEBIAN_POSTGRES = '/usr/lib/postgresql/17/bin'
/** postgresql-common reads every file of this folder. */
const CREATION = '/etc/postgresql-common/createcluster.d'

/** Returns the folder of PostgreSQL's programs that the variable names; undefined for the PostgreSQL from npm. */
export function chosenPostgres(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env['AUTH4AGENT_TEST_POSTGRES'] || undefined
}

/** Finds PostgreSQL's programs for the databases of tests. Installs Debian's package if it is chosen and missing. */
export async function testBinaries(): Promise<Binaries> {
  const folder = chosenPostgres()
  return folder === undefined ? locateBinaries() : postgresPrograms(folder)
}

/** Returns PostgreSQL's programs in a folder. Installs Debian's package if it is missing and the folder is its own. */
export async function postgresPrograms(folder: string): Promise<Binaries> {
  const version = /^\/usr\/lib\/postgresql\/(\d+)\/bin\/?$/.exec(folder)?.[1]
  const missing = `There is no initdb in ${folder}`
  if (version === undefined) return (await programsIn(folder)) ?? fail(missing)
  const name = `postgresql-${version}`
  const find = () => programsIn(folder)
  return ensureInstalled({ name, find, missing: `${missing}: apt-get install ${name}`, around: withoutMainCluster })
}

async function programsIn(folder: string): Promise<Binaries | undefined> {
  const at = (program: string) => join(folder, program)
  const found = await stat(at('initdb')).catch(() => undefined)
  if (found === undefined) return undefined
  return { root: dirname(folder), initdb: at('initdb'), postgres: at('postgres'), pgCtl: at('pg_ctl'), version: 'test' }
}

/** Installs without the cluster that Debian would create and start on port 5432. */
async function withoutMainCluster(install: () => Promise<void>): Promise<void> {
  const file = join(CREATION, 'auth4agent-tests.conf')
  await mkdir(CREATION, { recursive: true })
  await writeFile(file, 'create_main_cluster = false\n')
  try {
    await install()
  } finally {
    await rm(file)
  }
}

function fail(message: string): never {
  throw new Error(message)
}
