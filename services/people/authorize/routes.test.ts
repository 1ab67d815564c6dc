import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import {
  AuthorizeRequestSchema,
  type DecideConsentRequest,
  DecideConsentRequestSchema,
} from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { ISSUER } from '../../../test/support/authn.ts'
import { anonymous } from '../../../test/support/identity.ts'
import { CLIENT, type ConsentedUser, REDIRECT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { cookieHeader } from '../../../test/support/sign-in.ts'
import type { ClientDocument } from '../clients/domain/read-document.ts'
import { createCookies } from '../sessions/cookies.ts'
import { beginSession } from '../sessions/session.ts'
import { authorizeRoutes } from './routes.ts'

const world = useUserWorld()
const noProviders = async (): Promise<never> => {
  throw new Error('These tests ask no provider')
}

function routes(aheadMs = 0, document: Partial<ClientDocument> = {}) {
  const { instances, database } = world()
  return authorizeRoutes({
    db: database.db,
    issuer: ISSUER,
    now: () => Date.now() + aheadMs,
    challengeKeys: instances[0].keys.challengeKeys,
    cookies: createCookies(ISSUER),
    providerClients: noProviders,
    operators: { lookupOperator: noProviders },
    documents: {
      find: async (clientId) => ({
        clientId,
        name: '',
        redirectUris: [REDIRECT],
        isOnDevices: false,
        authMethod: 'none',
        keys: undefined,
        digest: 'digest',
        ...document,
      }),
    },
  })
}

/** Signs a user in, and returns the Cookie header. */
async function signIn({ operator, subject, providerId: id }: ConsentedUser): Promise<string> {
  const { db } = world().database
  const { edgeId } = await db.prisma.identityProvider.findUniqueOrThrow({ where: { id } })
  const deps = { db, now: Date.now, cookies: createCookies(ISSUER) }
  const user = { operatorId: operator.id, subject, epoch: 1 }
  return cookieHeader([await beginSession(deps, anonymous(), user, { id, edgeId, redeemedAt: 'now' }, '')])
}

const queryOf = ({ audience }: ConsentedUser, changes = {}) =>
  new URLSearchParams({
    response_type: 'code',
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    resource: audience,
    code_challenge: sha256Text('v', 'base64url'),
    code_challenge_method: 'S256',
    ...changes,
  }).toString()

async function ask(cookie: string, query: string) {
  const answer = await routes().authorize(create(AuthorizeRequestSchema, { cookie, query }), anonymous())
  return { form: answer.form ?? '', names: answer.question?.scopes?.map(({ name }) => name) ?? [] }
}

type Sent = Partial<Pick<DecideConsentRequest, 'cookie' | 'form' | 'query' | 'isAllowed' | 'scopes'>>

describe('the answer of a user', () => {
  it('becomes a consent to what the user has allowed, and a code for it', async () => {
    const user = await world().user('another')
    const [cookie, query] = [await signIn(user), queryOf(user, { prompt: 'consent' })]
    const { form, names } = await ask(cookie, query)
    expect(names).toEqual(['read', 'write'])
    const sent = create(DecideConsentRequestSchema, { cookie, form, query, isAllowed: true })
    const { location = '' } = await routes().decideConsent(sent, anonymous())
    expect(Object.fromEntries(new URL(location).searchParams)).toEqual({ code: expect.any(String), iss: ISSUER })
    const { prisma } = world().database.db
    expect(await prisma.consent.findMany({ where: { subject: user.subject } })).toMatchObject([
      { id: user.consentId, clientDigest: 'digest', ownerId: user.owner.id },
    ])
    const audit = await prisma.auditLog.findMany({ where: { action: 'consent.give', subject: user.consentId } })
    expect(new Set(audit.map(({ operatorId }) => operatorId))).toEqual(new Set([user.operator.id, user.owner.id]))
    expect(audit.map(({ actor }) => actor)).toEqual([user.subject, user.subject])
  })

  it('that leaves a scope out makes the consent narrower, and ends its edge', async () => {
    const user = await world().user()
    const { pool, prisma } = world().database.db
    await pool.query(
      `UPDATE operator_audiences SET users = jsonb_set(users, '{scopes,1,is_default}', 'false') WHERE audience = $1`,
      [user.audience],
    )
    const where = { id: user.consentId }
    const before = await prisma.consent.findUniqueOrThrow({ where })
    const [cookie, query] = [await signIn(user), queryOf(user, { prompt: 'consent', scope: 'read write' })]
    const { form } = await ask(cookie, query)
    const sent = create(DecideConsentRequestSchema, { cookie, form, query, isAllowed: true })
    await routes().decideConsent(sent, anonymous())
    const after = await prisma.consent.findUniqueOrThrow({ where })
    expect(after.capabilities).toEqual([`${user.audience}#read`])
    expect(after.edgeId).not.toBe(before.edgeId)
    const ended = await pool.query(`SELECT 1 FROM revocation_log WHERE kind = 'edge' AND subject = $1`, [before.edgeId])
    expect(ended.rowCount).toBe(1)
  })

  it('that refuses goes to the client, and changes nothing', async () => {
    const user = await world().user()
    const [cookie, query] = [await signIn(user), queryOf(user, { prompt: 'consent', state: 's' })]
    const { form } = await ask(cookie, query)
    const sent = create(DecideConsentRequestSchema, { cookie, form, query, isAllowed: false })
    const { location = '' } = await routes().decideConsent(sent, anonymous())
    expect(Object.fromEntries(new URL(location).searchParams)).toMatchObject({ error: 'access_denied', state: 's' })
    expect(await world().database.db.prisma.consent.findMany({ where: { subject: user.subject } })).toMatchObject([
      { clientDigest: '' },
    ])
  })

  type Case = readonly [name: string, reason: string, edit: (sent: Sent, other: Sent) => Sent, aheadMs: number]
  it.each<Case>([
    ['without a session', 'SESSION_ENDED', (sent) => ({ ...sent, cookie: '' }), 0],
    ['of another session', 'FORM_EXPIRED', (sent, { cookie = '' }) => ({ ...sent, cookie }), 0],
    ['with another form', 'FORM_EXPIRED', (sent) => ({ ...sent, form: 'a.b.c' }), 0],
    ['about another request', 'FORM_EXPIRED', (sent) => ({ ...sent, query: `${sent.query}&state=x` }), 0],
    ['long after the sign-in', 'SESSION_ENDED', (sent) => sent, 301_000],
    ['after more than an hour', 'FORM_EXPIRED', (sent) => sent, 3_601_000],
  ])('%s is refused: %s', async (_, reason, edit, aheadMs) => {
    const user = await world().user()
    const [cookie, query] = [await signIn(user), queryOf(user, { prompt: 'consent' })]
    const { form } = await ask(cookie, query)
    const other = { cookie: await signIn(user) }
    const sent = create(DecideConsentRequestSchema, edit({ cookie, form, query, isAllowed: true }, other))
    expect(await refusalOf(Promise.resolve(routes(aheadMs).decideConsent(sent, anonymous())))).toBe(reason)
    expect(await world().database.db.prisma.consent.findMany({ where: { id: user.consentId } })).toMatchObject([
      { clientDigest: '' },
    ])
  })

  it.each<readonly [name: string, member: string, value: unknown]>([
    ['other words', '{scopes,0,words}', 'To read and to delete'],
    ['another scope that the client needs', '{scopes,1,is_default}', false],
    ['another time', '{max_days}', 7],
  ])('about a page that shows %s by now is refused', async (_, member, value) => {
    const user = await world().user()
    const { pool } = world().database.db
    await pool.query(`UPDATE identity_providers SET signals = 'ssf' WHERE id = $1`, [user.providerId])
    const [cookie, query] = [await signIn(user), queryOf(user, { prompt: 'consent', scope: 'read write' })]
    const { form } = await ask(cookie, query)
    await pool.query('UPDATE operator_audiences SET users = jsonb_set(users, $2, $3) WHERE audience = $1', [
      user.audience,
      member,
      JSON.stringify(value),
    ])
    const sent = create(DecideConsentRequestSchema, { cookie, form, query, isAllowed: true })
    expect(await refusalOf(Promise.resolve(routes().decideConsent(sent, anonymous())))).toBe('FORM_EXPIRED')
  })

  it('about another document of the client is refused', async () => {
    const user = await world().user()
    const [cookie, query] = [await signIn(user), queryOf(user, { prompt: 'consent' })]
    const { form } = await ask(cookie, query)
    const sent = create(DecideConsentRequestSchema, { cookie, form, query, isAllowed: true })
    const changed = routes(0, { digest: 'other' })
    expect(await refusalOf(Promise.resolve(changed.decideConsent(sent, anonymous())))).toBe('FORM_EXPIRED')
  })

  it('cannot make more than 200 consents', async () => {
    const user = await world().user()
    const { pool } = world().database.db
    await pool.query(
      `INSERT INTO consents (id, operator_id, subject, client_id, audience, owner_id, capabilities, client_digest, given_at)
       SELECT gen_random_uuid(), $1, $2, 'https://c' || n || '.example/a', $3, $1, '{}', '', now()
       FROM generate_series(1, 200) n`,
      [user.operator.id, user.subject, user.audience],
    )
    await pool.query('DELETE FROM consents WHERE id = $1', [user.consentId])
    const [cookie, query] = [await signIn(user), queryOf(user)]
    const { form } = await ask(cookie, query)
    const sent = create(DecideConsentRequestSchema, { cookie, form, query, isAllowed: true })
    expect(await refusalOf(Promise.resolve(routes().decideConsent(sent, anonymous())))).toBe('TOO_MANY_CONSENTS')
    expect(await world().database.db.prisma.consent.count({ where: { subject: user.subject } })).toBe(200)
  })
})
