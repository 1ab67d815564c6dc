import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Account, accountFor } from '../../../services/embedded-postgres/account.ts'
import { type ProgramProcess, startProgram } from '../../support/child-process.ts'
import { createDataFolder } from '../../support/data-folder.ts'
import { ensureInstalled, findProgram } from '../../support/debian-package.ts'
import { readExample } from '../../support/deploy-example.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/until.ts'

/** Three PostgreSQL servers under Patroni, as in deploy/examples/patroni, changed only in addresses and watchdog. */
export interface PatroniCluster {
  /** A URL that leads to the primary, through HAProxy. */
  readonly url: string
  /** A URL that names the three servers. */
  readonly hostsUrl: string
  /**
   * Kills the PostgreSQL of the primary. Patroni goes on, and lets a standby take over. Resolves when two standbys
   * follow the new primary.
   */
  crash(): Promise<void>
  /**
   * Lets the primary hand over to a standby, and resolves as `crash` does. Patroni may refuse it, when no standby has
   * everything; then nothing changes.
   */
  switchOver(): Promise<void>
  /** Returns the timeline of the primary. Each new primary begins one. */
  timeline(): Promise<number>
}

interface Node {
  readonly name: string
  readonly folder: string
  readonly rest: string
  readonly address: string
}

const NAMES = ['a', 'b', 'c'] as const
/** Slow machines copy the first primary twice. */
const WHOLE_MS = 120_000
const POLL_MS = 100
const run = promisify(execFile)

/** Starts everything. It ends with `started`. */
export async function startPatroni(started: AsyncDisposableStack): Promise<PatroniCluster> {
  await install()
  const data = await createDataFolder()
  started.defer(() => data.remove())
  const account = await accountFor(data.path)
  const etcd = await startEtcd(started, data.path, account)
  const nodes = await Promise.all(
    NAMES.map(async (name): Promise<Node> => {
      const [rest, postgres] = [await freePort(), await freePort()]
      const folder = await ownFolder(join(data.path, name), account)
      return { name, folder, rest: `127.0.0.1:${rest}`, address: `127.0.0.1:${postgres}` }
    }),
  )
  for (const node of nodes) started.defer((await startNode(node, etcd, account)).stop)
  const port = await startProxy(started, data.path, nodes)
  const timeline = async () => (await primaryOf(nodes)).timeline
  const replaced = async (before: number) => {
    await until(timeline, (now) => now > before, WHOLE_MS)
    await untilWhole(nodes)
  }
  await untilWhole(nodes)
  return {
    url: urlOf(`127.0.0.1:${port}`),
    hostsUrl: urlOf(nodes.map(({ address }) => address).join(',')),
    timeline,
    async crash() {
      const primary = await primaryOf(nodes)
      const [pid = ''] = (await readFile(join(primary.folder, 'data/postmaster.pid'), 'utf8')).split('\n')
      process.kill(Number(pid), 'SIGKILL')
      await replaced(primary.timeline)
    },
    async switchOver() {
      const { rest, name, timeline: before } = await primaryOf(nodes)
      const body = JSON.stringify({ leader: name })
      const answer = await fetch(`http://${rest}/switchover`, { method: 'POST', body })
      await answer.body?.cancel()
      await (answer.ok ? replaced(before) : untilWhole(nodes))
    },
  }
}

const urlOf = (hosts: string) => `postgresql://auth4agent:replace-3@${hosts}/auth4agent`

async function install(): Promise<void> {
  const programs = [
    ['patroni', 'patroni'],
    ['etcd', 'etcd-server'],
    ['haproxy', 'haproxy'],
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

async function ownFolder(path: string, account: Account | undefined): Promise<string> {
  await mkdir(path)
  await chmod(path, 0o700)
  if (account !== undefined) await chown(path, account.uid, account.gid)
  return path
}

/** Starts etcd. Returns the address for its clients. */
async function startEtcd(started: AsyncDisposableStack, path: string, account: Account | undefined): Promise<string> {
  const folder = await ownFolder(join(path, 'etcd'), account)
  const [client, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`)
  const urls = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer]
  const etcd = await startProgram({
    name: 'etcd',
    command: 'etcd',
    args: ['--data-dir', folder, ...urls.map(String)],
    account,
    isReady: /ready to serve client requests/,
  })
  started.defer(() => etcd.end('SIGTERM'))
  return String(client).slice('http://'.length)
}

/** Starts Patroni for one server, with the files of the example. */
async function startNode({ name, folder, rest, address }: Node, etcd: string, account: Account | undefined) {
  const file = join(folder, 'patroni.yml')
  const script = join(folder, 'create-database.sh')
  await writeFile(script, await readExample('patroni/create-database.sh', {}), { mode: 0o755 })
  await writeFile(
    file,
    await readExample('patroni/patroni.yml', {
      'name: a\n': `name: ${name}\n`,
      '10.0.0.1:8008': rest,
      '[10.0.0.1:2379, 10.0.0.2:2379, 10.0.0.3:2379]': `[${etcd}]`,
      '10.0.0.1:5432': address,
      '10.0.0.0/24': '127.0.0.1/32',
      '/var/lib/postgresql/17/auth4agent': join(folder, 'data'),
      '/etc/patroni/create-database.sh': script,
      // This machine must not be reset.
      'mode: required': 'mode: "off"',
      'wal_log_hints: "on"': `wal_log_hints: "on"\n        unix_socket_directories: ${folder}`,
    }),
  )
  const patroni = await startProgram({
    name: 'Patroni',
    command: 'patroni',
    args: [file],
    account,
    env: { HOME: folder },
    isReady: /waiting for leader to bootstrap|trying to bootstrap|the leader with the lock/,
  })
  return { stop: (): Promise<void> => patroni.end('SIGTERM') }
}

async function startProxy(started: AsyncDisposableStack, path: string, nodes: readonly Node[]): Promise<number> {
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
  const isReady = /Loading success/
  const proxy: ProgramProcess = await startProgram({
    name: 'haproxy',
    command: 'haproxy',
    args: ['-W', '-f', file],
    isReady,
  })
  started.defer(() => proxy.end('SIGTERM'))
  return port
}

/** Answers of Patroni with the status 200: /primary, /quorum and others. */
async function holds({ rest }: Node, path: string): Promise<boolean> {
  const answer = fetch(`http://${rest}${path}`, { signal: AbortSignal.timeout(2_000) })
  return answer.then(
    ({ ok }) => ok,
    () => false,
  )
}

async function primaryOf(nodes: readonly Node[]): Promise<Node & { readonly timeline: number }> {
  for (;;) {
    for (const node of nodes) {
      if (!(await holds(node, '/primary'))) continue
      const status: unknown = await (await fetch(`http://${node.rest}/patroni`)).json()
      return { ...node, timeline: Number(Object(status).timeline) }
    }
    await delay(POLL_MS)
  }
}

/** Resolves when there is a primary whose commits wait for a standby, and two standbys follow it. */
async function untilWhole(nodes: readonly Node[]): Promise<void> {
  const count = async (path: string) => {
    const found = await Promise.all(nodes.map((node) => holds(node, path)))
    return found.filter(Boolean).length
  }
  await until(
    async () => [await count('/primary'), await count('/quorum')].join(),
    (found) => found === '1,2',
    WHOLE_MS,
  )
}
