import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { KeyState } from '../../gen/prisma/enums.ts'
import { ISSUER, startInstance, type TestInstance } from '../../test/support/authn.ts'
import {
  authnState,
  freshOperator,
  insertAgent,
  signChallenge,
  type TestAgent,
} from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { insertOperator, newAgent, type TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const MINUTE = 60_000

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let agent: TestAgent

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
})
afterAll(() => database.drop())
beforeEach(async () => {
  instance.clock.offsetMs = 0
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
})

/** Asserts the reason of a refusal, and that nothing has been written. */
async function expectRefusal(reason: string, work: () => Promise<unknown>): Promise<void> {
  const before = await authnState(database.db)
  expect(await refusalOf(work())).toBe(reason)
  expect(await authnState(database.db)).toEqual(before)
}

const updateAgent = (data: object) => database.db.prisma.agent.update({ where: { id: agent.id }, data })
const updateOperator = (data: object) => database.db.prisma.operator.update({ where: { id: operator.id }, data })
const bump = { version: { increment: 1 } }

describe('createChallenge', () => {
  it('writes nothing, and returns when the challenge expires', async () => {
    const before = await authnState(database.db)
    const from = Math.floor(Date.now() / 1000) + 300
    const { expiresAt } = await instance.challenge(agent.did)
    expect(Number(expiresAt?.seconds)).toBeGreaterThanOrEqual(from)
    expect(Number(expiresAt?.seconds)).toBeLessThanOrEqual(from + 5)
    expect(await authnState(database.db)).toEqual(before)
  })

  it.each<[string, string, object]>([
    ['INVALID_DID', 'did:agent:acme', {}],
    ['INVALID_DID', '', {}],
    ['INVALID_SCOPE', 'mine', { scope: '*' }],
    ['INVALID_AUDIENCE', 'mine', { audience: ['not a host'] }],
    ['INVALID_TTL', 'mine', { ttl: '1s' }],
    ['AGENT_NOT_FOUND', newAgent('nobody.example').did, {}],
  ])('answers %s for DID %j and terms %j', async (reason, did, requested) => {
    await expectRefusal(reason, () => instance.challenge(did === 'mine' ? agent.did : did, requested))
  })
})

it('issueToken issues a token whose claims, answer, row and audit agree', async () => {
  const made = await instance.challenge(agent.did, { scope: 'write read', ttl: '60' })
  const answer = await instance.redeem(agent, made)
  expect(answer).toMatchObject({ tokenType: 'Bearer', accessToken: answer.token, expiresIn: 60, scope: 'read write' })
  const { valid, claims } = await instance.verify(answer.token ?? '')
  expect(valid).toBe(true)
  expect(claims).toMatchObject({
    iss: ISSUER,
    sub: agent.did,
    clientId: agent.did,
    aud: [ISSUER],
    scope: 'read write',
    operatorId: operator.id,
    jti: answer.jti,
    epoch: [1, 1],
  })
  const { jti = '' } = answer
  const row = { jti, agentId: agent.id, grantId: null }
  expect(await database.db.prisma.redemption.findMany({ where: { agentId: agent.id } })).toMatchObject([row])
  const line = {
    action: 'token.issue',
    subject: jti,
    actor: `agent:${agent.did}`,
    outcome: 'done',
    operatorId: operator.id,
  }
  expect(await database.db.prisma.auditLog.findMany({ where: { operatorId: operator.id } })).toMatchObject([line])
})

it('issueToken puts the epochs of agent and operator into the token', async () => {
  await updateAgent({ epoch: 5, ...bump })
  await updateOperator({ epoch: 7, ...bump })
  const token = await instance.issue(agent)
  expect(await instance.verify(token)).toMatchObject({ valid: true, claims: { epoch: [5, 7] } })
})

