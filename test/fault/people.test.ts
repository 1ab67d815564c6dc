import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { Browser } from '../e2e/people-attacks/browser.ts'
import { type AttackWorld, AUDIENCE, startAttackWorld } from '../e2e/people-attacks/world.ts'
import { createRandom } from '../simulation/revocation/random.ts'
import { expectStatus } from '../support/story.ts'
import { LEASE_MS } from './support/scenario.ts'
import { supervise } from './support/supervisor.ts'

const SECONDS = Number(process.env['FAULT_SECONDS'] ?? 10)
const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 1_000_000))
const OVERHEAD_MS = 120_000
/** If too little happens, a run lasts up to this many times the usual length. */
const MOST = 6
const VERIFIERS = 8

/** A token of the user, from the request to the moment at which something that ends it had returned. */
interface Held {
  readonly token: string
  readonly refresh: string
  readonly subject: string
  /** The number of the connection. */
  readonly connection: number
  endedAt?: number
  by?: string
}

type Call = () => Promise<{ readonly status: number }>

/** Something that ends tokens, and what lets the user go on afterwards. */
interface Ending {
  readonly name: string
  /** Whether it ends only the last connection, or all tokens of the user. */
  readonly isOfConnection?: boolean
  readonly end: (last: Held) => ReturnType<Call>
  readonly afterwards?: readonly ((last: Held) => ReturnType<Call>)[]
}

const NOTHING: Ending = { name: '', end: () => Promise.reject(new Error('no ending')) }

it('no token for a user is valid after an ending returned, while whole processes are killed one by one', {
  timeout: MOST * SECONDS * 1_000 + OVERHEAD_MS,
}, async () => {
  const started = new AsyncDisposableStack()
  onTestFinished(() => started.disposeAsync())
  const world = await startAttackWorld(started, { mode: 'one', env: { AUTH4AGENT_REVOCATION_LEASE: `${LEASE_MS}ms` } })
  const processes = world.deployment.servers.map((server, at) => supervise(`instance-${at}`, server))
  started.defer(async () => void (await Promise.all(processes.map((one) => one.stop()))))
  const random = createRandom(SEED)
  const endings = new Map<string, number>()
  const began = performance.now()
  const all = endingsOf(world)
  /** A slow machine gets more time, so that each ending happens. */
  const isOver = () => {
    const tookS = (performance.now() - began) / 1_000
    return tookS > SECONDS && (endings.size === all.length || tookS > MOST * SECONDS)
  }
  const held: Held[] = []
  const counts = { verifications: 0, ofEnded: 0, endings: 0, crashes: 0, unanswered: 0 }
  const violations: string[] = []

  const verify = async (at: number) => {
    while (!isOver()) {
      const chosen = held.length === 0 ? undefined : random.pick(held.slice(-12))
      if (chosen === undefined) {
        await delay(20)
        continue
      }
      const { endedAt } = chosen
      const wanted = { token: chosen.token, audience: [AUDIENCE], scope: 'read', delegation: 'accept' }
      const answer = await world.deployment.clients[at % 2]?.post('/v1/verify', wanted).catch(() => undefined)
      if (answer?.status !== 200) {
        counts.unanswered += 1
        await delay(20)
        continue
      }
      counts.verifications += 1
      if (endedAt === undefined) continue
      counts.ofEnded += 1
      if (answer.body['valid'] === true) violations.push(`valid after ${chosen.by}`)
    }
  }
  const crash = async () => {
    while (!isOver()) {
      await delay(random.between(500, 2_000))
      await random.pick(processes).crash()
      counts.crashes += 1
    }
  }
  const work = async () => {
    let browser = world.browser()
    for (let turn = 0; !isOver(); turn += 1) {
      if (!(await connect(world, browser, held, turn).catch(() => false))) browser = world.browser()
      const { name, isOfConnection = false, end, afterwards = [] } = all[turn % all.length] ?? NOTHING
      const last = held.at(-1)
      if (last?.connection !== turn) continue
      await delay(random.between(0, 100))
      if (await insist(() => end(last), isOver)) {
        const ended = held.filter(
          ({ connection, endedAt }) => endedAt === undefined && (!isOfConnection || connection === turn),
        )
        for (const each of ended) Object.assign(each, { endedAt: performance.now(), by: name })
        counts.endings += 1
        endings.set(name, (endings.get(name) ?? 0) + 1)
      }
      for (const call of afterwards) await insist(() => call(last), isOver)
    }
  }
  await Promise.all([work(), crash(), ...Array.from({ length: VERIFIERS }, (_, at) => verify(at))])
  process.stdout.write(
    `people under kill -9: FAULT_SEED=${SEED}; ${JSON.stringify({ ...counts, ...Object.fromEntries(endings) })}\n`,
  )
  expect(violations.slice(0, 10)).toEqual([])
  expect(counts.ofEnded).toBeGreaterThan(100)
  expect(endings.size).toBe(all.length)
})

