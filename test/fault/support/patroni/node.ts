import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import type { Account } from '../../../../services/embedded-postgres/account.ts'
import { freeze, type ProgramProcess, startProgram } from '../../../support/child-process.ts'
import { readExample } from '../../../support/deploy-example.ts'
import { freePort } from '../../../support/free-port.ts'
import { ownFolder } from '../../../support/own-folder.ts'
import { startTcpProxy } from '../../../support/tcp-proxy.ts'
import { type Isolated, startRestLine } from './partition.ts'

/** One machine of the example: PostgreSQL under Patroni. Other machines reach it over proxies, clients directly. */
export interface Node {
  readonly name: string
  /** Host and port of Patroni's REST interface. */
  readonly rest: string
  /** Host and port of PostgreSQL. */
  readonly address: string
  /** Kills PostgreSQL. Patroni goes on. */
  crash(): Promise<void>
  /** Kills Patroni and PostgreSQL, as when the machine loses its power. `start` starts them again. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Stops Patroni and PostgreSQL from running, while their connections stay open. */
  freeze(): Promise<void>
  thaw(): void
  /** Cuts the machine off from etcd and from the other machines. Clients still reach it. */
  isolate(): void
  rejoin(): Promise<void>
  stop(): Promise<void>
}

/** What every node needs. */
export interface NodeOptions {
  readonly name: string
  /** An empty folder that the account can enter. */
  readonly parent: string
  /** Port of etcd on loopback. */
  readonly etcd: number
  readonly account: Account | undefined
  /** The nodes that are cut off now. `isolate` and `rejoin` change it. */
  readonly isolated: Isolated
}

const loopback = (port: number) => ({ host: '127.0.0.1', port })

/** Starts a node with the files of the example, changed only in addresses and watchdog. */
export async function startNode({ name, parent, etcd, account, isolated }: NodeOptions): Promise<Node> {
  const folder = await ownFolder(join(parent, name), account)
  const [restPort, postgresPort] = [await freePort(), await freePort()]
  const line = {
    rest: await startRestLine(name, restPort, isolated),
    postgres: await startTcpProxy(loopback(postgresPort)),
    etcd: await startTcpProxy(loopback(etcd)),
  }
  const proxies = [line.postgres, line.etcd]
  const [rest, address] = [`127.0.0.1:${restPort}`, `127.0.0.1:${postgresPort}`]
  const file = await writeFiles(folder, { name, rest, address, line })
  const start = () =>
    startProgram({
      name: 'Patroni',
      command: 'patroni',
      args: [file],
      account,
      env: { HOME: folder },
      isReady: /waiting for leader to bootstrap|trying to bootstrap|Lock owner|the leader with the lock/,
    })
  let patroni: ProgramProcess = await start()
  let thawPostgres: (() => void) | undefined
  const postmaster = async () => {
    const [pid = ''] = (await readFile(join(folder, 'postgres/postmaster.pid'), 'utf8')).split('\n')
    return Number(pid)
  }
  const crash = async () => void process.kill(await postmaster(), 'SIGKILL')
  const thaw = () => {
    patroni.thaw()
    thawPostgres?.()
  }
  return {
    name,
    rest,
    address,
    crash,
    thaw,
    async kill() {
      await patroni.end('SIGKILL')
      await crash()
    },
    async start() {
      patroni = await start()
    },
    async freeze() {
      await patroni.freeze()
      thawPostgres = await freeze(await postmaster())
    },
    isolate() {
      isolated.add(name)
      for (const proxy of proxies) proxy.stall()
    },
    async rejoin() {
      // What was sent meanwhile must not arrive late, because a network would have given up too.
      for (const proxy of proxies) await proxy.cut()
      for (const proxy of proxies) await proxy.pass()
      isolated.delete(name)
    },
    async stop() {
      thaw()
      await patroni.end('SIGTERM')
      for (const each of Object.values(line)) await each.close()
    },
  }
}

interface Places {
  readonly name: string
  readonly rest: string
  readonly address: string
  readonly line: Readonly<Record<'rest' | 'postgres' | 'etcd', { readonly port: number }>>
}

/** Writes the files of the example. Returns the path of Patroni's configuration. */
async function writeFiles(folder: string, { name, rest, address, line }: Places): Promise<string> {
  const file = join(folder, 'patroni.yml')
  const script = join(folder, 'create-database.sh')
  await writeFile(script, await readExample('patroni/create-database.sh', {}), { mode: 0o755 })
  const replaced = {
    'name: a\n': `name: ${name}\n`,
    'connect_address: 10.0.0.1:8008': `connect_address: 127.0.0.1:${line.rest.port}`,
    'connect_address: 10.0.0.1:5432': `connect_address: 127.0.0.1:${line.postgres.port}`,
    'listen: 10.0.0.1:8008': `listen: ${rest}`,
    'listen: 10.0.0.1:5432': `listen: ${address}`,
    '[10.0.0.1:2379, 10.0.0.2:2379, 10.0.0.3:2379]': `[127.0.0.1:${line.etcd.port}]\n  use_proxies: true`,
    '10.0.0.0/24': '127.0.0.1/32',
    // If this process ends too early, its guardian stops a PostgreSQL in a folder of this name.
    '/var/lib/postgresql/17/auth4agent': join(folder, 'postgres'),
    '/etc/patroni/create-database.sh': script,
    // This machine must not be reset.
    'mode: required': 'mode: "off"',
    'wal_log_hints: "on"': `wal_log_hints: "on"\n        unix_socket_directories: ${folder}`,
  }
  await writeFile(file, await readExample('patroni/patroni.yml', replaced))
  return file
}
