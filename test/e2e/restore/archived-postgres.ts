import { appendFile, chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { accountFor } from '../../../services/embedded-postgres/account.ts'
import { type ProgramProcess, startProgram } from '../../support/child-process.ts'
import { createDataFolder } from '../../support/data-folder.ts'
import { ensureInstalled, findProgram } from '../../support/debian-package.ts'
import { readExample } from '../../support/deploy-example.ts'
import { endShell } from '../../support/end-shell.ts'
import { freePort } from '../../support/free-port.ts'
import { ownFolder } from '../../support/own-folder.ts'
import { DEBIAN_POSTGRES, postgresPrograms } from '../../support/test-postgres.ts'

/** Debian's PostgreSQL, whose WAL pgBackRest archives as in deploy/examples/pgbackrest. */
export interface ArchivedPostgres {
  readonly url: string
  /** Runs commands of the documents as the user that PostgreSQL runs as. */
  shell(commands: string): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

const MISSING = 'The tests need pgBackRest. Install it with "apt-get install pgbackrest".'

/** Creates a cluster with an empty database and starts it. It ends with `started`. */
export async function startArchivedPostgres(started: AsyncDisposableStack): Promise<ArchivedPostgres> {
  await ensureInstalled({ name: 'pgbackrest', find: () => findProgram('pgbackrest'), missing: MISSING })
  const { initdb, postgres } = await postgresPrograms(DEBIAN_POSTGRES)
  const data = await createDataFolder()
  started.defer(() => data.remove())
  const account = await accountFor(data.path)
  const folder = await ownFolder(join(data.path, 'pg'), account)
  const [cluster, repository, port] = [join(folder, 'data'), join(folder, 'repository'), await freePort()]
  const config = join(data.path, 'pgbackrest.conf')
  const settings = await readExample('pgbackrest/pgbackrest.conf', {
    '/var/lib/pgbackrest': repository,
    '/var/lib/postgresql/17/auth4agent': cluster,
    '/var/run/postgresql': folder,
    'pg1-port=5432': `pg1-port=${port}\npg1-user=postgres\nlock-path=${folder}\nspool-path=${folder}`,
  })
  await writeFile(config, settings)
  await chmod(config, 0o644)
  const env = { PGBACKREST_CONFIG: config, HOME: folder, PGDATABASE: 'postgres' }
  const shell = async (commands: string) => {
    const { code, stdout, stderr } = await endShell(commands, { PATH: String(process.env['PATH']), ...env }, account)
    if (code !== 0) throw new Error(`${commands}\nended with ${code}:\n${stdout}${stderr}`)
  }
  let server: ProgramProcess | undefined
  const start = async () => {
    server = await startProgram({
      name: 'PostgreSQL',
      command: postgres,
      args: ['-D', cluster],
      account,
      env,
      isReady: /database system is ready to accept connections/,
    })
  }
  const stop = async () => {
    await server?.end('SIGINT')
  }
  await shell(
    `'${initdb}' --username=postgres --auth=trust --encoding=UTF8 --pgdata='${cluster}' >'${folder}/initdb.log'`,
  )
  const own = `port = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '${folder}'\n`
  await appendFile(join(cluster, 'postgresql.conf'), `${own}${await readExample('pgbackrest/archive.conf', {})}`)
  await start()
  started.defer(stop)
  await shell(`psql --host='${folder}' --port=${port} --username=postgres --command='CREATE DATABASE auth4agent'`)
  return { url: `postgresql://postgres@127.0.0.1:${port}/auth4agent`, shell, start, stop }
}
