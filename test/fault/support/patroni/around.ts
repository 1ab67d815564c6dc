import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from '../../../../services/embedded-postgres/account.ts'
import { startProgram } from '../../../support/child-process.ts'
import { ensureInstalled, findProgram } from '../../../support/debian-package.ts'
import { readExample } from '../../../support/deploy-example.ts'
import { freePort } from '../../../support/free-port.ts'
import { ownFolder } from '../../../support/own-folder.ts'
import type { Node } from './node.ts'

const run = promisify(execFile)

/** Installs the programs of Debian that a cluster needs. */
export async function install(): Promise<void> {
  const programs = [
    ['patroni', 'patroni'],
    ['etcd', 'etcd-server'],
    ['haproxy', 'haproxy'],
    ['pgbouncer', 'pgbouncer'],
  ] as const
  for (const [program, name] of programs) {
    const missing = `The tests need ${program}. Install it with "apt-get install ${name}".`
    await ensureInstalled({ name, find: () => findProgram(program), missing })
  }
  // Patroni needs it to speak to etcd, and names it only as one of several.
  const name = 'python3-etcd'
  const find = () =>
    run('/usr/bin/python3', ['-c', 'import etcd']).then(
      () => name,
      () => undefined,
    )
  await ensureInstalled({ name, find, missing: `The tests need ${name}. Install it with "apt-get install ${name}".` })
}

/** Starts etcd. Returns its port for clients. */
export async function startEtcd(
  started: AsyncDisposableStack,
  path: string,
  account: Account | undefined,
): Promise<number> {
  const folder = await ownFolder(join(path, 'etcd'), account)
  const port = await freePort()
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${await freePort()}`]
  const urls = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer]
  const etcd = await startProgram({
    name: 'etcd',
    command: 'etcd',
    args: ['--data-dir', folder, ...urls],
    account,
    isReady: /ready to serve client requests/,
  })
  started.defer(() => etcd.end('SIGTERM'))
  return port
}

/** Starts HAProxy with its example, in front of the nodes. Returns its port. */
export async function startProxy(started: AsyncDisposableStack, path: string, nodes: readonly Node[]): Promise<number> {
  const port = await freePort()
  const servers = nodes.map(({ name, rest, address }, index): [string, string] => {
    const [, restPort] = rest.split(':')
    return [
      `server ${name} 10.0.0.${index + 1}:5432 check port 8008`,
      `server ${name} ${address} check port ${restPort}`,
    ]
  })
  const addresses = { ...Object.fromEntries(servers), '127.0.0.1:5000': `127.0.0.1:${port}` }
  const file = join(path, 'haproxy.cfg')
  await writeFile(file, await readExample('patroni/haproxy.cfg', addresses))
  const proxy = await startProgram({
    name: 'haproxy',
    command: 'haproxy',
    args: ['-W', '-f', file],
    isReady: /Loading success/,
  })
  started.defer(() => proxy.end('SIGTERM'))
  return port
}

/** Starts PgBouncer with its example, in front of HAProxy. Returns its port. */
export async function startPooler(
  started: AsyncDisposableStack,
  path: string,
  to: number,
  account: Account | undefined,
): Promise<number> {
  const folder = await ownFolder(join(path, 'pgbouncer'), account)
  const port = await freePort()
  const users = join(folder, 'userlist.txt')
  const file = join(folder, 'pgbouncer.ini')
  await writeFile(users, '"auth4agent" "replace-3"\n', { mode: 0o644 })
  const text = await readExample('pgbouncer/pgbouncer.ini', {
    'host=10.0.0.4 port=5432': `host=127.0.0.1 port=${to}`,
    'listen_port = 6432': `listen_port = ${port}`,
    '/etc/pgbouncer/userlist.txt': users,
  })
  await writeFile(file, text, { mode: 0o644 })
  const bouncer = await startProgram({
    name: 'PgBouncer',
    command: String(await findProgram('pgbouncer')),
    args: [file],
    account,
    isReady: /process up/,
  })
  started.defer(() => bouncer.end('SIGINT'))
  return port
}
