import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  FinishSignInRequestSchema,
  GetSessionRequestSchema,
  SignOutRequestSchema,
  StartSignInRequestSchema,
} from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { insertOperator } from '../../../test/support/identity.ts'
import { followTo, type OpenIdProvider, startOpenIdProvider } from '../../../test/support/open-id-provider.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { cookieHeader, SIGN_IN_ISSUER, signInWorld } from '../../../test/support/sign-in.ts'
import { endAllTokensOfDeployment } from '../../revocation/end-all-tokens.ts'
import { beginSession, signedInUser } from '../sessions/session.ts'
import { signInRoutes } from './routes.ts'
import { startSignIn } from './start-sign-in.ts'

const ID = randomUUID()
const CALL = { requestId: 'request', principal: { kind: 'anonymous' } } as const
let world: Awaited<ReturnType<typeof signInWorld>>
let outside: OpenIdProvider
let routes: ReturnType<typeof signInRoutes>
beforeAll(async () => {
  world = await signInWorld()
  outside = await startOpenIdProvider([`${SIGN_IN_ISSUER}/people/callback/${ID}`])
  await world.provider(ID, 'work', outside.issuer)
  await insertOperator(world.db, 'empty.test', 'active')
  const { id: operatorId } = await insertOperator(world.db, 'lapsed.test', 'lapsed')
  const { id } = await world.provider(randomUUID(), 'lapsed', outside.issuer)
  await world.db.prisma.identityProvider.update({ where: { id }, data: { operatorId } })
  routes = signInRoutes({ ...world.deps, limitUserCodes: { user() {}, source() {} } })
})
afterAll(async () => {
  await outside.close()
  await world.drop()
})
beforeEach(() => {
  outside.sub = randomUUID()
})

const getSession = (cookie: string, content = '') =>
  routes.getSession(create(GetSessionRequestSchema, { cookie, content }), CALL)
const start = async (who: string, { request = '', provider = '', cookie = '', form = '' } = {}) => {
  const made = form === '' ? (await getSession(cookie, request)).form : form
  const message = create(StartSignInRequestSchema, { cookie, request, who, provider, ...(made && { form: made }) })
  return routes.startSignIn(message, CALL)
}
const finish = async (started: { location?: string; setCookie?: string[] }, cookie = '') => {
  const back = await followTo(started.location ?? '')
  const cookies = `${cookie}; ${cookieHeader(started.setCookie ?? [])}`
  const request = { providerId: ID, query: back.search.slice(1), cookie: cookies }
  return routes.finishSignIn(create(FinishSignInRequestSchema, request), CALL)
}
/** Signs a person in. Returns the Cookie header of their browser. */
const signIn = async (who = 'alice@acme.test', cookie = '') => {
  const { setCookie = [] } = await finish(await start(who, { cookie }), cookie)
  return cookieHeader(setCookie.filter((each) => !each.includes('flow')))
}
const audit = async (subject: string) => {
  const rows = await world.db.prisma.auditLog.findMany({ where: { subject }, orderBy: { id: 'asc' } })
  return rows.map(({ actor, action }) => `${actor} ${action}`)
}
const userOf = async (cookie: string) => {
  const user = await signedInUser(world.deps, cookie)
  if (user === undefined) throw new Error('Nobody is signed in')
  return user
}

