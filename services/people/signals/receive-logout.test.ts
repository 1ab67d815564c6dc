import { randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { logoutClaims, signalReceiver, signLogout, signSet } from '../../../test/support/people/signal-world.ts'
import { type ConsentedUser, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const world = useUserWorld()
let receiver: ReturnType<typeof signalReceiver>
beforeAll(() => {
  receiver = signalReceiver(world().database.db)
})

const prisma = () => world().database.db.prisma

/** Makes a user with sessions at a provider that sends logouts. */
async function signedIn(onLogout: 'sessions' | 'tokens', sids: readonly string[]): Promise<ConsentedUser> {
  const user = await world().user()
  const { providerId, subject, operator } = user
  const where = { id: providerId }
  const provider = await prisma().identityProvider.update({ where, data: { signals: 'logout', onLogout } })
  for (const sid of sids) {
    const of = { operatorId: operator.id, subject, epoch: 1, providerId, providerEdge: provider.edgeId }
    const times = { signedInAt: new Date(), expiresAt: new Date(Date.now() + 9_000_000) }
    await prisma().webSession.create({ data: { id: randomBytes(32), sid, ...of, ...times } })
  }
  return user
}

async function sidsOf({ operator }: ConsentedUser): Promise<readonly string[]> {
  const rows = await prisma().webSession.findMany({ where: { operatorId: operator.id }, orderBy: { sid: 'asc' } })
  return rows.map(({ sid }) => sid)
}

async function connect(user: ConsentedUser) {
  const { code, redeem } = world()
  const { accessToken = '', refreshToken = '' } = await redeem(await code(user))
  return { accessToken, refreshToken }
}

async function isValid(token: string, { audience }: ConsentedUser): Promise<boolean> {
  const demands = { audience: [audience], scope: 'read', delegation: 'accept' }
  return (await world().instances[1].verify(token, demands)).valid === true
}

const audit = async ({ operator }: ConsentedUser) => {
  const rows = await prisma().auditLog.findMany({ where: { operatorId: operator.id, action: 'user.signal' } })
  return rows.map(({ actor, reason }) => `${actor}: ${reason}`)
}
const send = ({ providerId }: ConsentedUser, logoutToken: string) => receiver.logout({ providerId, logoutToken })

describe('receiveLogout', () => {
  it.each<[string, object, readonly string[]]>([
    ['a session of a person', { sid: 'one' }, ['two']],
    ['a session alone', { sid: 'one', sub: undefined }, ['', 'two']],
    ['all sessions of a person', {}, []],
  ])('ends %s, and leaves tokens as they are', async (_name, claims, left) => {
    const user = await signedIn('sessions', ['one', 'two', ''])
    const { accessToken } = await connect(user)
    await send(user, signLogout(logoutClaims(claims)))
    const expected = 'sub' in claims ? left.filter((sid) => sid !== '') : left
    expect(await sidsOf(user)).toEqual(expected)
    expect(await isValid(accessToken, user)).toBe(true)
    expect(await audit(user)).toEqual([`provider:${user.providerId}: logout; provider work`])
  })

  it.each([
    ['a person', {}],
    ['a session', { sid: 'one', sub: undefined }],
  ])('ends everything that acts for the user by a logout of %s, if the operator wants that', async (_name, claims) => {
    const user = await signedIn('tokens', ['one', 'two'])
    const { accessToken, refreshToken } = await connect(user)
    expect(await isValid(accessToken, user)).toBe(true)
    await send(user, signLogout(logoutClaims(claims)))
    expect(await isValid(accessToken, user)).toBe(false)
    expect(await refusalOf(world().refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    expect(await sidsOf(user)).toEqual([])
  })

  it.each([
    ['sessions', 8],
    ['tokens', 30 * 24],
  ] as const)(
    'lets a connection last as long as its ending is told, with on_logout %s: %i hours',
    async (what, hours) => {
      const user = await signedIn(what, [])
      await connect(user)
      const [row] = await prisma().connection.findMany({ where: { consent: { operatorId: user.operator.id } } })
      const lasts = ((row?.expiresAt.getTime() ?? 0) - (row?.createdAt.getTime() ?? 0)) / 3_600_000
      expect(Math.abs(lasts - hours)).toBeLessThan(0.1)
    },
  )

  it('does not say that tokens have ended if it finds no user with the session', async () => {
    const user = await signedIn('tokens', ['one'])
    const token = signLogout(logoutClaims({ sid: 'unknown', sub: undefined }))
    expect(await refusalOf(send(user, token))).toBe('SIGNAL_NOT_ACCEPTED')
    expect(await sidsOf(user)).toEqual(['one'])
  })

  it('does nothing the second time, and answers the same', async () => {
    const user = await signedIn('tokens', [])
    const token = signLogout(logoutClaims())
    await send(user, token)
    await send(user, token)
    const key = { operatorId: user.operator.id, subject: user.subject }
    const row = await prisma().user.findUniqueOrThrow({ where: { operatorId_subject: key } })
    expect(row).toMatchObject({ status: 'active', epoch: 2 })
    expect(await audit(user)).toHaveLength(1)
  })

  it('accepts a token whose type the provider does not write', async () => {
    const user = await signedIn('sessions', ['one'])
    await send(user, signLogout(logoutClaims(), { typ: undefined }))
    expect(await sidsOf(user)).toEqual([])
  })

  it.each<[string, string, () => string]>([
    ['an ID token', 'SIGNAL_NOT_ACCEPTED', () => signLogout(logoutClaims({ events: undefined, nonce: 'n' }))],
    ['a SET', 'SIGNAL_NOT_ACCEPTED', () => signSet(logoutClaims())],
    [
      'a token of another provider',
      'SIGNAL_NOT_ACCEPTED',
      () => signLogout(logoutClaims({ iss: 'https://o.example' })),
    ],
    ['a token without jti', 'SIGNAL_NOT_ACCEPTED', () => signLogout(logoutClaims({ jti: undefined }))],
    ['an unknown key', 'INVALID_SIGNATURE', () => signLogout(logoutClaims(), { kid: 'other' })],
  ])('refuses %s', async (_name, reason, make) => {
    const user = await signedIn('tokens', ['one'])
    expect(await refusalOf(send(user, make()))).toBe(reason)
    expect(await sidsOf(user)).toEqual(['one'])
  })

  it('refuses a provider that sends security events', async () => {
    const user = await signedIn('sessions', [])
    await prisma().identityProvider.update({ where: { id: user.providerId }, data: { signals: 'ssf', onLogout: '' } })
    expect(await refusalOf(send(user, signLogout(logoutClaims())))).toBe('PROVIDER_NOT_FOUND')
    expect(await refusalOf(receiver.logout({ providerId: randomUUID(), logoutToken: 'x' }))).toBe('PROVIDER_NOT_FOUND')
  })
})
