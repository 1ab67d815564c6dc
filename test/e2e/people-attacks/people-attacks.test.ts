import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { provenOperator } from '../../support/story.ts'
import { fieldsOf, type Place } from './browser.ts'
import { type AttackWorld, AUDIENCE, CALLBACK, CLAIMED, DOMAIN, LOOPBACK, startAttackWorld } from './world.ts'

const started = new AsyncDisposableStack()
let world: AttackWorld
beforeAll(async () => {
  world = await startAttackWorld(started)
})
afterAll(() => started.disposeAsync())

const codeIn = ({ url }: Place) => url.searchParams.get('code') ?? ''
/** The query of a request for more. */
const anotherRequest = () => world.authorize({ redirect_uri: LOOPBACK, scope: 'read write' }).search.slice(1)
/** Lets a client act for a person. */
const connect = async () => {
  const { body } = await world.redeem(codeIn(await world.allow(world.browser())))
  return { access: body['access_token'], refresh: String(body['refresh_token']) }
}
/** Signs in a person of the provider, and returns the subject in the token. */
const subjectOf = async (sub: string) => {
  Object.assign(world.provider, { sub, claims: { email: `boss@${DOMAIN}`, email_verified: true } })
  await world.provider.allow([world.providerCallback])
  const { body } = await world.redeem(codeIn(await world.allow(world.browser())))
  const [, payload = ''] = String(body['access_token']).split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()).sub
}
/** Everything of an answer but its state. */
const answerIn = ({ url }: Place) => ({ ...Object.fromEntries(url.searchParams), at: url.origin + url.pathname })

describe('attacks on the authorization endpoint', () => {
  it('mix-up: every answer names the issuer, also an error', async () => {
    const browser = world.browser()
    const given = await world.allow(browser)
    expect(answerIn(given)).toMatchObject({
      at: CALLBACK,
      iss: world.issuer,
      state: 'a state',
      code: expect.any(String),
    })
    const refused = await browser.open(world.authorize({ scope: 'admin' }))
    expect(answerIn(refused)).toMatchObject({
      at: CALLBACK,
      iss: world.issuer,
      state: 'a state',
      error: 'invalid_scope',
    })
  })

  it('code injection: a code is of no use with the verifier of another flow', async () => {
    const code = codeIn(await world.allow(world.browser()))
    const stolen = await world.redeem(code, { code_verifier: 'w'.repeat(43) })
    expect(stolen).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await world.redeem(code)).status).toBe(200)
  })

  it('code replay over two processes: one gets a token, and then the connection has ended', async () => {
    for (let round = 0; round < 5; round += 1) {
      const code = codeIn(await world.allow(world.browser()))
      const answers = await Promise.all([world.redeem(code, {}, 0), world.redeem(code, {}, 1)])
      const won = answers.filter(({ status }) => status === 200)
      expect(won).toHaveLength(1)
      expect(await world.isValid(won[0]?.body['access_token'])).toBe(false)
      expect((await world.refresh(String(won[0]?.body['refresh_token']))).status).toBe(400)
    }
  })

  it.each([
    ['another port', 'https://client.example.org:8443/callback'],
    ['another path', 'https://client.example.org/callback/other'],
    ['a path that climbs', 'https://client.example.org/callback/../callback'],
    ['another case', 'https://client.example.org/Callback'],
    ['a user part', 'https://client.example.org@evil.example/callback'],
    ['localhost.evil', 'http://localhost.evil.example/callback'],
    ['a query more', `${CALLBACK}?next=https://evil.example`],
    ['another scheme', 'http://client.example.org/callback'],
    ['a host under the host', 'https://x.client.example.org/callback'],
  ])('open redirect by error, and by code: %s gets neither', async (_, redirect_uri) => {
    const browser = world.browser()
    for (const changes of [{ redirect_uri }, { redirect_uri, scope: 'admin' }, { redirect_uri, prompt: 'none' }]) {
      const place = await browser.open(world.authorize(changes))
      expect([place.status, place.url.origin]).toEqual([400, world.issuer])
      expect(place.html).toContain('REDIRECT_NOT_REGISTERED')
      expect(place.html).not.toMatch(/href="https?:\/\/[^"]*evil/)
    }
  })

  it('prompt=none as an oracle: it tells nobody whether a person is signed in', async () => {
    const [nobody, someone] = [world.browser(), world.browser()]
    await world.allow(someone)
    const client_id = world.clientId.replace('client.json', 'never-used.json')
    const asked = world.authorize({ client_id, prompt: 'none' })
    const answers = [await nobody.open(asked), await someone.open(asked)]
    const [one, other] = answers.map(({ url, status, html }) => [
      url.href,
      status,
      html.replace(/request <code>[\w-]+/, ''),
    ])
    expect(other).toEqual(one)
  })
})

describe('attacks by clients', () => {
  it('famous name on a strange host: the page shows the host, and the text of a client is never markup', async () => {
    const { html } = await world.browser().open(world.authorize({ redirect_uri: LOOPBACK }))
    expect(html).toContain(`<p class="host">${new URL(world.clientId).host}</p>`)
    expect(html).toContain('Nobody has verified this name')
    expect(html).not.toContain('<script')
    expect(html).toContain(CLAIMED.slice(-6))
  })

  it('registration where it is off: there is no such path, and nothing names one', async () => {
    const { issuer } = world
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    const answer = await fetch(`${issuer}/oauth/register`, init)
    expect([answer.status, JSON.parse(await answer.text()).reason]).toEqual([404, 'ROUTE_NOT_FOUND'])
    const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).text()
    expect(metadata).not.toContain('regist')
  })

  it('loopback client that reuses a consent: the person is asked each time', async () => {
    const browser = world.browser()
    await world.allow(browser)
    for (const redirect_uri of [LOOPBACK, LOOPBACK]) {
      const place = await browser.open(world.authorize({ redirect_uri }))
      expect(place.html).toContain('May this program act for you?')
      await browser.send('/people/consent', { ...fieldsOf(place), decision: 'allow' })
    }
  })
})