it('issueToken checks in the order of the protocol, and a refusal does not redeem the challenge', async () => {
  const owner = await freshOperator(database.db)
  await instance.setBack(20 * MINUTE)
  const expired = await instance.challenge(agent.did, { scope: 'read' })
  instance.clock.offsetMs = 0
  const used = await instance.challenge(agent.did, { scope: 'read' })
  await instance.redeem(agent, used)
  await updateAgent({ status: 'suspended', requireBoundChallenges: true, allowedScopes: [], ...bump })
  await updateOperator({ status: 'suspended', ...bump })

  const wrong = {
    did: 'did:agent:x',
    challenge: 'x',
    scope: '*',
    signature: new Uint8Array(64),
    audience: [owner.domain],
  }
  const refused = (reason: string, made: { challenge: string; nonce: string }, faults: object) =>
    expectRefusal(reason, () => instance.redeem(agent, made, { audience: [owner.domain], ...faults }))
  const { did, challenge, signature } = wrong
  await refused('INVALID_DID', expired, { did, challenge, signature, scope: '*' })
  await refused('INVALID_SCOPE', expired, { challenge, signature, scope: '*' })
  await refused('CHALLENGE_NOT_FOUND', expired, { challenge, signature, scope: 'write' })
  await refused('CHALLENGE_EXPIRED', expired, { signature, scope: 'write' })
  await refused('INVALID_SIGNATURE', used, { signature, scope: 'write' })
  await refused('BINDING_MISMATCH', used, { scope: 'write' })
  await refused('BINDING_REQUIRED', used, {})
  await updateAgent({ requireBoundChallenges: false, ...bump })
  await refused('AGENT_NOT_ACTIVE', used, {})
  await updateAgent({ status: 'active', ...bump })
  await refused('AGENT_OPERATOR_NOT_ACTIVE', used, {})
  await updateOperator({ status: 'active', ...bump })
  await refused('SCOPE_NOT_ALLOWED', used, {})
  await updateAgent({ allowedScopes: ['read'], ...bump })
  await refused('AUDIENCE_NOT_ALLOWED', used, {})
  const wanted = { audience: owner.domain, callers: [operator.domain], tokenSigningAlg: 'ES256' }
  await database.db.prisma.operatorAudience.create({ data: { operatorId: owner.id, ...wanted } })
  await refused('ALGORITHM_CONFLICT', used, { audience: [owner.domain, operator.domain] })
  await refused('CHALLENGE_USED', used, { audience: [] })
})

const headerOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
const activeKey = (alg: string) =>
  database.db.prisma.jwksKey.findFirstOrThrow({ where: { purpose: 'access_token', alg, state: 'active' } })

