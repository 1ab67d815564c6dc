import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { accountFor } from '../../../services/embedded-postgres/account.ts'
import { startProgram } from '../../support/child-process.ts'
import { testDatabase } from '../../support/database.ts'
import { ensureInstalled, findProgram } from '../../support/debian-package.ts'
import { readExample } from '../../support/deploy-example.ts'
import { startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import { activeAgent, expectStatus, issueToken, provenOperator } from '../../support/story.ts'

const MISSING = 'The tests need PgBouncer. Install it with "apt-get install pgbouncer", or put it in your PATH.'

/** Starts PgBouncer with the example, changed only in its addresses and in its mode. Returns a URL through it. */
async function startPgBouncer(mode: string): Promise<string> {
  const database = await testDatabase()
  onTestFinished(() => database.drop())
  const { username, pathname, hostname, port: to, searchParams } = new URL(database.url)
  const folder = await mkdtemp(join(tmpdir(), 'a4a-pgbouncer-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await chmod(folder, 0o755)
  const port = await freePort()
  const host = searchParams.get('host') ?? hostname
  const name = pathname.slice(1)
  const text = await readExample('pgbouncer/pgbouncer.ini', {
    'auth4agent = host=10.0.0.4 port=5432 dbname=auth4agent': `${name} = host=${host} port=${to} user=${username}`,
    'listen_port = 6432': `listen_port = ${port}`,
    '/etc/pgbouncer/userlist.txt': join(folder, 'userlist.txt'),
    'pool_mode = session': `pool_mode = ${mode}`,
  })
  await writeFile(join(folder, 'userlist.txt'), `"${username}" "secret"\n`)
  await writeFile(join(folder, 'pgbouncer.ini'), text)
  const command = await ensureInstalled({ name: 'pgbouncer', find: () => findProgram('pgbouncer'), missing: MISSING })
  const bouncer = await startProgram({
    name: 'PgBouncer',
    command,
    args: [join(folder, 'pgbouncer.ini')],
    account: await accountFor(folder),
    isReady: /process up/,
  })
  onTestFinished(() => bouncer.end('SIGINT'))
  return `postgresql://${username}:secret@127.0.0.1:${port}${pathname}`
}

it('a server works through PgBouncer in session mode, with the settings of its sessions', async () => {
  await using started = new AsyncDisposableStack()
  const deployment = await startDeployment({ databaseUrl: await startPgBouncer('session') })
  started.defer(() => deployment.stop())
  const { client } = deployment
  const agent = await activeAgent(client, await provenOperator(client, deployment.dns, 'agents.example.com'))
  const { token } = await issueToken(client, agent)
  expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: true })
  expectStatus(200, await client.revokeToken(token))
  expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
})

it.each(['transaction', 'statement'])(
  'a server refuses to start through PgBouncer in %s mode, and says why',
  async (mode) => {
    const databaseUrl = await startPgBouncer(mode)
    await expect(startDeployment({ databaseUrl })).rejects.toThrow('set pool_mode = session')
  },
)