describe('a sign-in', () => {
  it('makes a user and a session, and says who is signed in', async () => {
    outside.claims = { name: 'Alice' }
    const started = await start(' Alice@Sub.ACME.test ')
    expect(new URL(started.location ?? '').searchParams.get('login_hint')).toBe('Alice@Sub.ACME.test')
    const { location, setCookie = [] } = await finish(started)
    expect(location).toBe(`${SIGN_IN_ISSUER}/people/acting`)
    expect(setCookie).toEqual([
      expect.stringMatching(/^__Host-a4a-flow-[\w-]+=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax; Secure$/),
      expect.stringMatching(/^__Host-a4a-user=[\w-]{43}; Max-Age=28800; Path=\/; HttpOnly; SameSite=Lax; Secure$/),
    ])
    const { person } = await getSession(cookieHeader(setCookie))
    expect(person).toMatchObject({ name: 'Alice', domain: 'acme.test', subject: expect.stringMatching(/^user:/) })
    const subject = person?.subject ?? ''
    expect(await audit(subject)).toEqual([`${subject} user.sign-in`, `${subject} session.begin`])
    outside.claims = {}
  })

  it('keeps only the digest of the cookie', async () => {
    const cookie = await signIn()
    const rows = await world.db.pool.query('SELECT * FROM web_sessions')
    expect(JSON.stringify(rows.rows)).not.toContain(cookie.split('=')[1])
  })

  it('ends the earlier session of the browser, and gives another cookie (session fixation)', async () => {
    const before = await signIn()
    const after = await signIn('alice@acme.test', before)
    expect(after).not.toBe(before)
    expect(await signedInUser(world.deps, before)).toBeUndefined()
    const { subject } = await userOf(after)
    expect((await audit(subject)).slice(2)).toEqual([
      `${subject} user.sign-in`,
      `${subject} session.end`,
      `${subject} session.begin`,
    ])
  })

  it('is refused to a user that the operator has disabled, and begins no session', async () => {
    const cookie = await signIn()
    const { subject, operatorId } = await userOf(cookie)
    const where = { operatorId_subject: { operatorId, subject } }
    await world.db.prisma.user.update({ where, data: { status: 'disabled', epoch: { increment: 1 } } })
    expect(await refusalOf(signIn())).toBe('USER_NOT_ALLOWED')
  })

  it.each(['unknown.test', 'acme', '', 'a@', 'acme.test/x', 'x.lapsed.test', 'empty.test'])(
    'answers to %j as to a domain that may not come',
    async (who) => {
      const refusal = await start(who).then(undefined, (error: unknown) => error)
      const closed = await startSignIn(
        world.deps,
        { domains: ['other.test', 'third.test'], returnTo: '/', hint: '' },
        '',
        CALL,
      )
      const request = new URL(closed.location).searchParams.get('request') ?? ''
      expect(await start('acme.test', { request }).then(undefined, (error: unknown) => error)).toEqual(refusal)
      expect(refusal).toMatchObject({ reason: 'PROVIDER_NOT_FOUND' })
    },
  )

  it('lets the person choose between providers of one operator', async () => {
    const other = randomUUID()
    await world.provider(other, 'zz', 'http://zz.test')
    expect(await start('acme.test')).toEqual({ location: '', setCookie: [], providers: ['work', 'zz'] })
    const { location = '' } = await start('acme.test', { provider: 'work' })
    expect(location.startsWith(outside.issuer)).toBe(true)
    expect(await refusalOf(start('acme.test', { provider: 'none' }))).toBe('PROVIDER_NOT_FOUND')
    await world.db.prisma.identityProvider.delete({ where: { id: other } })
  })
})

describe('startSignIn', () => {
  const wanted = { returnTo: '/oauth/authorize?a=b', hint: '' }
  it.each([
    ['one operator', { domains: ['acme.test'] }],
    ['a hint', { domains: ['*'], hint: 'alice@acme.test' }],
    ['a hint among several operators', { domains: ['acme.test', 'other.test'], hint: 'a@x.acme.test' }],
  ])('sends the browser to the provider at once for %s, and back to the request', async (_, more) => {
    const { location, setCookie } = await startSignIn(world.deps, { ...wanted, ...more }, '', CALL)
    expect(location.startsWith(outside.issuer)).toBe(true)
    const finished = await finish({ location, setCookie: [...setCookie] })
    expect(finished.location).toBe(`${SIGN_IN_ISSUER}/oauth/authorize?a=b`)
  })

  it.each([
    ['every operator', { domains: ['*'] }],
    ['several operators', { domains: ['acme.test', 'other.test'] }],
    ['a hint that is no address', { domains: ['*'], hint: 'acme.test' }],
    ['a hint of another operator', { domains: ['other.test', 'third.test'], hint: 'alice@acme.test' }],
    ['more domains than a URL can hold', { domains: Array.from({ length: 64 }, (_, n) => `${'a'.repeat(60)}.d${n}`) }],
  ])('lets the page ask for %s, and keeps all terms', async (_, more) => {
    const terms = { ...wanted, maxAgeS: 60, prompt: 'login', acrValues: ['high'], ...more }
    const { location, setCookie } = await startSignIn(world.deps, terms, '', CALL)
    expect(setCookie).toEqual([])
    const { href, searchParams } = new URL(location)
    expect(href.startsWith(`${SIGN_IN_ISSUER}/people/sign-in?request=`)).toBe(true)
    const request = searchParams.get('request') ?? ''
    if (more.domains[0] === 'other.test') return
    const started = await start('alice@acme.test', { request })
    const asked = Object.fromEntries(new URL(started.location ?? '').searchParams)
    expect(asked).toMatchObject({ max_age: '60', prompt: 'login', acr_values: 'high' })
  })
})

