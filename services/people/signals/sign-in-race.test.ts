import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { anonymous } from '../../../test/support/identity.ts'
import {
  logoutClaims,
  setClaims,
  signalReceiver,
  signLogout,
  signSet,
} from '../../../test/support/people/signal-world.ts'
import { type ConsentedUser, USER_IDP, USER_SUB, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { createCookies } from '../sessions/cookies.ts'
import { beginSession, signedInUser } from '../sessions/session.ts'
import { readClock } from '../store/sign-in.ts'
import { signInUser } from '../users/sign-in-user.ts'

const ROUNDS = 20
const world = useUserWorld()
let receiver: ReturnType<typeof signalReceiver>
beforeAll(() => {
  receiver = signalReceiver(world().database.db)
})

const prisma = () => world().database.db.prisma

/** Makes a user of a provider with these signals, who signs in at a browser in two steps, as FinishSignIn does. */
async function signingIn(signals: 'ssf' | 'logout', onLogout: '' | 'sessions' | 'tokens', sid = '') {
  const user = await world().user()
  const { providerId: id, operator } = user
  const { edgeId } = await prisma().identityProvider.update({ where: { id }, data: { signals, onLogout } })
  const deps = { db: world().database.db, now: Date.now, cookies: createCookies('https://auth.example') }
  const person = { operatorId: operator.id, issuer: USER_IDP, tenant: '', claim: 'sub', sub: USER_SUB, name: '' }
  const redeem = async () => {
    const redeemedAt = await readClock(prisma())
    const vouched = { ...person, providerId: id, providerEdge: edgeId, groups: [], redeemedAt }
    return {
      store: () => signInUser({ prisma: prisma(), author: anonymous() }, vouched),
      /** Begins a session in a browser that sends this cookie, and returns the cookie of the session. */
      async begin(before = '') {
        const row = await prisma().user.findFirstOrThrow({ where: { operatorId: operator.id } })
        const cookie = await beginSession(deps, anonymous(), row, { id, edgeId, sid, redeemedAt }, before)
        return cookie.split(';', 1)[0] ?? ''
      },
    }
  }
  return { user, redeem, isLive: async (cookie: string) => (await signedInUser(deps, cookie)) !== undefined }
}

type Send = (user: ConsentedUser) => Promise<unknown>
const logout =
  (more: object = {}): Send =>
  ({ providerId }) =>
    receiver.logout({ providerId, logoutToken: signLogout(logoutClaims(more)) })
const event =
  (name: 'purged' | 'revoked'): Send =>
  ({ providerId }) =>
    receiver.event({ providerId, set: signSet(setClaims(name)) })

describe.each<[string, 'ssf' | 'logout', '' | 'sessions' | 'tokens', Send]>([
  ['a logout that ends sessions', 'logout', 'sessions', logout()],
  ['a logout of another session of the person', 'logout', 'sessions', logout({ sid: 'other' })],
  ['a logout that ends tokens', 'logout', 'tokens', logout()],
  ['an event session-revoked', 'ssf', '', event('revoked')],
  ['an event account-purged', 'ssf', '', event('purged')],
])('%s', (_, signals, onLogout, send) => {
  it('ends a sign-in that the provider has answered before, and not one that it answers later', async () => {
    const { user, redeem, isLive } = await signingIn(signals, onLogout)
    const early = await redeem()
    await send(user)
    expect(await refusalOf(early.store())).toBe('SIGN_IN_FAILED')
    const later = await redeem()
    await later.store()
    expect(await isLive(await later.begin())).toBe(true)
  })

  it('ends a sign-in whose user is stored, but whose session is not', async () => {
    const { user, redeem } = await signingIn(signals, onLogout)
    const early = await redeem()
    await early.store()
    await send(user)
    expect(await refusalOf(early.begin())).toBe('SIGN_IN_FAILED')
  })

  it('leaves no session, whatever comes first', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { user, redeem } = await signingIn(signals, onLogout)
      const early = await redeem()
      await early.store()
      await Promise.all([early.begin().catch(() => undefined), send(user)])
      const sessions = await prisma().webSession.findMany({ where: { operatorId: user.operator.id } })
      const { epoch } = await prisma().user.findFirstOrThrow({ where: { operatorId: user.operator.id } })
      expect(sessions.filter((session) => session.epoch === epoch)).toEqual([])
    }
  })
})

describe('a logout that names only a session', () => {
  it('ends the sign-in that is about to begin this session, and no other one', async () => {
    const sid = randomUUID()
    const { user, redeem, isLive } = await signingIn('logout', 'sessions', sid)
    const early = await redeem()
    await early.store()
    await logout({ sid: 'other', sub: undefined })(user)
    expect(await isLive(await early.begin())).toBe(true)
    await prisma().webSession.deleteMany({ where: { sid } })
    await logout({ sid, sub: undefined })(user)
    expect(await refusalOf(early.begin())).toBe('SIGN_IN_FAILED')
  })

  it('leaves no session, whatever comes first', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const sid = randomUUID()
      const { user, redeem } = await signingIn('logout', 'sessions', sid)
      const early = await redeem()
      await early.store()
      await Promise.all([early.begin().catch(() => undefined), logout({ sid, sub: undefined })(user)])
      expect(await prisma().webSession.count({ where: { operatorId: user.operator.id } })).toBe(0)
    }
  })
  it.each([
    ['its session', {}],
    ['its session, without naming the person', { sub: undefined }],
    ['all sessions of the person', { sid: undefined }],
  ])('and a sign-in again in the same browser both succeed: a logout of %s', async (_, more) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const sid = randomUUID()
      const { user, redeem } = await signingIn('logout', 'sessions', sid)
      const first = await redeem()
      await first.store()
      const cookie = await first.begin()
      const again = await redeem()
      const [begun, ended] = await Promise.allSettled([again.begin(cookie), logout({ sid, ...more })(user)])
      expect(ended.status).toBe('fulfilled')
      if (begun.status === 'rejected') expect(await refusalOf(Promise.reject(begun.reason))).toBe('SIGN_IN_FAILED')
    }
  })
})
