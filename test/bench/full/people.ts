import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { createNeighbourhood, type Neighbourhood } from '../../support/federation/neighbourhood.ts'
import { startAuth4Agent } from '../contenders/auth4agent.ts'
import { percentileOf } from '../load/percentile.ts'
import { createMeter, type Measurement } from '../measure.ts'
import type { Options } from '../options.ts'
import { type Summary, summarise } from '../statistics.ts'
import type { World } from '../world.ts'

/** What people and their programs wait for. */
export interface PeopleFindings {
  /** How many connections there were, and the processor time of a refresh in server and database, in microseconds. */
  readonly refreshes: readonly { readonly connections: number; readonly cpuUs: Summary | undefined }[]
  /** Milliseconds until the whole page of consent was there, one after the other. */
  readonly page: { readonly p50: number; readonly p95: number; readonly p99: number }
}

const CONNECTIONS = 100_000
const LOAD = 32
const WARM_UP = 200
const PAGES = 2_000
const HOST = 'client.example.org'

/** Gives each user this many connections more. Statements of the server may take 1.6 s, this one takes longer. */
const CONNECT = `INSERT INTO connections (id, consent_id, scopes, jkt, client_edge, vouched_at, moved_at, created_at,
    used_at, expires_at)
  SELECT gen_random_uuid(), c.id, '{read}', '', $1, now(), now(), now(), now(), now() + interval '30 days'
  FROM consents c CROSS JOIN generate_series(1, $2::int)`
const SIGN_IN = `INSERT INTO web_sessions (id, operator_id, subject, epoch, provider_id, provider_edge, signed_in_at,
    expires_at)
  SELECT $1, operator_id, subject, epoch, provider_id, provider_edge, now(), now() + interval '1 hour'
  FROM users WHERE status = 'active' LIMIT 1`
const ALLOW_CLIENT = `INSERT INTO clients (operator_id, client_id, status, edge_id, name, put_at)
  SELECT operator_id, $1, status, gen_random_uuid(), name, now() FROM clients LIMIT 1`

/** Measures refreshes with few and with many connections, and the page of consent of a client with a document. */
export async function measurePeople(
  started: AsyncDisposableStack,
  world: World,
  options: Pick<Options, 'rounds' | 'seconds'>,
  tell: (line: string) => void,
): Promise<PeopleFindings> {
  const page = await measurePage(started, world)
  const few = await measureRefreshes(world, options)
  tell(`${few.connections} connections`)
  const { clientEdge, ids } = world.users.consents
  await world.db.query(CONNECT, [clientEdge, Math.ceil(CONNECTIONS / ids.length)])
  await world.db.query('VACUUM (ANALYZE)')
  const many = await measureRefreshes(world, options)
  tell(`${many.connections} connections`)
  return { refreshes: [few, many], page }
}

async function measureRefreshes(world: World, { rounds, seconds }: Pick<Options, 'rounds' | 'seconds'>) {
  const meter = createMeter(world)
  const { rows } = await world.db.query<{ count: number }>('SELECT count(*)::int AS count FROM connections')
  const measured: Measurement[] = []
  await meter.measure('user-refresh', LOAD, seconds)
  for (let round = 0; round < rounds; round += 1) measured.push(await meter.measure('user-refresh', LOAD, seconds))
  const costs = measured.map(({ cpuUs = Number.NaN, databaseCpuUs = Number.NaN }) => cpuUs + databaseCpuUs)
  return { connections: rows[0]?.count ?? 0, cpuUs: summarise(costs) }
}

/** A server of its own fetches the document once, because the pinned one reaches no host of this machine. */
async function measurePage(started: AsyncDisposableStack, world: World): Promise<PeopleFindings['page']> {
  const around = await createNeighbourhood(started)
  const { installation, db, users } = world
  const server = await startAuth4Agent({ ...installation, env: { ...installation.env, ...around.env } })
  started.defer(() => server.stop())
  const clientId = await publishDocument(started, around)
  await db.query(ALLOW_CLIENT, [clientId])
  const secret = randomBytes(32)
  await db.query(SIGN_IN, [createHash('sha256').update(secret).digest()])
  const parameters = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: `https://${HOST}/callback`,
    code_challenge: sha256Text('v'.repeat(43), 'base64url'),
    code_challenge_method: 'S256',
    resource: users.consents.audience,
    scope: 'read',
  })
  const url = `${server.http}/oauth/authorize?${parameters.toString()}`
  const cookie = `a4a-user=${secret.toString('base64url')}`
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  started.defer(() => agent.destroy())
  for (let turn = 0; turn < WARM_UP; turn += 1) await openPage(agent, url, cookie)
  const tookMs: number[] = []
  for (let turn = 0; turn < PAGES; turn += 1) {
    const begin = performance.now()
    await openPage(agent, url, cookie)
    tookMs.push(performance.now() - begin)
  }
  const sorted = tookMs.toSorted((one, other) => one - other)
  return { p50: percentileOf(sorted, 0.5), p95: percentileOf(sorted, 0.95), p99: percentileOf(sorted, 0.99) }
}

async function publishDocument(started: AsyncDisposableStack, around: Neighbourhood): Promise<string> {
  const documents = createServer(around.certify(HOST), ({ url, headers }, response) => {
    const document = { client_id: `https://${headers.host}${url}`, redirect_uris: [`https://${HOST}/callback`] }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  documents.listen(0, '127.0.0.1')
  await once(documents, 'listening')
  started.defer(() => {
    documents.close().closeAllConnections()
  })
  return `https://${HOST}:${(documents.address() as AddressInfo).port}/oauth/client.json`
}

async function openPage(agent: Agent, url: string, cookie: string): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { agent, headers: { cookie } }, resolve).on('error', reject).end()
  })
  const html = Buffer.concat(await response.toArray()).toString()
  if (response.statusCode !== 200 || !html.includes('May this program act for you?'))
    throw new Error(`The server answered ${response.statusCode} instead of the page of consent: ${html}`)
}
