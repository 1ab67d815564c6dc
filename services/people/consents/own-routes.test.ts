import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { type EndOwnRequest, SignInService } from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { ISSUER } from '../../../test/support/authn.ts'
import { anonymous } from '../../../test/support/identity.ts'
import { type ConsentedUser, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { cookieHeader } from '../../../test/support/sign-in.ts'
import { createCookies } from '../sessions/cookies.ts'
import { sealForm } from '../sessions/form.ts'
import { beginSession, signedInUser } from '../sessions/session.ts'
import { ownRoutes } from './own-routes.ts'

const world = useUserWorld()
const { method } = SignInService

const depsOf = () => ({
  db: world().database.db,
  now: Date.now,
  cookies: createCookies(ISSUER),
  challengeKeys: world().instances[0].keys.challengeKeys,
})

/** A user with a connected client, who is signed in. */
async function actingUser() {
  const user = await world().user('another')
  const { operator, subject, providerId } = user
  const deps = depsOf()
  const { edgeId } = await deps.db.prisma.identityProvider.findUniqueOrThrow({ where: { id: providerId } })
  const session = { operatorId: operator.id, subject, epoch: 1 }
  const provider = { id: providerId, edgeId, redeemedAt: 'now' }
  const cookie = cookieHeader([await beginSession(deps, anonymous(), session, provider, '')])
  const connectionId = randomUUID()
  const { code, redeem } = world()
  const { accessToken: token = '' } = await redeem(await code(user, { id: connectionId }))
  return { ...user, cookie, connectionId, token }
}

const list = (cookie: string) =>
  ownRoutes(depsOf()).listOwnConsents(create(method.listOwnConsents.input, { cookie }), anonymous())
const end = async (sent: Partial<Pick<EndOwnRequest, 'cookie' | 'form' | 'consentId' | 'connectionId'>>) =>
  ownRoutes(depsOf()).endOwn(create(method.endOwn.input, sent), anonymous())

async function isValid(token: string, { audience }: Pick<ConsentedUser, 'audience'>): Promise<boolean> {
  const wanted = { audience: [audience], scope: 'read', delegation: 'accept' }
  return (await world().instances[1].verify(token, wanted)).valid === true
}

describe('what acts for a person', () => {
  it('is listed for the person alone', async () => {
    const [user, other] = [await actingUser(), await actingUser()]
    const { consents = [], form } = await list(user.cookie)
    expect(form).toMatch(/\./)
    expect(consents).toMatchObject([
      { id: user.consentId, audience: user.audience, connections: [{ id: user.connectionId }] },
    ])
    expect(consents.map(({ id }) => id)).not.toContain(other.consentId)
    expect(await list('')).toEqual({})
  })

  it.each<readonly [what: string, action: string, idOf: (user: Awaited<ReturnType<typeof actingUser>>) => object]>([
    ['a consent', 'consent.withdraw', ({ consentId }) => ({ consentId })],
    ['a connection', 'connection.end', ({ connectionId }) => ({ connectionId })],
  ])('ends with %s, and the audit names the person', async (_, action, idOf) => {
    const user = await actingUser()
    expect(await isValid(user.token, user)).toBe(true)
    const { form = '' } = await list(user.cookie)
    await end({ cookie: user.cookie, form, ...idOf(user) })
    expect(await isValid(user.token, user)).toBe(false)
    const [id] = Object.values(idOf(user))
    const audit = await world().database.db.prisma.auditLog.findMany({ where: { action, subject: String(id) } })
    expect(new Set(audit.map(({ actor }) => actor))).toEqual(new Set([user.subject]))
    expect(audit).toHaveLength(2)
  })

  type Acting = Awaited<ReturnType<typeof actingUser>>
  type Case = readonly [name: string, reason: string, edit: (user: Acting, other: Acting, form: string) => object]
  it.each<Case>([
    ['without a session', 'SESSION_ENDED', ({ consentId }, _, form) => ({ form, cookie: '', consentId })],
    ['without a form', 'FORM_EXPIRED', ({ consentId }) => ({ form: '', consentId })],
    [
      'by the session of another person',
      'FORM_EXPIRED',
      ({ consentId }, { cookie }, form) => ({ form, cookie, consentId }),
    ],
    ['of another person', 'CONSENT_NOT_FOUND', (_, { consentId }, form) => ({ form, consentId })],
    ['of another person', 'CONNECTION_NOT_FOUND', (_, { connectionId }, form) => ({ form, connectionId })],
    ['that is named by nothing', 'CONSENT_NOT_FOUND', (_user, _other, form) => ({ form })],
  ])('does not end %s: %s', async (_, reason, edit) => {
    const [user, other] = [await actingUser(), await actingUser()]
    const { form = '' } = await list(user.cookie)
    expect(await refusalOf(end({ cookie: user.cookie, ...edit(user, other, form) }))).toBe(reason)
    expect([await isValid(user.token, user), await isValid(other.token, other)]).toEqual([true, true])
  })

  it('does not end by the form for signing out', async () => {
    const { cookie, consentId } = await actingUser()
    const deps = depsOf()
    const sessionId = (await signedInUser(deps, cookie))?.sessionId ?? ''
    const form = await sealForm(deps, { sessionId, content: 'sign-out' })
    expect(await refusalOf(end({ cookie, form, consentId }))).toBe('FORM_EXPIRED')
  })
})