describe('issueToken', () => {
  it.each(['EdDSA', 'Ed25519', 'ES256', 'RS256'])(
    'signs with %s for an audience whose owner has chosen it',
    async (alg) => {
      const rule = { audience: operator.domain, callers: [], tokenSigningAlg: alg }
      await database.db.prisma.operatorAudience.create({ data: { operatorId: operator.id, ...rule } })
      const audience = [`https://${operator.domain}/x`]
      const token = await instance.issue(agent, { audience })
      const { kid } = await activeKey(alg)
      expect(headerOf(token)).toEqual({ alg, typ: 'at+jwt', kid })
      expect(await instance.verify(token, { audience })).toMatchObject({ valid: true })
    },
  )

  it("signs with EdDSA for the audience of the issuer, even when the owner of the issuer's host chose another algorithm", async () => {
    const owner = await insertOperator(database.db, 'localhost', 'active')
    const rule = { audience: 'localhost', callers: ['*'], tokenSigningAlg: 'ES256' }
    await database.db.prisma.operatorAudience.create({ data: { operatorId: owner.id, ...rule } })
    expect(headerOf(await instance.issue(agent))).toMatchObject({ alg: 'EdDSA' })
    expect(headerOf(await instance.issue(agent, { audience: [ISSUER] }))).toMatchObject({ alg: 'EdDSA' })
    await database.db.prisma.operator.delete({ where: { id: owner.id } })
  })

  it('answers UNAVAILABLE without an active key and keeps the challenge, and issues when a key is active', async () => {
    const rule = { audience: operator.domain, callers: [], tokenSigningAlg: 'RS256' }
    await database.db.prisma.operatorAudience.create({ data: { operatorId: operator.id, ...rule } })
    const { kid } = await activeKey('RS256')
    const setState = (where: object, state: KeyState) =>
      database.db.prisma.jwksKey.updateMany({ where, data: { state } })
    await setState({ kid }, 'retiring')
    const made = await instance.challenge(agent.did)
    const before = await authnState(database.db)
    await expect(instance.redeem(agent, made, { audience: [operator.domain] })).rejects.toMatchObject({
      reason: 'UNAVAILABLE',
      retryAfter: 10,
    })
    expect(await authnState(database.db)).toEqual(before)
    await instance.runJobs()
    const where = { purpose: 'access_token', alg: 'RS256', state: 'prepared' } as const
    const next = await database.db.prisma.jwksKey.findFirstOrThrow({ where })
    await setState({ kid: next.kid }, 'active')
    const { token } = await instance.redeem(agent, made, { audience: [operator.domain] })
    expect(headerOf(token)).toMatchObject({ kid: next.kid })
  })
})

describe('issueToken', () => {
  it('refuses a challenge of another agent of the same operator', async () => {
    const other = await insertAgent(database.db, operator)
    const made = await instance.challenge(agent.did)
    const signature = signChallenge(other, made)
    await expectRefusal('CHALLENGE_NOT_FOUND', () => instance.redeem(other, made, { signature }))
  })

  it('refuses a challenge with the nonce of another challenge', async () => {
    const [made, other] = [await instance.challenge(agent.did), await instance.challenge(agent.did)]
    await expectRefusal('CHALLENGE_NOT_FOUND', () => instance.redeem(agent, { ...made, nonce: other.nonce }))
  })

  it('refuses a challenge when the agent has been removed', async () => {
    const made = await instance.challenge(agent.did)
    await database.db.prisma.agent.delete({ where: { id: agent.id } })
    await expectRefusal('AGENT_NOT_FOUND', () => instance.redeem(agent, made))
  })
})

describe('issueToken', () => {
  it('accepts a challenge that has expired only by the clock of this process', async () => {
    const made = await instance.challenge(agent.did)
    instance.clock.offsetMs = 20 * MINUTE
    expect(await refusalOf(instance.redeem(agent, made))).toBeUndefined()
  })

  it('refuses a challenge that has expired only by the clock of the database', async () => {
    await instance.setBack(20 * MINUTE)
    const made = await instance.challenge(agent.did)
    await expectRefusal('CHALLENGE_EXPIRED', () => instance.redeem(agent, made))
  })
})

describe('issueToken', () => {
  it('refuses an audience of another active operator that does not list the caller', async () => {
    const owner = await freshOperator(database.db)
    const audience = `https://api.${owner.domain}/v1`
    const made = await instance.challenge(agent.did)
    await expectRefusal('AUDIENCE_NOT_ALLOWED', () => instance.redeem(agent, made, { audience: [ISSUER, audience] }))
    const grant = { operatorId: owner.id, audience, callers: [operator.domain] }
    await database.db.prisma.operatorAudience.create({ data: grant })
    const { token = '' } = await instance.redeem(agent, made, { audience: [ISSUER, audience] })
    expect(await instance.verify(token)).toMatchObject({ claims: { aud: [ISSUER, audience] } })
  })

  it("accepts an audience under the operator's own domain, and an audience without an owner", async () => {
    const audience = [`api.${operator.domain}`, 'https://nobody.example/']
    expect(await instance.verify(await instance.issue(agent, { audience }))).toMatchObject({
      claims: { aud: audience },
    })
  })
})
