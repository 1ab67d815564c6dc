import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { followTo, type OpenIdProvider, startOpenIdProvider } from '../../../test/support/open-id-provider.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { cookieHeader, SIGN_IN_ISSUER, signInWorld } from '../../../test/support/sign-in.ts'
import { finishFlow } from './finish-flow.ts'
import { startFlow } from './start-flow.ts'

let world: Awaited<ReturnType<typeof signInWorld>>
let basic: OpenIdProvider
let post: OpenIdProvider
const ids = { basic: randomUUID(), post: randomUUID() }
const callbackOf = (id: string) => `${SIGN_IN_ISSUER}/people/callback/${id}`
beforeAll(async () => {
  world = await signInWorld()
  basic = await startOpenIdProvider([callbackOf(ids.basic)])
  post = await startOpenIdProvider([callbackOf(ids.post)], 'client_secret_post')
})
afterAll(async () => {
  await Promise.all([basic.close(), post.close()])
  await world.drop()
})

const provider = async (name: 'basic' | 'post') => {
  const found = await world.db.prisma.identityProvider.findUnique({ where: { id: ids[name] } })
  return found ?? world.provider(ids[name], name, { basic, post }[name].issuer, { authMethod: `client_secret_${name}` })
}

/** Begins a sign-in, and follows the browser until the provider sends it back. */
async function signIn(name: 'basic' | 'post', more = {}) {
  const row = await provider(name)
  const wanted = { returnTo: '/people/acting', hint: '', ...more }
  const { location, setCookie } = await startFlow(world.deps, row, wanted, '')
  const back = await followTo(location)
  return { providerId: row.id, query: back.search.slice(1), cookie: cookieHeader(setCookie), back, location }
}

