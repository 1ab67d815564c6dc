import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { member } from '../../support/federation/statements.ts'
import { startTlsFront } from '../../support/federation/tls-front.ts'
import { freePort } from '../../support/free-port.ts'
import { type AgentParty, clientAssertion } from '../../support/parties.ts'
import { activeAgent, issueToken } from '../../support/story.ts'
import { createReceiver, type ReceiverProcess } from './ssf-receiver.ts'

/** How many tokens are revoked, and after how many of them something is killed. */
const REVOCATIONS = 200
/** Tokens that are issued at the same time. */
const AT_ONCE = 10
const KILLS = { receiver: 50, server: 120 } as const
const AUTHORIZATION = 'Bearer of-the-receiver'

let federation: Federation
let deployment: FederatedDeployment
let folder: string
let agent: AgentParty
let receiver: ReceiverProcess
let pollUrl: string
let pollAudience: string
/** The tokens of the agent, in the order of their revocation. */
const tokens: string[] = []
const jtis: string[] = []
/** The claims of the events that were polled, in the order in which they were stored. */
const polled: JWTPayload[] = []
/** Aborts when all tokens are revoked. */
const over = new AbortController()
/** Resolves when the killed server is back. */
let back = Promise.resolve()
const stops = new AsyncDisposableStack()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auth4agent-signals-'))
  federation = await createFederation()
  deployment = await federation.start('auth.alpha.example.net')
  const operator = await member(deployment, 'receiver.example.com')
  agent = await activeAgent(deployment.client, operator, ['read', 'ssf.manage'])
})
afterAll(async () => {
  await receiver?.kill()
  await stops.disposeAsync()
  await federation?.stop()
  await rm(folder, { recursive: true })
})

const url = (path: string) => `${deployment.server.baseUrl}${path.replace(deployment.issuer, '')}`

/** Returns a token with which the agent manages the streams of its operator. */
async function managing(): Promise<string> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'ssf.manage',
    ...clientAssertion(agent, deployment.issuer),
  })
  const answer = await fetch(url('/oauth/token'), { method: 'POST', body: form })
  return String(Object(await answer.json()).access_token)
}

/** Sends a request about streams, until the server answers. Returns undefined if the server does not answer. */
async function post(path: string, token: string, body: object) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(url(path), { method: 'POST', headers, body: JSON.stringify(body) }).catch(() => undefined)
  const text = await answer?.text().catch(() => undefined)
  return answer === undefined || text === undefined ? undefined : { status: answer.status, body: JSON.parse(text) }
}

/** Revokes a token. A call that the crash of the server has cut off is repeated, because its outcome is unknown. */
async function revoke(token: string): Promise<void> {
  const answer = await deployment.client.revokeToken(token).catch(() => undefined)
  if (answer?.status === 200) return
  await back
  await revoke(token)
}

/** Polls until all revocations are stored. It forgets its first answer, as a receiver that crashes. */
async function pollAll(token: string): Promise<void> {
  const keys = createRemoteJWKSet(new URL(url('/ssf/jwks.json')))
  let ack: string[] = []
  let isForgetting = true
  while (!over.signal.aborted || polled.length < REVOCATIONS) {
    const answer = await post(pollUrl, token, { ack, maxEvents: 7, returnImmediately: over.signal.aborted })
    if (answer?.status !== 200) {
      await back
      continue
    }
    const sets: Readonly<Record<string, string>> = answer.body.sets
    ack = []
    if (isForgetting && Object.keys(sets).length > 0) {
      isForgetting = false
      continue
    }
    for (const [jti, set] of Object.entries(sets)) {
      const demands = { issuer: deployment.issuer, audience: pollAudience, typ: 'secevent+jwt', algorithms: ['RS256'] }
      const { payload } = await jwtVerify(set, keys, demands)
      if (!polled.some((known) => known.jti === jti)) polled.push(payload)
      ack.push(jti)
    }
  }
}

const subjects = (events: readonly object[]) => events.map((event) => Object(event).sub_id.jti as unknown)

it('1. an operator has a receiver to which events are pushed, and one that polls', async () => {
  const token = await managing()
  const port = await freePort()
  const place = await federation.place('events.example.net')
  const front = await startTlsFront(place.port, place, new URL(`http://127.0.0.1:${port}`))
  stops.defer(() => front.cut())
  const delivery = {
    method: 'urn:ietf:rfc:8935',
    endpoint_url: `https://events.example.net:${place.port}/`,
    authorization_header: AUTHORIZATION,
  }
  const pushing = await post('/ssf/stream', token, { delivery })
  const polling = await post('/ssf/stream', token, {})
  expect([pushing, polling]).toMatchObject([{ status: 201 }, { status: 201 }])
  pollUrl = polling?.body.delivery.endpoint_url
  pollAudience = polling?.body.aud
  receiver = createReceiver({
    issuer: deployment.issuer,
    audience: pushing?.body.aud,
    file: join(folder, 'events.jsonl'),
    port,
    authorization: AUTHORIZATION,
    env: deployment.env,
  })
  await receiver.start()
})

it(`2. ${REVOCATIONS} tokens are revoked, while the receiver and then the server are killed`, async () => {
  while (tokens.length < REVOCATIONS) {
    const issued = await Promise.all(Array.from({ length: AT_ONCE }, () => issueToken(deployment.client, agent)))
    tokens.push(...issued.map(({ token }) => String(token)))
    jtis.push(...issued.map(({ jti }) => String(jti)))
  }
  const polling = pollAll(await managing())
  for (const [index, token] of tokens.entries()) {
    if (index === KILLS.receiver) {
      await receiver.kill()
      expect(receiver.events().length).toBeLessThanOrEqual(KILLS.receiver)
    }
    if (index === KILLS.receiver + 20) await receiver.start()
    if (index === KILLS.server) {
      back = (async () => {
        await deployment.server.kill()
        await deployment.server.restart()
      })()
    }
    await revoke(token)
  }
  await back
  over.abort()
  await polling
})

it('3. the receiver that gets pushes has every event exactly once, and in order', async () => {
  await expect.poll(() => receiver.events().length, { interval: 100 }).toBe(REVOCATIONS)
  expect(subjects(receiver.events())).toEqual(jtis)
  expect(new Set(receiver.events().map(({ jti }) => jti)).size).toBe(REVOCATIONS)
  expect(receiver.output()).toContain('The token or grant was revoked')
})

it('4. so does the receiver that polls', () => {
  expect(subjects(polled)).toEqual(jtis)
  expect(new Set(polled.map(({ jti }) => jti)).size).toBe(REVOCATIONS)
})