describe('a session', () => {
  it('ends after 8 hours', async () => {
    const cookie = await signIn()
    world.clock.ahead = 8 * 3_600_000 - 60_000
    expect(await signedInUser(world.deps, cookie)).toBeDefined()
    world.clock.ahead = 8 * 3_600_000
    expect(await signedInUser(world.deps, cookie)).toBeUndefined()
    world.clock.ahead = 0
  })

  it.each<[string, (user: { operatorId: string; subject: string }) => Promise<unknown>, () => Promise<unknown>]>([
    [
      'the epoch of its user has risen',
      ({ operatorId, subject }) =>
        world.db.prisma.user.update({
          where: { operatorId_subject: { operatorId, subject } },
          data: { epoch: { increment: 1 } },
        }),
      async () => undefined,
    ],
    [
      'its user is disabled',
      ({ operatorId, subject }) =>
        world.db.prisma.user.update({
          where: { operatorId_subject: { operatorId, subject } },
          data: { status: 'disabled' },
        }),
      async () => undefined,
    ],
    [
      'its provider has changed',
      () => world.db.prisma.identityProvider.update({ where: { id: ID }, data: { edgeId: randomUUID() } }),
      async () => undefined,
    ],
    [
      'its provider is gone',
      () => world.db.prisma.identityProvider.delete({ where: { id: ID } }),
      () => world.provider(ID, 'work', outside.issuer),
    ],
    [
      'its operator is suspended',
      ({ operatorId }) => world.db.prisma.operator.update({ where: { id: operatorId }, data: { status: 'suspended' } }),
      () => world.db.prisma.operator.update({ where: { id: world.operator.id }, data: { status: 'active' } }),
    ],
    [
      'all tokens of the deployment have ended',
      () => endAllTokensOfDeployment(world.db.prisma, { ...CALL, principal: { kind: 'system' } }, 'restored'),
      async () => undefined,
    ],
  ])('does not count when %s', async (_, end, restore) => {
    const cookie = await signIn()
    await end(await userOf(cookie))
    expect(await signedInUser(world.deps, cookie)).toBeUndefined()
    await restore()
  })

  it('begins ended if the user or the provider has ended during the sign-in', async () => {
    const { operatorId, subject } = await userOf(await signIn())
    const provider = await world.db.prisma.identityProvider.findUniqueOrThrow({ where: { id: ID } })
    const begin = async (epoch: number, edgeId: string) => {
      const user = { operatorId, subject, epoch }
      return signedInUser(
        world.deps,
        cookieHeader([await beginSession(world.deps, CALL, user, { ...provider, edgeId, redeemedAt: 'now' }, '')]),
      )
    }
    expect(await begin(1, provider.edgeId)).toBeDefined()
    expect(await begin(0, provider.edgeId)).toBeUndefined()
    expect(await begin(1, randomUUID())).toBeUndefined()
  })

  it('is the oldest that ends when a person has 16', async () => {
    const { operatorId, subject } = await userOf(await signIn())
    const provider = await world.db.prisma.identityProvider.findUniqueOrThrow({ where: { id: ID } })
    const cookies: string[] = []
    for (let count = 0; count < 17; count += 1) {
      world.clock.ahead += 1_000
      const user = { operatorId, subject, epoch: 1 }
      const vouched = { ...provider, redeemedAt: 'now' }
      cookies.push(cookieHeader([await beginSession(world.deps, CALL, user, vouched, '')]))
    }
    expect(await world.db.prisma.webSession.count({ where: { subject } })).toBe(16)
    const live = await Promise.all(cookies.map((cookie) => signedInUser(world.deps, cookie)))
    expect(live.map((user) => user !== undefined)).toEqual([false, ...Array.from({ length: 16 }, () => true)])
    world.clock.ahead = 0
  })

  it('ends by signing out, with a form of the session', async () => {
    const cookie = await signIn()
    const { subject } = await userOf(cookie)
    const signOut = (form = '') => routes.signOut(create(SignOutRequestSchema, { cookie, form }), CALL)
    const forms = [
      '',
      (await getSession(cookie, 'other')).form,
      (await getSession('', 'sign-out')).form,
      (await getSession(await signIn(), 'sign-out')).form,
    ]
    for (const form of forms) expect(await refusalOf(signOut(form))).toBe('FORM_EXPIRED')
    const { form } = await getSession(cookie, 'sign-out')
    world.clock.ahead = 3_600_000
    expect(await refusalOf(signOut(form))).toBe('FORM_EXPIRED')
    world.clock.ahead = 0
    expect(await signOut(form)).toEqual({ setCookie: [expect.stringMatching(/^__Host-a4a-user=; Max-Age=0;/)] })
    expect(await signedInUser(world.deps, cookie)).toBeUndefined()
    expect((await audit(subject)).at(-1)).toBe(`${subject} session.end`)
    expect((await signOut()).setCookie).toHaveLength(1)
    expect(await audit(subject)).toHaveLength(5)
  })
})

describe('the form of a sign-in', () => {
  it('is for one session and one request', async () => {
    const cookie = await signIn()
    const { form } = await getSession('', '')
    expect(await refusalOf(start('acme.test', { ...(form && { form }), cookie }))).toBe('FORM_EXPIRED')
    const { location } = await startSignIn(world.deps, { domains: ['*'], returnTo: '/', hint: '' }, '', CALL)
    const request = new URL(location).searchParams.get('request') ?? ''
    expect(await refusalOf(start('acme.test', { ...(form && { form }), request }))).toBe('FORM_EXPIRED')
    world.clock.ahead = 3_600_000
    expect(await refusalOf(start('acme.test', { request }))).toBe('FORM_EXPIRED')
    world.clock.ahead = 0
    expect(await refusalOf(start('acme.test', { request }))).toBeUndefined()
    expect(await refusalOf(start('acme.test', { request: `${request}a` }))).toBe('FORM_EXPIRED')
  })
})
