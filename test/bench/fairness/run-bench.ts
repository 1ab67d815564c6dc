import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ensureDatabase } from '../../../services/embedded-postgres/cluster.ts'
import { ISSUER } from '../../support/deployment.ts'
import { startDnsServer } from '../../support/dns-server.ts'
import { freePort } from '../../support/free-port.ts'
import { clusterUrl, createCluster, startPostgres } from '../../support/postgres-cluster.ts'
import { type RunningServer, startServer } from '../../support/server.ts'
import { connectTo, scratchFolder } from '../contenders/database.ts'
import { percentilesOf } from '../revocation/percentiles.ts'
import { createTenant, KINDS, measure, type Tenant, type Times } from './tenants.ts'
import { type Attack, WAYS, type Way } from './ways.ts'

/**
 * `npm run bench:fairness`: measures how much one caller slows three other tenants, in each of several ways, within
 * the usual rate limits. It prints the times of the others' calls without and with the attack, and checks nothing.
 */

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 20)
const SETTLE_MS = 2_000
const wanted = process.argv.slice(2)

await using started = new AsyncDisposableStack()
const dns = await startDnsServer()
started.defer(() => dns.close())
const cluster = await createCluster(join(await scratchFolder(started), 'data'))
const port = await freePort()
const url = clusterUrl(cluster, port)
const postgres = await startPostgres(cluster, port)
started.defer(() => postgres.end('SIGINT'))
await ensureDatabase(url)
const env = {
  // Both servers have the same address, because the tenants know it.
  PORT: String(await freePort()),
  DATABASE_URL: url,
  AUTH4AGENT_KEK: randomBytes(32).toString('base64'),
  AUTH4AGENT_BASE_URL: ISSUER,
  AUTH4AGENT_DNS_SERVERS: dns.address,
  AUTH4AGENT_TRUSTED_PROXIES: '127.0.0.1',
  AUTH4AGENT_LOG_LEVEL: 'error',
}
const ways = WAYS.filter((_, index) => wanted.length === 0 || wanted.includes(String(index + 1)))
const { tenants, attacks } = await prepare()
const server = await startServer({ ...env, AUTH4AGENT_RATE_LIMIT_PERCENT: '100' })
started.defer(async () => void (await server.stop()))
process.stdout.write(`three other tenants, ${SECONDS} s without and with each attack; milliseconds\n`)
for (const [index, way] of ways.entries()) await print(way, attacks[index] ?? { floods: [] })

/** Creates all tenants and attacks with a server that has no rate limits. */
async function prepare(): Promise<{ readonly tenants: readonly Tenant[]; readonly attacks: readonly Attack[] }> {
  const open = await startServer(env)
  const { baseUrl } = open
  const others: Tenant[] = []
  for (const n of [1, 2, 3]) others.push(await createTenant(baseUrl, dns, `tenant${n}`, `203.0.113.${n}`))
  const db = await connectTo(started, url)
  const made: Attack[] = []
  for (const [index, way] of ways.entries()) {
    const attacker = await createTenant(baseUrl, dns, `attacker${index}`, `198.51.100.${200 + index}`)
    made.push(await way.prepare({ baseUrl, dns, db, attacker }))
  }
  await open.stop()
  return { tenants: others, attacks: made }
}

async function print({ name, kind }: Way, attack: Attack): Promise<void> {
  const kinds = kind === undefined ? KINDS : [...KINDS, kind]
  const quiet = await measure(tenants, kinds, SECONDS)
  const attacker = startAttacker(server, attack)
  await delay(SETTLE_MS)
  const attacked = await measure(tenants, kinds, SECONDS)
  const answers = await attacker.stop()
  process.stdout.write(`\n${name}\n  answers to the attacker by status: ${answers}\n`)
  process.stdout.write(
    `  ${''.padEnd(14)}     without: p50    p99       with: p50    p99   failed   p99 with / without\n`,
  )
  for (const each of kinds) printKind(each.name, quiet.get(each.name), attacked.get(each.name))
}

function cell(value: number, width: number): string {
  return value.toFixed(1).padStart(width)
}

function printKind(name: string, without: Times | undefined, with_: Times | undefined): void {
  const [quiet, attacked] = [percentilesOf(without?.ms ?? []), percentilesOf(with_?.ms ?? [])]
  process.stdout.write(
    `  ${name.padEnd(14)}${cell(quiet.p50, 17)}${cell(quiet.p99, 7)}${cell(attacked.p50, 16)}${cell(attacked.p99, 7)}` +
      `${String(with_?.failed ?? 0).padStart(9)}${cell(attacked.p99 / quiet.p99, 21)}\n`,
  )
}

function startAttacker({ baseUrl }: RunningServer, attack: Attack) {
  const program = join(import.meta.dirname, 'attacker-program.ts')
  const child: ChildProcess = spawn(process.execPath, [program, baseUrl, JSON.stringify(attack)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return {
    async stop(): Promise<string> {
      const ended = once(child, 'close')
      child.kill('SIGTERM')
      await ended
      process.off('exit', kill)
      return output
    },
  }
}
