import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENT } from '../../support/open-id-provider.ts'
import { expectStatus } from '../../support/story.ts'
import type { Browser } from '../people-attacks/browser.ts'
import { type AttackWorld, AUDIENCE, startAttackWorld } from '../people-attacks/world.ts'

const ROUNDS = 5
const VERIFIERS = 4

const started = new AsyncDisposableStack()
let world: AttackWorld
let db: pg.Client
beforeAll(async () => {
  world = await startAttackWorld(started)
  db = new pg.Client({ connectionString: world.deployment.databaseUrl })
  await db.connect()
  started.defer(() => db.end())
})
afterAll(() => started.disposeAsync())

/** Says how the provider tells of ended users. The provider learns where to send it. */
async function choose(signals: object) {
  const { deployment, operator, provider, providerCallback, issuer } = world
  const named = { issuer: provider.issuer, client_id: CLIENT.id, client_secret: CLIENT.secret, all_users: true }
  const path = `/v1/operators/${operator.id}/providers/work`
  const put = expectStatus(200, await deployment.client.signed('PUT', path, { ...named, ...signals }, operator))
  const { signals_uri: uri, id } = Object(put['provider'])
  await provider.allow([providerCallback], uri)
  return { uri: String(uri), path: String(uri).replace(issuer, ''), id: String(id) }
}

/** Lets the client act for a person. */
async function connect(browser: Browser = world.browser()) {
  const code = (await world.allow(browser)).url.searchParams.get('code') ?? ''
  const { body } = await world.redeem(code)
  expect(await verify(body['access_token'], 0)).toBe(true)
  return { access: body['access_token'], refresh: String(body['refresh_token']) }
}

/** Asks one of the servers whether a token is valid. */
async function verify(token: unknown, server: 0 | 1): Promise<unknown> {
  const body = JSON.stringify({ token, audience: [AUDIENCE], scope: 'read', delegation: 'accept' })
  const headers = { 'content-type': 'application/json' }
  const url = `${world.deployment.servers[server]?.baseUrl}/v1/verify`
  return Object(await (await fetch(url, { method: 'POST', headers, body })).json()).valid
}

/** Signs out at the provider, as its page does. */
async function signOut(browser: Browser): Promise<void> {
  const { issuer } = world.provider
  const { html } = await browser.open(`${issuer}/session/end`)
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(html)?.[1] ?? ''
  await browser.send(`${issuer}/session/end/confirm`, { xsrf, logout: 'yes' }, { origin: issuer })
}

/** Lets 16 minutes pass since the provider last vouched for anybody. */
const pass = () => db.query(`UPDATE users SET checked_at = checked_at - interval '16 minutes'`)
const reasons = async () =>
  (await db.query(`SELECT reason FROM audit_logs WHERE action = 'user.signal' ORDER BY id`)).rows.map(
    ({ reason }) => reason,
  )

describe('oidc-provider, unmodified', () => {
  it('sends a logout when a person signs out there, and everything that acts for the person ends', async () => {
    await choose({ signals: 'logout', on_logout: 'tokens' })
    const browser = world.browser()
    const { access, refresh } = await connect(browser)
    await signOut(browser)
    expect(await verify(access, 0)).toBe(false)
    expect(await verify(access, 1)).toBe(false)
    expect(await world.refresh(refresh)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await reasons()).toEqual(['logout; provider work'])
  })

  it('sends a logout of one session, which ends the session here, and no token', async () => {
    await choose({ signals: 'logout', on_logout: 'sessions' })
    const [gone, stays] = [world.browser(), world.browser()]
    const { access } = await connect(gone)
    await world.allow(stays)
    await signOut(gone)
    const here = async (browser: Browser) => (await browser.open(`${world.issuer}/people/acting`)).html
    expect(await here(gone)).not.toContain('What acts for you')
    expect(await here(stays)).toContain('What acts for you')
    expect(await verify(access, 0)).toBe(true)
  })

  it('is asked again with its refresh token, and when it has ended the grant, everything ends', async () => {
    await choose({ signals: 'refresh' })
    const first = await connect()
    await pass()
    const second = await world.refresh(first.refresh)
    expect(second.status).toBe(200)
    await pass()
    // The provider gives another refresh token each time.
    const third = await world.refresh(String(second.body['refresh_token']), {}, 1)
    expect(third.status).toBe(200)
    await world.provider.endGrants()
    await pass()
    const refused = await world.refresh(String(third.body['refresh_token']))
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    for (const token of [first.access, second.body['access_token'], third.body['access_token']]) {
      expect(await verify(token, 0)).toBe(false)
      expect(await verify(token, 1)).toBe(false)
    }
    expect((await reasons()).slice(-3)).toEqual([
      'vouched again; provider work',
      'vouched again; provider work',
      'refresh refused; provider work',
    ])
    await connect()
  })

  it('is asked once when two processes need the answer, and its refresh token is never used twice', async () => {
    await choose({ signals: 'refresh' })
    let rotations = 0
    world.provider.whenRotated = () => void (rotations += 1)
    let { refresh } = await connect()
    for (let round = 0; round < ROUNDS; round += 1) {
      await pass()
      const each = await Promise.all(Array.from({ length: 6 }, (_, at) => world.refresh(refresh, {}, at % 2 ? 1 : 0)))
      expect(new Set(each.map(({ status }) => status))).toEqual(new Set([200]))
      refresh = String(each[0]?.body['refresh_token'])
    }
    world.provider.whenRotated = () => undefined
    expect(rotations).toBe(ROUNDS)
  })
})

describe('a signal races two processes that verify', () => {
  it.each([
    ['a logout', { signals: 'logout', on_logout: 'tokens' }, 'logout+jwt'],
    ['a security event', { signals: 'ssf' }, 'secevent+jwt'],
  ])('%s: once it is answered, neither says valid', async (_, signals, typ) => {
    const { path } = await choose(signals)
    const { provider, deployment } = world
    for (let round = 0; round < ROUNDS; round += 1) {
      provider.sub = randomUUID()
      const { access } = await connect()
      let answeredAt = Infinity
      const late: unknown[] = []
      const after = { count: 0 }
      const watch = async (server: 0 | 1) => {
        while (after.count < 20) {
          const begun = performance.now()
          const valid = await verify(access, server)
          if (begun <= answeredAt) continue
          after.count += 1
          if (valid !== false) late.push(valid)
        }
      }
      const watching = Array.from({ length: VERIFIERS }, (__, at) => watch(at % 2 === 0 ? 0 : 1))
      const token = await provider.sign(claimsOf(typ, provider), typ)
      const server = deployment.servers[round % 2]?.baseUrl
      const form = typ === 'logout+jwt'
      const type = form ? 'application/x-www-form-urlencoded' : `application/${typ}`
      const body = form ? `logout_token=${token}` : token
      const answer = await fetch(`${server}${path}`, { method: 'POST', headers: { 'content-type': type }, body })
      answeredAt = performance.now()
      await Promise.all(watching)
      expect(answer.status).toBe(form ? 200 : 202)
      expect(late).toEqual([])
    }
  })
})

/** The claims of a signal that ends a person. */
function claimsOf(typ: string, { issuer, sub }: { readonly issuer: string; readonly sub: string }) {
  const iat = Math.floor(Date.now() / 1_000)
  const usual = { iss: issuer, aud: CLIENT.id, jti: randomUUID(), iat }
  if (typ === 'logout+jwt') {
    return { ...usual, exp: iat + 120, sub, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }
  }
  const event = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'
  return { ...usual, sub_id: { format: 'iss_sub', iss: issuer, sub }, events: { [event]: {} } }
}