describe('attacks on the sign-in', () => {
  it('e-mail that changes hands: another subject with the same e-mail is another user', async () => {
    const [one, other, again] = [await subjectOf('old'), await subjectOf('new'), await subjectOf('old')]
    expect(one).not.toBe(other)
    expect(again).toBe(one)
  })

  it('fixation: a sign-in takes over no session, and ends the one before', async () => {
    const [attacker, victim] = [world.browser(), world.browser()]
    await world.allow(attacker)
    for (const [key, value] of attacker.cookies) if (key.startsWith(world.issuer)) victim.cookies.set(key, value)
    const before = new Map(attacker.cookies)
    await world.allow(victim, { prompt: 'login' })
    const session = [...before].filter(([key]) => key.startsWith(world.issuer) && key.includes('user'))
    expect(session).not.toEqual([])
    for (const [key, value] of session) expect(victim.cookies.get(key)).not.toBe(value)
    const place = await attacker.open(`${world.issuer}/people/acting`)
    expect(place.html).not.toContain('What acts for you')
  })

  it('domain field as an oracle: an unknown domain and one that may not come get one answer', async () => {
    const { deployment, issuer } = world
    await provenOperator(deployment.client, deployment.dns, 'other.example.net', issuer)
    const browser = world.browser()
    const fields = fieldsOf(await browser.open(`${issuer}/people/sign-in`))
    const answers = await Promise.all(
      ['other.example.net', 'nobody.example.net'].map(async (who) => {
        const { status, html } = await browser.send('/people/sign-in', { ...fields, who })
        return [status, html.replaceAll(who, 'WHO').replace(/name="form" value="[^"]+"/, '')]
      }),
    )
    expect(answers[0]).toEqual(answers[1])
  })
})

describe('attacks on the page of consent', () => {
  it.each<[string, () => Record<string, string>, Record<string, string>]>([
    ['forged form: of another site', () => ({}), { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['forged form: of an unknown origin', () => ({}), { origin: 'null' }],
    ['foreign form: without the secret text', () => ({ form: 'a.b.c' }), {}],
    ['stale form: about another request', () => ({ query: anotherRequest() }), {}],
  ])('%s gives no code', async (_, fields, headers) => {
    const browser = world.browser()
    const place = await browser.open(world.authorize({ redirect_uri: LOOPBACK }))
    const answer = await browser.send(
      '/people/consent',
      { ...fieldsOf(place), decision: 'allow', ...fields() },
      headers,
    )
    expect([answer.status, answer.url.origin]).toEqual([403, world.issuer])
    expect(answer.html).toContain('FORM_EXPIRED')
  })

  it('foreign form: the form of another person gives no code', async () => {
    const [attacker, victim] = [world.browser(), world.browser()]
    const form = fieldsOf(await attacker.open(world.authorize({ redirect_uri: LOOPBACK })))
    await victim.open(world.authorize({ redirect_uri: LOOPBACK }))
    const answer = await victim.send('/people/consent', { ...form, decision: 'allow' })
    expect([answer.status, answer.url.origin]).toEqual([403, world.issuer])
  })

  it('frame and popup: no other page can show or reach it', async () => {
    const { headers } = await world.browser().open(world.authorize({ redirect_uri: LOOPBACK }))
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none';.*form-action 'self';.*frame-ancestors 'none'/,
    )
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
  })
})

describe('attacks with a refresh token', () => {
  it('race of 100 at two processes: every answer has the same next refresh token', async () => {
    const { refresh } = await connect()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) => world.refresh(refresh, {}, at % 2 === 0 ? 0 : 1)),
    )
    const given = answers.filter(({ status }) => status === 200)
    expect(given.length).toBeGreaterThan(0)
    expect(new Set(given.map(({ body }) => body['refresh_token'])).size).toBe(1)
    expect(answers.filter(({ status }) => ![200, 429, 503].includes(status))).toEqual([])
  })

  it('replay: an old one ends the connection with all its tokens, for the thief and for the client', async () => {
    const { refresh: first } = await connect()
    const second = await world.refresh(first)
    const third = await world.refresh(String(second.body['refresh_token']))
    expect(await world.isValid(third.body['access_token'])).toBe(true)
    expect(await world.refresh(first, {}, 1)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await world.isValid(third.body['access_token'])).toBe(false)
    expect((await world.refresh(String(third.body['refresh_token']))).status).toBe(400)
  })

  it('junk with a known handle, and another client, end nothing', async () => {
    const { access, refresh } = await connect()
    const junk = refresh.slice(0, -8) + refresh.slice(-8).split('').toReversed().join('')
    const other = { client_id: world.clientId.replace('client.json', 'other.json') }
    for (const answer of [await world.refresh(junk), await world.refresh(refresh, other)]) {
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    }
    expect(await world.isValid(access)).toBe(true)
    expect((await world.refresh(refresh, { resource: `${AUDIENCE}/other` })).status).toBe(400)
    expect((await world.refresh(refresh)).status).toBe(200)
  })

  it('a code of another client is of no use', async () => {
    const code = codeIn(await world.allow(world.browser()))
    const other = { client_id: world.clientId.replace('client.json', 'other.json') }
    expect(await world.redeem(code, other)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })
})
