import { randomUUID } from 'node:crypto'
import { parseUserClaims } from '@auth4agent/core/delegation/user-claims'
import { describe, expect, it } from 'vitest'
import { payloadOf } from '../../../test/support/federation/chained-server.ts'
import { CLIENT, type ConsentedUser, USER_IDP, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const world = useUserWorld()

async function issue(user: ConsentedUser, wishes = {}) {
  const { code, redeem } = world()
  return redeem(await code(user, wishes))
}

async function verdictOf(token: string, { audience }: Pick<ConsentedUser, 'audience'>, process: 0 | 1 = 1) {
  const wanted = { audience: [audience], scope: 'read', delegation: 'accept' }
  const { valid, reason } = await world().instances[process].verify(token, wanted)
  return valid === true ? 'VALID' : reason
}

describe('a code gives a token with which the client acts for the user', () => {
  it.each(['itself', 'another'] as const)('at an audience of its operator: %s', async (owner) => {
    const user = await world().user(owner)
    const id = randomUUID()
    const { accessToken = '', ...answer } = await issue(user, { id })
    expect(answer).toEqual({
      tokenType: 'Bearer',
      expiresIn: 300,
      scope: 'read write',
      refreshToken: expect.stringMatching(/^a4r_/),
      // A second may begin between the sign-in and the answer.
      authorizationExpiresIn: expect.closeTo(8 * 3_600, -2),
    })
    const payload = payloadOf(accessToken)
    expect(payload).toMatchObject({
      sub: user.subject,
      aud: [user.audience],
      operator_id: user.operator.id,
      client_id: CLIENT,
      epoch: [1, 1],
      act: { sub: CLIENT },
      a4a_user: { iss: USER_IDP, generation: 1, operator_id: user.operator.id, epoch: [1, 1] },
    })
    const edges = parseUserClaims(payload)?.edges ?? []
    expect(edges).toContain(id)
    expect(edges).toHaveLength(owner === 'itself' ? 5 : 6)
    expect(await verdictOf(accessToken, user)).toBe('VALID')
    const audit = await world().database.db.prisma.auditLog.findMany({ where: { subject: String(payload['jti']) } })
    const operators = new Set([user.operator.id, user.owner.id])
    expect(new Set(audit.map(({ operatorId }) => operatorId))).toEqual(operators)
    for (const { action, actor, reason } of audit) {
      expect({ action, actor }).toEqual({ action: 'token.for-user', actor: `client:${CLIENT}` })
      expect(reason).toContain(`user ${user.subject}; client ${CLIENT}; identity provider ${USER_IDP}`)
    }
  })
})

type Change = (user: ConsentedUser) => string
const at = (text: string) => `'${text}'`
/** Statements that end something on which a token rests, and what a code answers afterwards. */
const ENDINGS: readonly (readonly [name: string, verdict: string, code: string, change: Change])[] = [
  [
    'the user is disabled',
    'AGENT_TOKENS_ENDED',
    'CODE_NOT_ACCEPTED',
    ({ subject }) =>
      `UPDATE users SET status = 'disabled', epoch = epoch + 1, version = version + 1 WHERE subject = ${at(subject)}`,
  ],
  [
    'the operator of the user ends its tokens',
    'OPERATOR_TOKENS_ENDED',
    '',
    ({ operator }) => `UPDATE operators SET epoch = epoch + 1, version = version + 1 WHERE id = ${at(operator.id)}`,
  ],
  [
    'the provider is removed',
    'TRUST_ENDED',
    'CODE_NOT_ACCEPTED',
    ({ providerId }) => `DELETE FROM identity_providers WHERE id = ${at(providerId)}`,
  ],
  [
    'the provider gets another edge',
    'TRUST_ENDED',
    'CODE_NOT_ACCEPTED',
    ({ providerId }) => `UPDATE identity_providers SET edge_id = gen_random_uuid() WHERE id = ${at(providerId)}`,
  ],
  [
    'the owner lets no users come any more',
    'TRUST_ENDED',
    'CODE_NOT_ACCEPTED',
    ({ audience }) => `UPDATE operator_audiences SET users = NULL WHERE audience = ${at(audience)}`,
  ],
  [
    'the owner takes a scope away',
    'TRUST_ENDED',
    '',
    ({ audience }) => `UPDATE operator_audiences SET users = jsonb_set(users, '{scopes}',
      jsonb_build_array(users -> 'scopes' -> 0)) WHERE audience = ${at(audience)}`,
  ],
  [
    'the operator of the user does not let its users go there any more',
    'TRUST_ENDED',
    'CODE_NOT_ACCEPTED',
    ({ operator }) => `UPDATE operators SET users_to = '{}', version = version + 1 WHERE id = ${at(operator.id)}`,
  ],
  [
    'the owner blocks the client',
    'TRUST_ENDED',
    'CLIENT_NOT_ALLOWED',
    ({ owner }) =>
      `UPDATE clients SET status = 'blocked', edge_id = gen_random_uuid() WHERE operator_id = ${at(owner.id)}`,
  ],
  [
    'the user withdraws the consent',
    'TRUST_ENDED',
    'CODE_NOT_ACCEPTED',
    ({ consentId }) => `DELETE FROM consents WHERE id = ${at(consentId)}`,
  ],
  [
    'the consent gets another edge',
    'TRUST_ENDED',
    '',
    ({ consentId }) => `UPDATE consents SET edge_id = gen_random_uuid() WHERE id = ${at(consentId)}`,
  ],
  [
    'the connection ends',
    'TRUST_ENDED',
    '',
    ({ consentId }) => `DELETE FROM connections WHERE consent_id = ${at(consentId)}`,
  ],
]

describe('a token for a user ends when', () => {
  it.each(ENDINGS)('%s: %s', async (_, verdict, code, change) => {
    const { user: insert, database, code: seal, redeem } = world()
    const user = await insert('another')
    const { accessToken = '' } = await issue(user)
    expect(await verdictOf(accessToken, user)).toBe('VALID')
    const later = await seal(user)
    await database.db.pool.query(change(user))
    expect(await verdictOf(accessToken, user)).toBe(verdict)
    const refusal = (await refusalOf(redeem(later))) ?? ''
    expect(refusal).toBe(code)
  })
})

describe('what ends between the decision about a code and its use', () => {
  it.each(ENDINGS)('counts: %s', async (name, _verdict, refusal, change) => {
    const { user: insert, database, code: seal } = world()
    const user = await insert('another')
    const code = await seal(user)
    const ends = world()
    let times = 0
    ends.between = async () => {
      times += 1
      if (times === 1) await database.db.pool.query(change(user))
    }
    expect((await refusalOf(ends.redeem(code))) ?? '').toBe(
      name === 'the user withdraws the consent' ? 'CONSENT_REQUIRED' : refusal,
    )
    // The second decision saw the change. A connection did not exist yet, so its end changes nothing.
    expect(times).toBe(refusal === '' && name !== 'the connection ends' ? 2 : 1)
  })

  it('that changes before each attempt makes the server answer UNAVAILABLE, and uses up no code', async () => {
    const { user: insert, database, code: seal } = world()
    const user = await insert('another')
    const code = await seal(user)
    const changing = world()
    changing.between = () =>
      database.db.pool.query('UPDATE users SET version = version + 1 WHERE subject = $1', [user.subject])
    expect(await refusalOf(changing.redeem(code))).toBe('UNAVAILABLE')
    expect(await refusalOf(world().redeem(code))).toBeUndefined()
  })
})

describe('a code is refused, and is not used up,', () => {
  type Case = readonly [name: string, reason: string, members: object]
  const CASES: readonly Case[] = [
    ['for another client', 'CODE_NOT_ACCEPTED', { clientId: 'https://other.example/client.json' }],
    ['without a client', 'INVALID_ARGUMENT', { clientId: '' }],
    ['for another redirect URI', 'CODE_NOT_ACCEPTED', { redirectUri: 'https://client.example/callback/' }],
    ['without a redirect URI', 'INVALID_ARGUMENT', { redirectUri: '' }],
    ['with another code verifier', 'CODE_NOT_ACCEPTED', { codeVerifier: 'w'.repeat(43) }],
    ['without a code verifier', 'INVALID_ARGUMENT', { codeVerifier: '' }],
    ['with a short code verifier', 'INVALID_ARGUMENT', { codeVerifier: 'v'.repeat(42) }],
    ['for another resource', 'INVALID_AUDIENCE', { resource: ['https://mcp.example/mcp'] }],
    ['with a client assertion', 'UNSUPPORTED_CLIENT_AUTHENTICATION', { clientAssertion: 'a' }],
  ]
  it.each(CASES)('%s: %s', async (_, reason, members) => {
    const { user: insert, code: seal, redeem } = world()
    const user = await insert()
    const code = await seal(user)
    expect(await refusalOf(redeem(code, members))).toBe(reason)
    expect(await refusalOf(redeem(code, { resource: [user.audience] }))).toBeUndefined()
  })

  it.each<readonly [name: string, edit: (code: string) => string]>([
    ['is empty', () => ''],
    ['is junk', () => 'junk'],
    ['has another MAC', (code) => code.slice(0, -2) + (code.endsWith('AA') ? 'BB' : 'AA')],
    [
      'has another consent',
      (code) => code.replace(/\.[0-9a-f-]{36}\.[0-9a-f-]{36}/, `.${randomUUID()}.${randomUUID()}`),
    ],
  ])('that %s', async (_, edit) => {
    const { user, code, redeem } = world()
    expect(await refusalOf(redeem(edit(await code(await user()))))).toBe('CODE_NOT_ACCEPTED')
  })

  it('after 60 seconds and the skew of clocks, by the clock of the database', async () => {
    const { user, code, redeem } = world()
    const old = await code(await user(), { exp: Math.floor(Date.now() / 1_000) - 60 })
    expect(await refusalOf(redeem(old))).toBe('CODE_NOT_ACCEPTED')
  })

  it('after all tokens of the deployment have ended', async () => {
    const { user, code, redeem, database } = world()
    const sealed = await code(await user())
    const kept = await database.db.prisma.challengeKey.findMany()
    await database.db.prisma.challengeKey.deleteMany()
    expect(await refusalOf(redeem(sealed))).toBe('CODE_NOT_ACCEPTED')
    await database.db.prisma.challengeKey.createMany({ data: kept })
  })
})

describe('a code that is used a second time', () => {
  it('ends the connection of the first use', async () => {
    const { user: insert, code: seal, redeem, refresh, database } = world()
    const user = await insert()
    const id = randomUUID()
    const code = await seal(user, { id })
    const { accessToken = '', refreshToken = '' } = await redeem(code)
    expect(await verdictOf(accessToken, user)).toBe('VALID')
    expect(await refusalOf(redeem(code, {}, undefined, 1))).toBe('CODE_NOT_ACCEPTED')
    expect(await verdictOf(accessToken, user)).toBe('TRUST_ENDED')
    expect(await refusalOf(refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    const audit = await database.db.prisma.auditLog.findFirstOrThrow({
      where: { action: 'connection.end', subject: id },
    })
    expect(audit).toMatchObject({ actor: `client:${CLIENT}`, operatorId: user.operator.id })
    expect(audit.reason).toContain('replay')
  })

  it.each([
    ['with another code verifier', { codeVerifier: 'w'.repeat(43) }],
    ['by another client', { clientId: 'https://other.example/client.json' }],
  ])('%s ends nothing, so a thief of the code alone cannot end it', async (_name, members) => {
    const { user: insert, code: seal, redeem } = world()
    const user = await insert()
    const code = await seal(user, {})
    const { accessToken = '' } = await redeem(code)
    expect(await refusalOf(redeem(code, members))).toBe('CODE_NOT_ACCEPTED')
    expect(await verdictOf(accessToken, user)).toBe('VALID')
  })

  it('gives one token at most, from two processes at the same time', async () => {
    const { user, code: seal, redeem } = world()
    const code = await seal(await user())
    const attempts = Array.from({ length: 20 }, (_, each) => redeem(code, {}, undefined, each % 2 === 0 ? 0 : 1))
    const refusals = await Promise.all(attempts.map(refusalOf))
    expect(refusals.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(refusals.filter((reason) => reason === 'CODE_NOT_ACCEPTED')).toHaveLength(19)
  })
})

it('a user has at most 50 connections: another one ends the one that was used longest ago', async () => {
  const { user: insert, database } = world()
  const user = await insert()
  const { accessToken = '' } = await issue(user)
  const { consentId } = user
  await database.db.pool.query(
    `INSERT INTO connections
       (id, consent_id, scopes, jkt, client_edge, vouched_at, moved_at, created_at, used_at, expires_at)
     SELECT gen_random_uuid(), $1, '{read}', '', $2, now(), now(), now(), now() + interval '1 s',
       now() + interval '1 d' FROM generate_series(1, 49)`,
    [consentId, user.clientEdge],
  )
  expect(await verdictOf(accessToken, user)).toBe('VALID')
  await issue(user)
  expect(await database.db.prisma.connection.count({ where: { consentId } })).toBe(50)
  expect(await verdictOf(accessToken, user)).toBe('TRUST_ENDED')
})