/** Signs in if need be, and gets two tokens: for a code, and for the refresh token. */
async function connect(world: AttackWorld, browser: Browser, held: Held[], connection: number): Promise<boolean> {
  const place = await world.allow(browser)
  const first = await world.redeem(place.url.searchParams.get('code') ?? '')
  if (first.status !== 200) return false
  const keep = ({ body }: typeof first) => {
    const token = String(body['access_token'])
    const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    held.push({ token, refresh: String(body['refresh_token']), subject: String(sub), connection })
  }
  keep(first)
  const second = await world.refresh(String(first.body['refresh_token']), {}, 1)
  if (second.status === 200) keep(second)
  return true
}

/** Repeats a call until it returns success, so that its ending is certain. Gives up after some time. */
async function insist(call: Call, isOver: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 60 && !isOver(); tries += 1) {
    const answer = await call().catch(() => undefined)
    if (answer?.status === 200) return true
    await delay(50)
  }
  return false
}

/** Returns every ending of a token for a user, and what lets the user go on afterwards. */
function endingsOf(world: AttackWorld): readonly Ending[] {
  const { deployment, operator, clientId } = world
  const { client } = deployment
  const base = `/v1/operators/${operator.id}`
  const send = (method: string, path: string, body: object | null = null) =>
    client.signed(method, `${base}${path}`, body, operator)
  return [
    {
      name: 'connection',
      isOfConnection: true,
      end: ({ refresh }) =>
        fetch(`${deployment.server.baseUrl}/oauth/revoke`, {
          method: 'POST',
          body: new URLSearchParams({ token: refresh, client_id: clientId }),
        }),
    },
    {
      name: 'consent',
      async end() {
        const { consents } = expectStatus(200, await client.get(`${base}/consents`, operator))
        const [{ id } = { id: '' }] = consents as { id: string }[]
        return send('DELETE', `/consents/${id}`)
      },
    },
    {
      name: 'user',
      end: ({ subject }) => send('POST', `/users/${encodeURIComponent(subject)}/disable`, { reason: 'left' }),
      afterwards: [(last) => send('POST', `/users/${encodeURIComponent(last.subject)}/enable`, { reason: 'back' })],
    },
    {
      name: 'client',
      end: () => send('POST', '/clients/block', { client_id: clientId }),
      afterwards: [() => send('PUT', '/clients', { client_id: clientId })],
    },
    { name: 'access', end: () => world.letUsersIn(['read']), afterwards: [() => world.letUsersIn(['read', 'write'])] },
    { name: 'operator', end: () => send('POST', '/end-all-tokens', { reason: 'all' }) },
    {
      name: 'provider',
      end: () => send('DELETE', '/providers/work'),
      afterwards: [() => world.nameProvider().then(() => ({ status: 200 }))],
    },
  ]
}
