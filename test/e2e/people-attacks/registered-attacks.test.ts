import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSql } from '../../support/sql.ts'
import { expectStatus } from '../../support/story.ts'
import type { Place } from './browser.ts'
import { type AttackWorld, CALLBACK, CLAIMED, LOOPBACK, startAttackWorld } from './world.ts'

/** How often one source can ask for something of a client at one server, with the rates of this story. */
const MOST_A_MINUTE = 600
const started = new AsyncDisposableStack()
let world: AttackWorld
/** The client that the attacker, and everybody, can register. */
let clientId: string
beforeAll(async () => {
  const env = { AUTH4AGENT_OPEN_REGISTRATION: 'on', AUTH4AGENT_RATE_LIMIT_PERCENT: '1000' }
  world = await startAttackWorld(started, { env })
  clientId = await register()
})
afterAll(() => started.disposeAsync())

/** Registers a client at one of the servers. */
async function send(metadata: object, server: 0 | 1 = 0) {
  const response = await fetch(`${world.deployment.servers[server]?.baseUrl}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: CLAIMED, redirect_uris: [CALLBACK, LOOPBACK], ...metadata }),
  })
  const body: Record<string, unknown> = JSON.parse(await response.text())
  return { status: response.status, body }
}
const register = async (metadata = {}, server: 0 | 1 = 0) => String((await send(metadata, server)).body['client_id'])

const ask = (changes: Readonly<Record<string, string>>) =>
  world.browser().open(world.authorize({ client_id: clientId, ...changes }))
const codeIn = ({ url }: Place) => url.searchParams.get('code') ?? ''

/** Lets the registered client act for a person. */
async function connect() {
  const { body } = await world.redeem(codeIn(await world.allow(world.browser(), { client_id: clientId })), {
    client_id: clientId,
  })
  return { access: body['access_token'], refresh: String(body['refresh_token']) }
}
const refresh = (token: string) => world.refresh(token, { client_id: clientId })
/** Returns how many rows the tables have that a registration could fill. */
const rows = () => {
  const counts = ['clients', 'consents', 'connections', 'audit_logs'].map((each) => `SELECT count(*) FROM ${each}`)
  return readSql(world.deployment.databaseUrl, counts.join(' UNION ALL '))
}

/** The client id with another character at one place. */
const flipped = (at: number) => `${clientId.slice(0, at)}${clientId[at] === 'A' ? 'B' : 'A'}${clientId.slice(at + 1)}`

describe('attacks by registered clients', () => {
  it('famous name and text of a client as markup: the page shows where the answer goes, and that nobody verified it', async () => {
    const { html } = await ask({})
    expect(html).toContain(`<p class="host">${new URL(CALLBACK).host}</p>`)
    expect(html).toContain('This program has registered itself, and nobody has verified who made it')
    expect(html).toContain('Nobody has verified this name')
    expect(html).not.toContain('<script')
    expect(html).toContain(CLAIMED.slice(-6))
  })

  it('loopback client that reuses a consent: the person is asked each time', async () => {
    const browser = world.browser()
    await world.allow(browser, { client_id: clientId })
    for (let round = 0; round < 2; round += 1) {
      const place = await browser.open(world.authorize({ client_id: clientId, redirect_uri: LOOPBACK }))
      expect(place.html).toContain('A program on your computer')
      expect(place.html).toContain('Any program here can claim this name')
    }
  })

  it('famous host beside an own one: what the person allows for the one gives nothing to the other', async () => {
    const evil = 'https://evil.example/callback'
    const client_id = await register({ redirect_uris: [CALLBACK, evil] })
    const browser = world.browser()
    await world.allow(browser, { client_id })
    for (const changes of [{}, { prompt: 'none' }, { scope: 'admin' }]) {
      const place = await browser.open(world.authorize({ client_id, redirect_uri: evil, ...changes }))
      expect([place.url.origin, place.html.includes('code=')]).toEqual([world.issuer, false])
    }
    const { html } = await browser.open(world.authorize({ client_id, redirect_uri: evil }))
    expect(html).toContain('<p class="host">evil.example</p>')
  })

  it.each([
    ['another host', 'https://evil.example/callback'],
    ['another path', `${CALLBACK}/other`],
    ['another port', 'https://client.example.org:8443/callback'],
    ['a user part', 'https://client.example.org@evil.example/callback'],
    ['localhost.evil', 'http://localhost.evil.example/callback'],
    ['a query more', `${CALLBACK}?next=https://evil.example`],
  ])('open redirect by error, and by code: %s gets neither', async (_, redirect_uri) => {
    for (const changes of [{}, { scope: 'admin' }, { prompt: 'none' }]) {
      const place = await ask({ redirect_uri, ...changes })
      expect([place.status, place.url.origin]).toEqual([400, world.issuer])
      expect(place.html).toContain('REDIRECT_NOT_REGISTERED')
      expect(place.html).not.toMatch(/href="https?:\/\/[^"]*evil/)
    }
  })

  it('open redirect by registering: an error is a page before the person has allowed the client anything', async () => {
    const evil = 'https://evil.example/callback'
    const client_id = await register({ redirect_uris: [evil] })
    for (const changes of [{ scope: 'admin' }, { response_type: 'token' }, { prompt: 'none' }]) {
      const place = await ask({ client_id, redirect_uri: evil, ...changes })
      expect(place.url.origin).toBe(world.issuer)
      expect(place.status).toBeGreaterThanOrEqual(400)
      expect(place.html).not.toMatch(/href="https?:\/\/[^"]*evil/)
    }
  })

  it('foreign sealed text: a code and a refresh token are no client ids, and a client id is neither', async () => {
    const code = codeIn(await world.allow(world.browser(), { client_id: clientId }))
    const { refresh: token } = await connect()
    for (const text of [code, token, `reg_${code}`, `reg_${token}`, `reg_${token.slice(4)}`]) {
      const { html } = await ask({ client_id: text })
      expect(html).toContain('CLIENT_NOT_ACCEPTED')
    }
    for (const text of [clientId, clientId.slice(4)]) {
      const members = { client_id: clientId }
      expect(await world.redeem(text, members)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
      expect(await world.refresh(`a4r_${text.slice(4)}`, members)).toMatchObject({ body: { error: 'invalid_grant' } })
    }
  })

  it('tampered and oversize: no other text names a client', async () => {
    const texts = [4, 20, 47, 60].map(flipped)
    for (const text of [...texts, clientId.slice(0, -4), `${clientId}AAAA`, `reg_${'A'.repeat(508)}`]) {
      expect((await ask({ client_id: text })).html).toContain('CLIENT_NOT_ACCEPTED')
    }
    const { status, html } = await ask({ client_id: `reg_${'A'.repeat(9_000)}` })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(html).not.toContain('May this program act for you?')
    const long = await send({ redirect_uris: [`https://client.example.org/${'p'.repeat(400)}`] })
    expect(long).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } })
  })

  it('flood: a registration writes no row, and one source can send only so many', async () => {
    const before = await rows()
    let given = 0
    let answer = await send({ client_name: 'Flood' }, 1)
    while (answer.status === 201 && given <= 4 * MOST_A_MINUTE) {
      given += 1
      answer = await send({ client_name: `Flood ${given}` }, 1)
    }
    expect(answer).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } })
    expect(given).toBeGreaterThanOrEqual(MOST_A_MINUTE)
    expect(await rows()).toEqual(before)
  })

  it('the same metadata give the same client at both servers, so who is blocked does not come back by registering', async () => {
    const { access, refresh: token } = await connect()
    expect([await world.isValid(access), (await refresh(token)).status]).toEqual([true, 200])
    const path = `/v1/operators/${world.operator.id}/clients/block`
    const body = { client_id: clientId }
    expectStatus(200, await world.deployment.client.signed('POST', path, body, world.operator))
    expect(await world.isValid(access)).toBe(false)
    expect(await refresh(token)).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } })
    expect(await register()).toBe(clientId)
    expect((await ask({ client_id: await register({ redirect_uris: [LOOPBACK, CALLBACK] }) })).html).toContain(
      'CLIENT_NOT_ALLOWED',
    )
  })
})
