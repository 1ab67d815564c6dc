import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Caller, grpcCaller, restCaller } from '../../fault/clients/callers.ts'
import { revokeToken } from '../../fault/clients/requests.ts'
import { type Cluster, startCluster } from '../../support/cluster.ts'
import { ISSUER } from '../../support/deployment.ts'
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts'
import { protocolClient } from '../../support/protocol-client.ts'
import { startServer } from '../../support/server.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty, provenOperator } from '../../support/story.ts'
import { connectBare } from './bare.ts'
import { type Percentiles, percentilesOf } from './percentiles.ts'
import { openWatchers, type Watchers } from './watchers.ts'
import { measureWays } from './ways.ts'

/**
 * `npm run bench:revocation`: measures revocations on a whole cluster on this machine. It measures the time from the
 * call to its return, and the time until the last of many watchers receives the record. It compares both with a bare
 * commit and publish. It prints the numbers and does not check them.
 */

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 500)
const WARM_UP = 50
const PAUSE_MS = 5
const WATCHERS = 100
const LIST_TTL_S = 10
/** How many watchers each operator opens at most. */
const WATCHERS_EACH = 8

interface Token {
  readonly jwt: string
  readonly jti: string
}

/** The durations of one round, in milliseconds. `told` is the time until the last watcher received the record. */
interface Round {
  readonly bare: number
  readonly returned: number
  /** Undefined without watchers. */
  readonly told: number | undefined
}

await using started = new AsyncDisposableStack()
const dns = await startDnsServer()
started.defer(() => dns.close())
const folder = await temporaryFolder(started)
const cluster = await startCluster(started, folder, {
  AUTH4AGENT_BASE_URL: ISSUER,
  AUTH4AGENT_DNS_SERVERS: dns.address,
  AUTH4AGENT_RATE_LIMIT_PERCENT: '1000000',
})
const operators = await enrol(cluster, dns)
const protocols = ['gRPC', 'REST'] as const
const tokens = await issueAll(cluster, operators, 2 * protocols.length * (ROUNDS + WARM_UP))
const bare = await connectBare(cluster.postgres.url, cluster.nats.url)
started.defer(() => bare.close())
const [gateway] = cluster.processes['jwks-gateway']
if (gateway === undefined) throw new RangeError('The cluster has no gateway')
const { baseUrl, grpcAddress } = gateway
const endpoint = { name: 'gateway', baseUrl, grpcAddress }
const callers = { gRPC: grpcCaller(endpoint), REST: restCaller(endpoint) }

process.stdout.write(`${ROUNDS} revocations one after the other, in milliseconds\n\n`)
process.stdout.write(`${' '.repeat(44)}    p50     p99   beside bare\n`)
for (const protocol of protocols) print(protocol, await measure(callers[protocol], undefined))
process.stdout.write(`with ${WATCHERS} watchers\n`)
const addresses = cluster.processes['jwks-gateway'].map((server) => server.grpcAddress)
const watchers = await openWatchers(addresses, operators, WATCHERS)
for (const protocol of protocols) print(protocol, await measure(callers[protocol], watchers))
watchers.close()
await printWays()

/**
 * Measures the ways to know a revocation on one process that was started for a try, so that it pushes to localhost.
 */
async function printWays(): Promise<void> {
  const server = await startServer({
    AUTH4AGENT_DATA_DIR: join(folder, 'ways'),
    AUTH4AGENT_BASE_URL: ISSUER,
    AUTH4AGENT_DNS_SERVERS: dns.address,
    AUTH4AGENT_RATE_LIMIT_PERCENT: '1000000',
    AUTH4AGENT_STATUS_LIST_TTL: `${LIST_TTL_S}s`,
  })
  started.defer(async () => void (await server.stop()))
  const client = protocolClient(server.baseUrl)
  const operator = await provenOperator(client, dns, 'ways.example.com')
  const agent = await activeAgent(client, operator)
  const { baseUrl: http, grpcAddress: grpc } = server
  process.stdout.write(
    `from the return of RevokeToken until it is known: p50, p99 and most; ttl of lists ${LIST_TTL_S} s\n`,
  )
  for (const { name, late } of await measureWays({ client, baseUrl: http, grpcAddress: grpc, operator, agent })) {
    const { p50, p99 } = percentilesOf(late)
    const times = [p50, p99, Math.max(...late)].map((ms) => ms.toFixed(1).padStart(9)).join('')
    process.stdout.write(`${name.padEnd(44)}${times}   ${late.length} times\n`)
  }
}

