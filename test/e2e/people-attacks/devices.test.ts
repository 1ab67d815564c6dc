import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Browser, fieldsOf } from './browser.ts'
import { type AttackWorld, AUDIENCE, CLAIMED, DEVICE_CODE, DEVICE_PATH, startAttackWorld } from './world.ts'

const started = new AsyncDisposableStack()
let world: AttackWorld
/** A client on devices, and one that is on none. */
let clientId: string
beforeAll(async () => {
  world = await startAttackWorld(started)
  clientId = new URL(DEVICE_PATH, world.clientId).href
  expect((await world.letUsersIn(['read', 'write'], true)).status).toBe(200)
})
afterAll(() => started.disposeAsync())

const PAGE = '/people/device'
const ANSWER = '/people/device-consent'
let people = 0
/** Authn runs at most in this many processes, each of which counts. */
const PROCESSES = 2
const GUESSES = 15

/** Signs in another person, who has typed no code yet, and returns the browser at the page for the code. */
async function person(): Promise<{ readonly browser: Browser; readonly form: Record<string, string> }> {
  people += 1
  Object.assign(world.provider, { sub: `person-${people}` })
  await world.provider.allow([world.providerCallback])
  return again()
}

async function again() {
  const browser = world.browser()
  await browser.open(`${world.issuer}/people/sign-in`)
  await world.allow(browser)
  return { browser, form: fieldsOf(await browser.open(world.issuer + PAGE)) }
}

async function start(client_id = clientId) {
  const body = new URLSearchParams({ client_id, resource: AUDIENCE, scope: 'read write' })
  const response = await fetch(`${world.issuer}/oauth/device_authorization`, { method: 'POST', body })
  const answer = JSON.parse(await response.text())
  const text = (name: string) => String(answer[name] ?? '')
  return { error: text('error'), user_code: text('user_code'), device_code: text('device_code') }
}

const redeem = (device_code: string, members: Readonly<Record<string, string>> = {}, server: 0 | 1 = 0) =>
  world.token({ grant_type: DEVICE_CODE, device_code, client_id: clientId, ...members }, server)

/** Lets time pass between two requests for a token. */
async function pass() {
  const database = new pg.Client({ connectionString: world.deployment.databaseUrl })
  await database.connect()
  await database.query(`UPDATE device_requests SET polled_at = polled_at - interval '1 day'`)
  await database.end()
}

/** Starts a device, and lets a person allow it. */
async function allowed() {
  const { user_code, device_code } = await start()
  const { browser, form } = await person()
  const question = await browser.send(PAGE, { ...form, user_code })
  expect((await browser.send(ANSWER, { ...fieldsOf(question), decision: 'allow' })).status).toBe(200)
  return device_code
}

describe('attacks with the code of a device', () => {
  it('code guessed: a person can type five a minute at each process, in all browsers together', async () => {
    const begunAt = performance.now()
    const [one, other] = [await person(), await again()]
    const statuses: number[] = []
    for (let at = 0; at < 2 * GUESSES; at += 1) {
      const { browser, form } = at < GUESSES ? one : other
      statuses.push((await browser.send(PAGE, { ...form, user_code: 'BBBB-BBBB' })).status)
    }
    const more = Math.ceil((performance.now() - begunAt) / 12_000)
    const typed = statuses.filter((status) => status === 404).length
    expect(new Set(statuses)).toEqual(new Set([404, 429]))
    expect(typed).toBeGreaterThanOrEqual(5)
    expect(typed).toBeLessThanOrEqual(PROCESSES * (5 + more))
    expect(statuses.slice(0, 5)).toEqual(Array(5).fill(404))
  })

  it('code phished: no link types it, and the page says whose it is and warns', async () => {
    const { user_code } = await start()
    const { browser, form } = await person()
    const lured = await browser.open(`${world.issuer}${PAGE}?user_code=${user_code}&code=${user_code}`)
    expect(lured.html).toContain('Whoever sends')
    expect(lured.html).not.toContain(user_code)
    const { html } = await browser.send(PAGE, { ...form, user_code })
    expect(html).toContain(`<p class="host">${new URL(clientId).host}</p>`)
    expect(html).toContain('You started this on another device less than 10 minutes ago')
    expect(html).not.toContain('<script')
    expect(html).toContain(CLAIMED.slice(-6))
    const wrong = await browser.send(PAGE, { ...form, user_code: '"><script>alert(1)</script>' })
    expect([wrong.status, wrong.html.includes('<script')]).toEqual([404, false])
  })

  it('code phished: nobody asks in the name of a program that is on no device', async () => {
    expect((await start(world.clientId)).error).toBe('unauthorized_client')
  })

  it('code of another client: it is of no use, and slows nobody down', async () => {
    const device_code = await allowed()
    const other = await redeem(device_code, { client_id: world.clientId })
    expect(other).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await redeem(device_code)).status).toBe(200)
  })

  it('race of 100 at two processes, then replay: one gets a token, and then the connection has ended', async () => {
    const device_code = await allowed()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) => redeem(device_code, {}, at % 2 === 0 ? 0 : 1)),
    )
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    const { access_token: token, refresh_token: refresh } = won[0]?.body ?? {}
    expect(await world.isValid(token)).toBe(true)
    await pass()
    expect(await redeem(device_code, {}, 1)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await world.isValid(token)).toBe(false)
    expect((await world.refresh(String(refresh), { client_id: clientId })).status).toBe(400)
  })

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['forged form: of another site', {}, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['forged form: of an unknown origin', {}, { origin: 'null' }],
    ['foreign form: without the secret text', { form: 'a.b.c' }, {}],
    ['stale form: about another request', { id: '3f1c9a52-7d84-4b06-9e2f-5a0c1d4e6b78' }, {}],
  ])('%s lets no device act', async (_, fields, headers) => {
    const { user_code, device_code } = await start()
    const { browser, form } = await person()
    const question = await browser.send(PAGE, { ...form, user_code })
    const sent = { ...fieldsOf(question), decision: 'allow', ...fields }
    const answer = await browser.send(ANSWER, sent, headers)
    expect(answer.status).toBe(403)
    expect(answer.html).toContain('FORM_EXPIRED')
    expect((await redeem(device_code)).body['error']).toBe('authorization_pending')
  })
})
