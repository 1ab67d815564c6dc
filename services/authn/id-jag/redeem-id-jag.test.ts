import { randomUUID } from 'node:crypto'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { beforeAll, describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { clientAssertion, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { provenCall } from '../../../test/support/exchanges.ts'
import { expectRefusal } from '../../../test/support/expect-refusal.ts'
import { payloadOf } from '../../../test/support/federation/chained-server.ts'
import {
  CRM,
  IDP,
  type ProviderWorld,
  SUB,
  useProviderWorld,
} from '../../../test/support/federation/identity-provider.ts'
import { anonymous, insertOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { testTokenKey } from '../../../test/support/token-keys.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const serve = useProviderWorld()
let world: ProviderWorld
let rule: string

beforeAll(async () => {
  world = serve()
  rule = await world.put()
})

const NO_ASSERTION = { clientAssertion: '', clientAssertionType: '' }
const nowS = () => Math.floor(Date.now() / 1_000)

it('an ID-JAG gives a token of the user, with which the agent acts by its key', async () => {
  const { agent: insert, redeem, idJag, operator, database } = world
  const agent = await insert()
  const iat = nowS() - 100
  const text = idJag(agent, { iat, exp: iat + 300, jti: 'one' })
  const answer = await redeem(agent, text)
  const token = payloadOf(answer.accessToken)
  const { exp, iat: issued, jti } = token
  expect(answer).toEqual({
    accessToken: answer.accessToken,
    tokenType: 'DPoP',
    expiresIn: Number(exp) - Number(issued),
    scope: 'read write',
  })
  expect(token).toEqual({
    iss: ISSUER,
    sub: 'user:alice',
    aud: [CRM],
    scope: 'read write',
    operator_id: operator.id,
    iat: issued,
    nbf: issued,
    exp: iat + 300,
    jti,
    client_id: agent.did,
    epoch: [1, 1],
    cnf: { jkt: thumbprint(agent.publicKey) },
    edges: [rule],
    act: { sub: agent.did },
    a4a_user: { iss: IDP, generation: 1 },
  })
  const audit = await database.db.prisma.auditLog.findMany({ where: { subject: String(jti) } })
  expect(audit).toMatchObject([
    {
      operatorId: operator.id,
      action: 'token.for-user',
      actor: `agent:${agent.did}`,
      reason:
        `actor ${agent.did}; principal user:alice; identity provider ${IDP}; kids ["idp-1"]; ` +
        `grants ["one"]; scope ["read","write"]; audience ["${CRM}"]; edges ["${rule}"]`,
    },
  ])
})

/** Signs an ID-JAG with changed claims and header. */
const idJag =
  (claims: object, header = {}) =>
  (agent: TestHolder) =>
    world.idJag(agent, claims, header)
/** Signs an ID-JAG with times relative to now. */
const timed = (iat: number, exp: number) => (agent: TestHolder) =>
  world.idJag(agent, { iat: nowS() + iat, exp: nowS() + exp })

describe('refuses, and changes nothing:', () => {
  type Case = readonly [name: string, reason: string, detail: string, (agent: TestHolder) => Promise<string> | string]
  const stranger = testTokenKey('ES256')
  const not = 'GRANT_NOT_ACCEPTED'
  const CASES: readonly Case[] = [
    ['an ID-JAG for another server', not, 'aud must be exactly', idJag({ aud: 'https://other.example' })],
    ['aud with a slash more', not, 'aud must be exactly', idJag({ aud: `${ISSUER}/` })],
    ['aud as a list', not, 'aud must be one text', idJag({ aud: [ISSUER] })],
    ['aud as a list of two', not, 'aud must be one text', idJag({ aud: [ISSUER, 'https://other.example'] })],
    ['no aud', not, 'aud must be one text', idJag({ aud: undefined })],
    ['the ID-JAG of another client', not, 'client_id must be the client', async () => world.idJag(await world.agent())],
    ['a key of nobody', not, 'the signature must be', (agent) => world.idJag(agent, {}, {}, stranger)],
    ['an unknown kid', not, 'kid must name', idJag({}, { kid: 'idp-2' })],
    ['an algorithm that is not allowed', not, 'alg must be ES256', idJag({}, { alg: 'RS256' })],
    ['the algorithm none', not, 'the header must be', idJag({}, { alg: 'none' })],
    ['a key in the header', not, 'the header must be', idJag({}, { jwk: stranger.jwk })],
    ['an access token', not, 'the header must be', async () => world.instances[0].issue(await world.agent())],
    ['an expired ID-JAG', not, 'exp must not have passed', timed(-200, -11)],
    ['a lifetime of 301 s', not, 'exp must be at most 300', timed(0, 301)],
    ['an ID-JAG from the future', not, 'iat must not be', timed(20, 90)],
    ['an ID-JAG that is 5 minutes old', not, 'iat must be less', timed(-300, 0)],
    ['only an e-mail address', not, 'sub must be a text', idJag({ sub: undefined })],
    ['an e-mail address as sub', not, 'a rule of the admin', idJag({ sub: 'alice@corp.example' })],
    ['another subject', not, 'a rule of the admin', idJag({ sub: 'U2' })],
    ['a tenant without a rule', not, 'a rule of the admin', idJag({ tenant: 'T1' })],
    ['an empty tenant', not, 'tenant must be', idJag({ tenant: '' })],
    ['another user in aud_sub', not, 'aud_sub must be', idJag({ aud_sub: 'user:bob' })],
    ['a tenant of this server', not, 'aud_tenant must be missing', idJag({ aud_tenant: 'T' })],
    ['authorization details', not, 'authorization_details must', idJag({ authorization_details: [] })],
    ['another actor', not, 'act must be missing', idJag({ act: { sub: 'agent-7' } })],
    ['no jti', not, 'jti must be', idJag({ jti: undefined })],
    ['no scope', not, 'scope must be', idJag({ scope: undefined })],
    ['no resource', not, 'resource must be', idJag({ resource: undefined })],
    ['another key in cnf', not, 'cnf must be the key', idJag({ cnf: { jkt: stranger.kid } })],
    ['cnf of another kind', not, 'cnf must be missing', idJag({ cnf: { 'x5t#S256': stranger.kid } })],
  ]

  it.each(CASES)('%s', async (_, reason, detail, make) => {
    const agent = await world.agent()
    const text = await make(agent)
    await expectRefusal(world.database.db, () => world.redeem(agent, text), reason)
    const error: unknown = await world.redeem(agent, text).catch((thrown: unknown) => thrown)
    expect(error instanceof ApiError && error.message).toContain(detail)
  })

  it('a request without a DPoP proof by its key', async () => {
    const { agent: insert, redeem, idJag, database } = world
    const agent = await insert()
    const text = idJag(agent)
    await expectRefusal(database.db, () => redeem(agent, text, {}, anonymous()), 'DPOP_PROOF_REQUIRED')
    const other = await provenCall(await insert())
    await expectRefusal(database.db, () => redeem(agent, text, {}, other), 'INVALID_DPOP_PROOF')
    await expectRefusal(database.db, () => redeem(agent, text, { clientId: 'did:agent:x' }), 'INVALID_ASSERTION')
    expect(await refusalOf(redeem(agent, text))).toBeUndefined()
  })

  it('an agent of an operator for which no rule counts', async () => {
    const { redeem, idJag, database } = world
    const agent = await insertAgent(database.db, await insertOperator(database.db, 'other.example', 'active'))
    await expectRefusal(database.db, () => redeem(agent, idJag(agent)), 'GRANT_NOT_ACCEPTED')
  })
})

it.each<readonly [name: string, reason: string, wishes: object, isProven: boolean]>([
  ['neither a client assertion nor a DPoP proof', 'DPOP_PROOF_REQUIRED', NO_ASSERTION, false],
  ['only a DPoP proof', 'GRANT_NOT_ACCEPTED', NO_ASSERTION, true],
  ['a false client assertion', 'INVALID_ASSERTION', { clientAssertion: 'x' }, false],
])('a stranger with %s does not learn which identity providers are admitted', async (_, reason, wishes, isProven) => {
  const { agent: insert, redeem, idJag, database } = world
  const agent = await insert()
  const details = new Set<string>()
  for (const iss of [IDP, 'https://unknown.example', 'no issuer']) {
    const call = isProven ? await provenCall(agent) : anonymous()
    const ask = () => redeem(agent, idJag(agent, { iss }), wishes, call)
    await expectRefusal(database.db, ask, reason)
    const error: unknown = await ask().catch((thrown: unknown) => thrown)
    details.add(error instanceof ApiError ? error.message : '')
  }
  expect([...details]).toHaveLength(1)
})

describe('a scope or an audience beyond one of the three', () => {
  const SALES = 'https://sales.example'

  it.each<readonly [name: string, reason: string, claims: object, wishes: object]>([
    ['the scopes of the ID-JAG', 'SCOPE_NOT_ALLOWED', { scope: 'read' }, { scope: 'read write' }],
    ['the scopes of the rule', 'SCOPE_NOT_ALLOWED', { scope: 'read admin' }, {}],
    ['the scopes of the rule, as only some', 'SCOPE_NOT_ALLOWED', { scope: 'read admin' }, { scope: 'admin' }],
    ['the audiences of the ID-JAG', 'AUDIENCE_NOT_ALLOWED', {}, { resource: [CRM, SALES] }],
    ['the audiences of the rule', 'AUDIENCE_NOT_ALLOWED', { resource: [CRM, SALES] }, {}],
    [
      'the audiences of the rule, as only one',
      'AUDIENCE_NOT_ALLOWED',
      { resource: [CRM, SALES] },
      { resource: [SALES] },
    ],
  ])('gives no token: %s', async (_, reason, claims, wishes) => {
    const agent = await world.agent()
    await expectRefusal(world.database.db, () => world.redeem(agent, world.idJag(agent, claims), wishes), reason)
  })

  it('gives no token: the grant of the agent', async () => {
    const { database, operator, redeem, idJag } = world
    const agent = await insertAgent(database.db, operator, { scopes: ['read'] })
    await expectRefusal(database.db, () => redeem(agent, idJag(agent)), 'SCOPE_NOT_ALLOWED')
    expect((await redeem(agent, idJag(agent), { scope: 'read' })).scope).toBe('read')
  })

  it('gives a token for less than the ID-JAG allows', async () => {
    const { agent: insert, redeem, idJag } = world
    const agent = await insert()
    const { accessToken } = await redeem(agent, idJag(agent, { resource: [SALES, CRM] }), {
      scope: 'write',
      resource: [CRM],
    })
    expect(payloadOf(accessToken)).toMatchObject({ scope: 'write', aud: [CRM] })
  })

  it('gives no token at the audience of an operator that lists no callers, and else one that names the entry', async () => {
    const { agent: insert, redeem, idJag, database, put, remove } = world
    const owner = await insertOperator(database.db, 'owner.example', 'active')
    const owned = 'https://api.owner.example'
    const other = await put({ sub: 'U3', audience: [owned] })
    const agent = await insert()
    const text = idJag(agent, { sub: 'U3', resource: owned })
    await expectRefusal(database.db, () => redeem(agent, text), 'AUDIENCE_NOT_ALLOWED')
    const rule = { operatorId: owner.id, audience: owned, callers: [world.operator.domain] }
    await database.db.prisma.operatorAudience.create({ data: rule })
    const { accessToken = '' } = await redeem(agent, idJag(agent, { sub: 'U3', resource: owned }))
    const where = { operatorId: owner.id, endedAt: null }
    const { edgeId } = await database.db.prisma.operatorAudienceCaller.findFirstOrThrow({ where })
    // The token ends with the rule about the user, and with the entry of the caller.
    expect(payloadOf(accessToken)).toMatchObject({ edges: [other, edgeId] })
    await remove(other)
  })
})

describe('what the client assertion covers', () => {
  it('counts, and must cover the ID-JAG if the operator demands it', async () => {
    const { agent: insert, redeem, idJag, database } = world
    const agent = await insert()
    const text = idJag(agent)
    const covering = (claims: object) => clientAssertion(agent, claims)
    const digest = sha256Text(text, 'base64url')
    const mismatch = (claims: object) =>
      expectRefusal(database.db, () => redeem(agent, text, covering(claims)), 'BINDING_MISMATCH')
    await mismatch({ subject_token: sha256Text('another', 'base64url') })
    await mismatch({ may_act: { sub: agent.did } })
    await database.db.prisma.agent.update({
      where: { id: agent.id },
      data: { requireBoundChallenges: true, version: 2 },
    })
    const bound = { scope: 'read', resource: CRM }
    await expectRefusal(database.db, () => redeem(agent, text, covering(bound)), 'BINDING_REQUIRED')
    const answer = await redeem(agent, text, covering({ ...bound, subject_token: digest }))
    expect(answer.scope).toBe('read')
  })
})

describe('an ID-JAG gives one token', () => {
  it('when it is replayed at two processes at the same time', async () => {
    const { agent: insert, redeem, idJag, database } = world
    const agent = await insert()
    const text = idJag(agent)
    const attempts = Array.from({ length: 20 }, (_, at) => redeem(agent, text, {}, undefined, at % 2 === 0 ? 0 : 1))
    const refusals = await Promise.all(attempts.map(refusalOf))
    expect(refusals.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(refusals.filter((reason) => reason === 'GRANT_USED')).toHaveLength(19)
    expect(await database.db.prisma.auditLog.count({ where: { actor: `agent:${agent.did}` } })).toBe(1)
  })

  it('also later, and a DPoP proof or assertion that is replayed uses up none', async () => {
    const { agent: insert, redeem, idJag, database } = world
    const agent = await insert()
    const [call, assertion] = [await provenCall(agent), clientAssertion(agent)]
    const first = idJag(agent)
    await redeem(agent, first, assertion, call)
    expect(await refusalOf(redeem(agent, first))).toBe('GRANT_USED')
    const text = idJag(agent)
    expect(await refusalOf(redeem(agent, text, {}, call))).toBe('DPOP_PROOF_USED')
    expect(await refusalOf(redeem(agent, text, assertion))).toBe('ASSERTION_USED')
    expect(await refusalOf(redeem(agent, text))).toBeUndefined()
    const [use] = await database.db.prisma.usedAssertion.findMany({ where: { jti: String(payloadOf(first)['jti']) } })
    expect(use).toMatchObject({ issuer: IDP })
    expect(use?.keepUntil.getTime()).toBeGreaterThanOrEqual((Number(payloadOf(first)['exp']) + 20) * 1_000)
  })

  it("and none after it expired when the database's clock was later", async () => {
    const { agent: insert, redeem, idJag, database } = world
    const agent = await insert()
    const text = idJag(agent, { iat: nowS(), exp: nowS() + 60 })
    // The client assertion lives longer.
    const assertion = clientAssertion(agent, { exp: nowS() + 200 })
    await database.db.pool.query(`UPDATE deployment SET clock_reached = now() + interval '75 s'`)
    expect(await refusalOf(redeem(agent, text, assertion))).toBe('GRANT_NOT_ACCEPTED')
    await database.db.pool.query(`UPDATE deployment SET clock_reached = now() - interval '1 h'`)
    expect(await refusalOf(redeem(agent, text, assertion))).toBeUndefined()
  })
})

it('a rule for a tenant counts for that tenant only, and an ID-JAG may name its key and the user', async () => {
  const { agent: insert, redeem, idJag, put } = world
  await put({ tenant: 'T2', user: 'user:tenant-alice' })
  const agent = await insert()
  const named = { tenant: 'T2', act: { sub: agent.did }, cnf: { jkt: thumbprint(agent.publicKey) } }
  const { accessToken } = await redeem(agent, idJag(agent, { ...named, aud_sub: 'user:tenant-alice' }))
  expect(payloadOf(accessToken)['sub']).toBe('user:tenant-alice')
  const { accessToken: other } = await redeem(agent, idJag(agent, { jti: randomUUID() }))
  expect(payloadOf(other)['sub']).toBe('user:alice')
  expect(SUB).not.toBe('user:alice')
})