describe('a sign-in at oidc-provider', () => {
  it.each(['basic', 'post'] as const)('succeeds with client_secret_%s', async (name) => {
    const { back, ...callback } = await signIn(name)
    expect(back.origin + back.pathname).toBe(callbackOf(ids[name]))
    expect(await finishFlow(world.deps, callback)).toMatchObject({
      provider: { id: ids[name] },
      user: { tenant: '', sub: 'alice', groups: [] },
      returnTo: '/people/acting',
    })
  })

  it('asks for a code in the query with PKCE, nonce and state, and says who the person may be', async () => {
    const { location } = await signIn('basic', { hint: 'alice@acme.test', maxAgeS: 60, acrValues: ['a', 'b'] })
    const { searchParams } = new URL(location)
    expect(Object.fromEntries(searchParams)).toEqual({
      response_type: 'code',
      response_mode: 'query',
      redirect_uri: callbackOf(ids.basic),
      scope: 'openid profile email',
      client_id: 'auth4agent',
      state: expect.any(String),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      login_hint: 'alice@acme.test',
      max_age: '60',
      acr_values: 'a b',
    })
  })

  it('reads name and groups, and demands the required claims', async () => {
    basic.claims = { name: 'Alice', groups: ['staff', 'staff', 7], hd: 'acme.test' }
    await provider('basic')
    const update = (data: object) => world.db.prisma.identityProvider.update({ where: { id: ids.basic }, data })
    await update({ groupsClaim: 'groups', requiredClaims: [{ name: 'hd', value: 'acme.test' }] })
    expect(await finishFlow(world.deps, await signIn('basic'))).toMatchObject({
      user: { name: 'Alice', groups: ['staff', 'staff'] },
    })
    await update({ requiredClaims: [{ name: 'hd', value: 'other.test' }] })
    expect(await refusalOf(finishFlow(world.deps, await signIn('basic')))).toBe('SIGN_IN_FAILED')
    await update({ requiredClaims: [], groupsClaim: '' })
    basic.claims = {}
  })

  it('is finished once: the code counts once', async () => {
    const callback = await signIn('basic')
    await finishFlow(world.deps, callback)
    expect(await refusalOf(finishFlow(world.deps, callback))).toBe('SIGN_IN_FAILED')
  })

  it('is refused if the provider was removed, or has ended the client, meanwhile', async () => {
    const callback = await signIn('post')
    const { authMethod: _, ...row } = await provider('post')
    await world.db.prisma.identityProvider.delete({ where: { id: row.id } })
    expect(await refusalOf(finishFlow(world.deps, callback))).toBe('SIGN_IN_FAILED')
    await provider('post')
    const next = await signIn('post')
    await world.db.prisma.identityProvider.update({
      where: { id: row.id },
      data: { clientId: 'other', updatedAt: new Date() },
    })
    expect(await refusalOf(finishFlow(world.deps, next))).toBe('SIGN_IN_FAILED')
    await world.db.prisma.identityProvider.delete({ where: { id: row.id } })
  })

  it.each<[string, (callback: Awaited<ReturnType<typeof signIn>>) => object | Promise<object>]>([
    ['without its cookie', () => ({ cookie: '' })],
    ['with the cookie of another sign-in', async () => ({ cookie: (await signIn('basic')).cookie })],
    [
      'with the cookie of another sign-in under its name',
      async ({ cookie }) => ({ cookie: `${cookie.split('=')[0]}=${(await signIn('basic')).cookie.split('=')[1]}` }),
    ],
    ['with its cookie twice', ({ cookie }) => ({ cookie: `${cookie}; ${cookie}` })],
    ['at the redirect URI of another provider', () => ({ providerId: ids.post })],
    ['without a state', ({ query }) => ({ query: query.replace(/state=[^&]*/, '') })],
    ['with a forged state', ({ query }) => ({ query: query.replace(/state=[^&]*/, 'state=a.b.c') })],
    ['with two states', ({ query }) => ({ query: `${query}&${/state=[^&]*/.exec(query)?.[0]}` })],
    [
      'with the issuer of another provider',
      ({ query }) => ({ query: query.replace(/iss=[^&]*/, 'iss=http://b.test') }),
    ],
    ['without the issuer', ({ query }) => ({ query: query.replace(/iss=[^&]*/, '') })],
    ['without a code', ({ query }) => ({ query: query.replace(/code=[^&]*/, '') })],
    ['with an error', ({ query }) => ({ query: query.replace(/code=[^&]*/, 'error=access_denied') })],
    ['with an ID token in the query', ({ query }) => ({ query: `${query}&id_token=a.b.c` })],
  ])('is refused %s', async (_, change) => {
    const callback = await signIn('basic')
    const changed = { ...callback, ...(await change(callback)) }
    expect(await refusalOf(finishFlow(world.deps, changed))).toBe('SIGN_IN_FAILED')
    expect(await refusalOf(finishFlow(world.deps, callback))).toBeUndefined()
  })

  it('is refused after 10 minutes', async () => {
    const callback = await signIn('basic')
    world.clock.ahead = 600_000
    expect(await refusalOf(finishFlow(world.deps, callback))).toBe('SIGN_IN_FAILED')
    world.clock.ahead = 0
    expect(await refusalOf(finishFlow(world.deps, callback))).toBeUndefined()
  })

  it('is refused if the person did not authenticate in a wanted way', async () => {
    const callback = await signIn('basic', { acrValues: ['phishing-resistant'] })
    expect(await refusalOf(finishFlow(world.deps, callback))).toBe('SIGN_IN_FAILED')
  })
})

describe('startFlow', () => {
  it('ends the oldest flows of a browser with more than 5', async () => {
    const row = await provider('basic')
    const start = (cookie: string) => startFlow(world.deps, row, { returnTo: '/people/acting', hint: '' }, cookie)
    const cookies: string[] = []
    for (let count = 0; count < 5; count += 1) cookies.push(cookieHeader((await start('')).setCookie))
    const { setCookie } = await start(`other=1; ${cookies.join('; ')}`)
    expect(setCookie).toHaveLength(2)
    const name = cookies[0]?.split('=')[0] ?? ''
    expect(setCookie[0]).toBe(`${name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure`)
  })

  it('ends older flows if their cookies are large, and refuses a request that fits into no cookie', async () => {
    const row = await provider('basic')
    const start = (length: number, cookie = '') =>
      startFlow(world.deps, row, { returnTo: '/'.padEnd(length, 'a'), hint: '' }, cookie)
    const first = await start(2_560)
    expect(first.setCookie[0]?.length).toBeLessThan(4_096)
    expect((await start(2_560, cookieHeader(first.setCookie))).setCookie).toHaveLength(2)
    expect(await refusalOf(start(2_561))).toBe('INVALID_ARGUMENT')
  })
})
