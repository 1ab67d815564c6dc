import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CLIENT } from '../../support/open-id-provider.ts'
import { expectStatus } from '../../support/story.ts'
import { type AttackWorld, AUDIENCE, startAttackWorld } from '../people-attacks/world.ts'

const started = new AsyncDisposableStack()
let world: AttackWorld
let db: pg.Client
beforeAll(async () => {
  world = await startAttackWorld(started, { mode: 'one' })
  const { deployment, operator, provider, providerCallback } = world
  db = new pg.Client({ connectionString: deployment.databaseUrl })
  await db.connect()
  started.defer(() => db.end())
  const named = { issuer: provider.issuer, client_id: CLIENT.id, client_secret: CLIENT.secret, all_users: true }
  const path = `/v1/operators/${operator.id}/providers/work`
  expectStatus(200, await deployment.client.signed('PUT', path, { ...named, signals: 'refresh' }, operator))
  await provider.allow([providerCallback])
})
afterAll(() => started.disposeAsync())
beforeEach(() => {
  world.provider.whenRotated = () => undefined
})

/** Lets the client act for the person, and lets 16 minutes pass. */
async function connect() {
  const code = (await world.allow(world.browser())).url.searchParams.get('code') ?? ''
  const { body } = await world.redeem(code, {}, 1)
  await pass()
  return { access: body['access_token'], refresh: String(body['refresh_token']) }
}

const pass = () => db.query(`UPDATE users SET checked_at = checked_at - interval '16 minutes'`)

/** Asks one of the servers whether a token is valid. */
async function isValid(token: unknown, server: 0 | 1): Promise<unknown> {
  const body = JSON.stringify({ token, audience: [AUDIENCE], scope: 'read', delegation: 'accept' })
  const headers = { 'content-type': 'application/json' }
  const url = `${world.deployment.servers[server]?.baseUrl}/v1/verify`
  return Object(await (await fetch(url, { method: 'POST', headers, body })).json()).valid
}

describe('a process that asks the provider, which gives another refresh token each time', () => {
  it('crashes before it has the answer: no token, and the person signs in again', async () => {
    const { provider, deployment } = world
    const { access, refresh } = await connect()
    const crashes: Promise<void>[] = []
    provider.whenRotated = () => void crashes.push(deployment.server.kill())
    await expect(world.refresh(refresh, {}, 0)).rejects.toThrow()
    await Promise.all(crashes)
    expect(crashes).toHaveLength(1)
    provider.whenRotated = () => undefined
    // The other process does not know whether the provider has answered.
    const waiting = await world.refresh(refresh, {}, 1)
    expect(waiting).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
    expect(await isValid(access, 1)).toBe(true)
    await deployment.server.restart()
    await db.query(`UPDATE users SET asked_at = asked_at - interval '31 seconds'`)
    const refused = await world.refresh(refresh, {}, 1)
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await isValid(access, 0)).toBe(false)
    expect(await isValid(access, 1)).toBe(false)
    const again = await connect()
    expect((await world.refresh(again.refresh, {}, 0)).status).toBe(200)
  })

  it('is stopped before it has the answer: the client gets its token, and the next one counts', async () => {
    const { provider, deployment } = world
    const { refresh } = await connect()
    const stops: Promise<unknown>[] = []
    provider.whenRotated = () => void stops.push(deployment.server.stop())
    const second = await world.refresh(refresh, {}, 0)
    expect(second.status).toBe(200)
    expect(await Promise.all(stops)).toEqual([0])
    provider.whenRotated = () => undefined
    await deployment.server.restart()
    await pass()
    expect((await world.refresh(String(second.body['refresh_token']), {}, 0)).status).toBe(200)
  })
})
