import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeTestKey } from '../../../test/support/attestation/evidence-keys.ts'
import { ISSUER } from '../../../test/support/authn.ts'
import { EVENTS, setClaims, signalReceiver, signSet } from '../../../test/support/people/signal-world.ts'
import { type ConsentedUser, USER_IDP, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { OutboundError } from '../../platform/outbound/outbound-error.ts'

const world = useUserWorld()
let receiver: ReturnType<typeof signalReceiver>
beforeAll(() => {
  receiver = signalReceiver(world().database.db)
})

const prisma = () => world().database.db.prisma
const keyOf = ({ operator, subject }: ConsentedUser) => ({
  operatorId_subject: { operatorId: operator.id, subject },
})
const rowOf = (user: ConsentedUser) => prisma().user.findUniqueOrThrow({ where: keyOf(user) })
const audit = async ({ operator }: ConsentedUser) => {
  const rows = await prisma().auditLog.findMany({ where: { operatorId: operator.id, action: 'user.signal' } })
  return rows.map(({ actor, subject, reason }) => ({ actor, subject, reason }))
}

/** Makes a user of a provider that sends security events. */
async function freshUser(signals = 'ssf'): Promise<ConsentedUser> {
  const user = await world().user()
  await prisma().identityProvider.update({ where: { id: user.providerId }, data: { signals } })
  return user
}

/** Connects a client of a user. */
async function connect(user: ConsentedUser) {
  const { code, redeem } = world()
  const { accessToken = '', refreshToken = '' } = await redeem(await code(user))
  return { accessToken, refreshToken }
}

async function isValid(token: string, { audience }: ConsentedUser): Promise<boolean> {
  const { valid } = await world().instances[1].verify(token, {
    audience: [audience],
    scope: 'read',
    delegation: 'accept',
  })
  return valid === true
}

const send = ({ providerId }: ConsentedUser, set: string) => receiver.event({ providerId, set })

describe('receiveSecurityEvent', () => {
  it.each(['disabled', 'purged', 'revoked'] as const)('ends everything that acts for a user by %s', async (event) => {
    const user = await freshUser()
    const { accessToken, refreshToken } = await connect(user)
    const pending = await world().code(user)
    expect(await isValid(accessToken, user)).toBe(true)
    await send(user, signSet(setClaims(event)))
    expect(await isValid(accessToken, user)).toBe(false)
    expect(await refusalOf(world().refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    expect(await refusalOf(world().redeem(pending))).toBe('CODE_NOT_ACCEPTED')
    const status = { disabled: 'disabled', purged: 'removed', revoked: 'active' }[event]
    expect(await rowOf(user)).toMatchObject({ status, epoch: 2 })
    const name = EVENTS[event].split('/').at(-1)
    const reason = `${name}; provider work`
    expect(await audit(user)).toEqual([{ actor: `provider:${user.providerId}`, subject: user.subject, reason }])
  })

  it('erases a person by account-purged, also one who was disabled before', async () => {
    const user = await freshUser()
    await send(user, signSet(setClaims('disabled')))
    await send(user, signSet(setClaims('purged')))
    expect(await rowOf(user)).toMatchObject({ status: 'removed', epoch: 3, sub: '', name: '' })
  })

  it('ends the sessions by session-revoked, and keeps what the user has consented to', async () => {
    const user = await freshUser()
    const { id: operatorId } = user.operator
    const at = new Date()
    const edge = await prisma().identityProvider.findUniqueOrThrow({ where: { id: user.providerId } })
    const provider = { providerId: user.providerId, providerEdge: edge.edgeId }
    const session = { id: Buffer.from(randomUUID()), operatorId, subject: user.subject, epoch: 1, ...provider }
    await prisma().webSession.create({ data: { ...session, signedInAt: at, expiresAt: new Date(Date.now() + 9e6) } })
    await send(user, signSet(setClaims('revoked')))
    expect(await prisma().webSession.count({ where: { operatorId } })).toBe(0)
    const [consent, ...others] = await prisma().consent.findMany({ where: { operatorId } })
    expect(others).toEqual([])
    expect(consent?.capabilities).toEqual([`${user.audience}#read`, `${user.audience}#write`])
    const { code, redeem } = world()
    const { accessToken = '' } = await redeem(await code({ ...user, consentId: consent?.id ?? '' }))
    expect(await isValid(accessToken, user)).toBe(true)
  })

  it('leaves no connection to a code that is redeemed while the session is revoked', async () => {
    const user = await freshUser()
    const code = await world().code(user)
    const racing = world()
    racing.between = async () => {
      racing.between = async () => undefined
      await send(user, signSet(setClaims('revoked')))
    }
    expect(await refusalOf(racing.redeem(code))).toBe('CONSENT_REQUIRED')
    expect(await prisma().connection.count({ where: { consent: { operatorId: user.operator.id } } })).toBe(0)
  })

  it('does nothing the second time, and answers the same', async () => {
    const user = await freshUser()
    const set = signSet(setClaims('disabled'))
    await send(user, set)
    await prisma().user.update({ where: keyOf(user), data: { status: 'active', disabledAt: null } })
    await send(user, set)
    expect(await rowOf(user)).toMatchObject({ status: 'active', epoch: 2 })
    expect(await audit(user)).toHaveLength(1)
  })

  it('answers the same about a stranger, and stores nothing', async () => {
    const user = await freshUser()
    const stranger = { format: 'iss_sub', iss: USER_IDP, sub: 'stranger' }
    await send(user, signSet(setClaims('disabled', { sub_id: stranger, jti: 'about-a-stranger' })))
    expect(await rowOf(user)).toMatchObject({ status: 'active', epoch: 1 })
    expect(await prisma().usedAssertion.count({ where: { jti: 'about-a-stranger' } })).toBe(0)
  })

  it('changes nothing by an event that ends nobody', async () => {
    const user = await freshUser()
    await send(user, signSet(setClaims('disabled', { events: { 'urn:example:other': {} } })))
    expect(await rowOf(user)).toMatchObject({ status: 'active', epoch: 1 })
  })

  it('accepts the URL to which the event is sent as its audience', async () => {
    const user = await freshUser()
    const aud = `${ISSUER}/people/providers/${user.providerId}/events`
    await send(user, signSet(setClaims('disabled', { aud })))
    expect(await rowOf(user)).toMatchObject({ status: 'disabled' })
  })

  it.each<[string, string, () => string]>([
    ['a SET of another provider', 'INVALID_ISSUER', () => signSet(setClaims('disabled', { iss: 'https://o.example' }))],
    ['another audience', 'INVALID_AUDIENCE', () => signSet(setClaims('disabled', { aud: 'other' }))],
    ['a SET without jti', 'SIGNAL_NOT_ACCEPTED', () => signSet(setClaims('disabled', { jti: undefined }))],
    ['an ID token', 'SIGNAL_NOT_ACCEPTED', () => signSet(setClaims('disabled'), { typ: 'JWT' })],
    ['a token without typ', 'SIGNAL_NOT_ACCEPTED', () => signSet(setClaims('disabled'), { typ: undefined })],
    ['a logout token', 'SIGNAL_NOT_ACCEPTED', () => signSet(setClaims('disabled'), { typ: 'logout+jwt' })],
    ['a text that is no token', 'SIGNAL_NOT_ACCEPTED', () => 'x'],
    [
      'a key that the provider does not have',
      'INVALID_SIGNATURE',
      () => signSet(setClaims('disabled'), { kid: 'other' }),
    ],
    [
      'a signature of another key',
      'INVALID_SIGNATURE',
      () => signSet(setClaims('disabled'), {}, makeTestKey('RS256', 'idp-1')),
    ],
    ['alg none', 'SIGNAL_NOT_ACCEPTED', () => signSet(setClaims('disabled'), { alg: 'none' })],
  ])('refuses %s', async (_name, reason, make) => {
    const user = await freshUser()
    expect(await refusalOf(send(user, make()))).toBe(reason)
    expect(await rowOf(user)).toMatchObject({ status: 'active', epoch: 1 })
  })

  it.each([
    ['an unknown provider', () => ({ providerId: randomUUID() })],
    ['a text that is no id', () => ({ providerId: 'x' })],
    ['a provider whose signals are none', async () => freshUser('none')],
  ])('refuses %s before it asks anybody', async (_name, make) => {
    const fresh = signalReceiver(world().database.db)
    const { providerId } = await make()
    const refusal = await refusalOf(fresh.event({ providerId, set: signSet(setClaims('disabled')) }))
    expect(refusal).toBe('PROVIDER_NOT_FOUND')
    expect(fresh.asked).toEqual([])
  })

  it('answers 503 while the provider does not show its keys, and asks it at most every 5 seconds', async () => {
    const fresh = signalReceiver(world().database.db)
    fresh.answers.failure = new OutboundError('TIMEOUT', 'x')
    const user = await freshUser()
    const message = { providerId: user.providerId, set: signSet(setClaims('disabled')) }
    for (const _ of [1, 2, 3]) expect(await refusalOf(fresh.event(message))).toBe('UNAVAILABLE')
    expect(fresh.asked).toHaveLength(1)
    expect(await rowOf(user)).toMatchObject({ status: 'active' })
  })
})