/** Makes one bare revocation and one real revocation in turn, so both run on the machine in the same state. */
async function measure(caller: Caller, told: Watchers | undefined): Promise<readonly Round[]> {
  const operatorId = operators[0]?.id ?? ''
  const rounds: Round[] = []
  for (const { jwt, jti } of tokens.splice(0, ROUNDS + WARM_UP)) {
    const bareTold = told?.lastTold(`bare-${jti}`)
    const bareBegin = performance.now()
    await bare.revoke(operatorId, `bare-${jti}`)
    const bareEnd = performance.now()
    await bareTold
    const last = told?.lastTold(jti)
    const begin = performance.now()
    const { outcome } = await caller.call(revokeToken(jwt), `bench-${jti}`)
    const returned = performance.now()
    if (outcome.kind !== 'ok') throw new Error(`The revocation failed: ${JSON.stringify(outcome)}`)
    const lastTold = await last
    rounds.push({
      bare: bareEnd - bareBegin,
      returned: returned - begin,
      told: lastTold === undefined ? undefined : lastTold - begin,
    })
    // Background work of both must not disturb the next round.
    await delay(PAUSE_MS)
  }
  return rounds.slice(WARM_UP)
}

function print(protocol: string, rounds: readonly Round[]): void {
  const of = (part: keyof Round) => percentilesOf(rounds.flatMap((round) => round[part] ?? []))
  const bareTimes = of('bare')
  const line = (name: string, { p50, p99 }: Percentiles) => {
    const ratio = `${(p50 / bareTimes.p50).toFixed(1)} x, ${(p99 / bareTimes.p99).toFixed(1)} x`
    process.stdout.write(`${name.padEnd(44)}${p50.toFixed(2).padStart(7)} ${p99.toFixed(2).padStart(7)}   ${ratio}\n`)
  }
  line('bare commit and publish, without waiting', bareTimes)
  line(`RevokeToken over ${protocol}, call to return`, of('returned'))
  if (rounds.some(({ told }) => told !== undefined))
    line(`RevokeToken over ${protocol}, call to last watcher`, of('told'))
  process.stdout.write('\n')
}

/** Creates enough operators for all watchers. */
async function enrol({ processes }: Cluster, resolver: DnsServer): Promise<OperatorParty[]> {
  const client = protocolClient(processes['jwks-gateway'][0]?.baseUrl ?? '')
  const parties: OperatorParty[] = []
  for (let index = 0; index < Math.ceil(WATCHERS / WATCHERS_EACH); index += 1)
    parties.push(await provenOperator(client, resolver, `operator${index}.example.com`))
  return parties
}

async function issueAll({ processes }: Cluster, [operator]: readonly OperatorParty[], count: number): Promise<Token[]> {
  const client = protocolClient(processes['jwks-gateway'][0]?.baseUrl ?? '')
  if (operator === undefined) throw new RangeError('There is no operator with agents')
  const agent = await activeAgent(client, operator)
  const issued: Token[] = []
  for (let index = 0; index < count; index += 1) {
    const { token, jti } = await issueToken(client, agent)
    issued.push({ jwt: String(token), jti: String(jti) })
  }
  const [first] = issued
  if (first !== undefined) expectStatus(200, await client.verify(first.jwt))
  return issued
}

/** Creates a folder that other users can enter, because PostgreSQL runs as another user if root starts it. */
async function temporaryFolder(stack: AsyncDisposableStack): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'a4a-bench-'))
  stack.defer(() => rm(path, { recursive: true, force: true }))
  await chmod(path, 0o711)
  return path
}
