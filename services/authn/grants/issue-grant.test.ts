import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { ISSUER, startInstance, type TestInstance } from '../../../test/support/authn.ts'
import { authnState, freshOperator, insertAgent, type TestAgent } from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { DETAILS, detailsOf } from '../../../test/support/grant-details.ts'
import { endOf, grantCalls, readGrant } from '../../../test/support/grants.ts'
import { anonymous, asAdmin, insertOperator, type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

let database: TestDatabase
let instance: TestInstance
let grants: ReturnType<typeof grantCalls>
let operator: TestOperator
let agent: TestAgent

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  grants = grantCalls(instance)
})
afterAll(() => database.drop())
beforeEach(async () => {
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
  await updateAgent({ maxDelegationDepth: 3 })
})

const bump = { version: { increment: 1 } }
const updateAgent = (data: object) =>
  database.db.prisma.agent.update({ where: { id: agent.id }, data: { ...data, ...bump } })
const updateOperator = (data: object) =>
  database.db.prisma.operator.update({ where: { id: operator.id }, data: { ...data, ...bump } })
const activeKid = async () => {
  const where = { purpose: 'grant', state: 'active' } as const
  return (await database.db.prisma.jwksKey.findFirst({ where }))?.kid
}

/** Asserts the reason of a refusal, and that nothing has been written. */
async function expectRefusal(reason: string, work: () => Promise<unknown>): Promise<void> {
  const before = await authnState(database.db)
  expect(await refusalOf(work())).toBe(reason)
  expect(await authnState(database.db)).toEqual(before)
}

it('issueGrant issues a grant whose claims, answer, row and audit agree', async () => {
  await updateOperator({ delegateTo: ['partner.test'] })
  const made = await instance.challenge(agent.did, { authorizationDetails: DETAILS, ttl: '60', maxDepth: 2 })
  const { grant = '', ...answer } = await grants.redeemGrant(agent, made)
  const root = await readGrant(database.db, grant)
  const allowedDomains = [operator.domain, 'partner.test']
  expect(root).toMatchObject({
    did: agent.did,
    operatorId: operator.id,
    epoch: [1, 1],
    kid: await activeKid(),
    depth: 0,
    maxDepth: 2,
    allowedDomains,
    exp: root.iat + 60,
  })
  expect([...root.capabilities.keys()]).toEqual(['https://api.free.test#read', 'files.free.test#write'])
  expect(answer).toMatchObject({ grantId: root.id, expiresIn: 60, maxDepth: 2, delegateTo: allowedDomains })
  expect(answer.expiresAt).toMatchObject({ seconds: BigInt(root.exp) })
  const { prisma } = database.db
  const row = await prisma.redemption.findFirstOrThrow({ where: { jti: root.jti } })
  expect(row).toMatchObject({ agentId: agent.id, keyThumbprint: root.jkt })
  expect(await prisma.auditLog.findMany({ where: { subject: root.jti } })).toMatchObject([
    { action: 'grant.issue', actor: `agent:${agent.did}`, operatorId: operator.id, outcome: 'done' },
  ])
})

it('a grant is no token: without proof, VerifyToken does not accept it, and RevokeToken does not revoke it', async () => {
  const grant = await grants.issueGrant(agent)
  expect(await instance.verify(grant)).toMatchObject({ valid: false, reason: 'DELEGATION_NOT_ACCEPTED' })
  const accepting = { delegation: 'accept', audience: ['files.free.test'], scope: 'write' }
  expect(await instance.verify(grant, accepting)).toMatchObject({ valid: false, reason: 'PROOF_REQUIRED' })
  expect(await instance.verify(grant, { ...accepting, proofChecked: true })).toMatchObject({ valid: true })
  expect(await refusalOf(Promise.resolve(instance.revoke({ token: grant })))).toBe('UNAUTHENTICATED')
})

describe('issueGrant refuses', () => {
  const foreign = 'https://api.foreign.test'
  beforeAll(async () => {
    await insertOperator(database.db, 'foreign.test', 'active')
  })

  it.each<[string, string, () => Parameters<typeof grants.redeemGrant>[2]]>([
    ['a DID that is none', 'INVALID_DID', () => ({ did: 'did:agent:x' })],
    ['no authorization details', 'MALFORMED_GRANT', () => ({ authorizationDetails: '' })],
    [
      'an unknown constraint',
      'UNKNOWN_CONSTRAINT',
      () => ({ authorizationDetails: detailsOf({ 'a.test#read': { x: { constraint_type: 'cel' } } }) }),
    ],
    ['a lifetime that is too long', 'INVALID_TTL', () => ({ ttl: '2h' })],
    [
      'a challenge of another agent',
      'CHALLENGE_NOT_FOUND',
      () => ({ did: agent.did.replace(/.$/, (last) => (last === '0' ? '1' : '0')) }),
    ],
    ['a wrong signature', 'INVALID_SIGNATURE', () => ({ signature: new Uint8Array(64) })],
    ['a depth beyond the limit', 'DELEGATION_NOT_ALLOWED', () => ({ maxDepth: 4 })],
    [
      'a scope that the agent does not have',
      'SCOPE_NOT_ALLOWED',
      () => ({ authorizationDetails: detailsOf({ 'a.test#admin': {} }) }),
    ],
    [
      'an audience whose owner does not list the operator',
      'AUDIENCE_NOT_ALLOWED',
      () => ({ authorizationDetails: detailsOf({ 'a.test#read': {}, [`${foreign}#read`]: {} }) }),
    ],
  ])('%s', async (_, reason, wishes) => {
    const made = await instance.challenge(agent.did)
    await expectRefusal(reason, () => grants.redeemGrant(agent, made, wishes()))
    expect(await grants.redeemGrant(agent, made)).toMatchObject({ maxDepth: 3 })
  })

  it('a request with a DPoP header', async () => {
    const call = { ...anonymous(), dpop: { text: 'x', method: 'POST', url: `${ISSUER}/v1/grant` } }
    const made = await instance.challenge(agent.did)
    await expectRefusal('INVALID_DPOP_PROOF', () => grants.redeemGrant(agent, made, {}, call))
  })

  it.each([
    ['the agent gets no grants', () => updateAgent({ maxDelegationDepth: 0 }), 'DELEGATION_NOT_ALLOWED'],
    ['the agent is suspended', () => updateAgent({ status: 'suspended' }), 'AGENT_NOT_ACTIVE'],
    ['the operator is suspended', () => updateOperator({ status: 'suspended' }), 'AGENT_OPERATOR_NOT_ACTIVE'],
    ['bound challenges are demanded', () => updateOperator({ requireBoundChallenges: true }), 'BINDING_REQUIRED'],
    ['the agent has lost a scope', () => updateAgent({ allowedScopes: ['read'] }), 'SCOPE_NOT_ALLOWED'],
  ])('every agent when %s, also when it remembers the agent from before', async (_, change, reason) => {
    await grants.issueGrant(agent)
    const made = await instance.challenge(agent.did)
    await change()
    await expectRefusal(reason, () => grants.redeemGrant(agent, made))
  })

  it('a grant that would be too long, before it redeems the challenge', async () => {
    const made = await instance.challenge(agent.did)
    const tools = Array.from({ length: 10 }, (_, at) => [`https://${at}.free.test/${'x'.repeat(230)}#read`, {}])
    const wishes = { authorizationDetails: detailsOf(Object.fromEntries(tools)) }
    await expectRefusal('MALFORMED_GRANT', () => grants.redeemGrant(agent, made, wishes))
    const shorter = { authorizationDetails: detailsOf(Object.fromEntries(tools.slice(2))) }
    const { grant = '' } = await grants.redeemGrant(agent, made, shorter)
    expect(grant.length).toBeLessThanOrEqual(4096)
    expect((await readGrant(database.db, grant)).capabilities.size).toBe(8)
  })

  it('a challenge that is bound to a scope; and issueToken refuses one that is bound to a grant', async () => {
    const forToken = await instance.challenge(agent.did, { scope: 'read' })
    await expectRefusal('BINDING_MISMATCH', () => grants.redeemGrant(agent, forToken))
    for (const wishes of [{ authorizationDetails: DETAILS }, { maxDepth: 0 }]) {
      const forGrant = await instance.challenge(agent.did, wishes)
      await expectRefusal('BINDING_MISMATCH', () => Promise.resolve(instance.redeem(agent, forGrant)))
    }
  })

  it('a second use of a challenge, as a token or as a grant', async () => {
    const made = await instance.challenge(agent.did)
    const uses = [1, 2, 3, 4].flatMap(() => [grants.redeemGrant(agent, made), instance.redeem(agent, made)])
    const reasons = await Promise.all(uses.map((use) => refusalOf(Promise.resolve(use))))
    expect(reasons.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(reasons.filter((reason) => reason === 'CHALLENGE_USED')).toHaveLength(7)
  })

  it('an expired challenge', async () => {
    await instance.setBack(400_000)
    const made = await instance.challenge(agent.did)
    instance.clock.offsetMs = 0
    await expectRefusal('CHALLENGE_EXPIRED', () => grants.redeemGrant(agent, made))
  })
})

describe('a grant carries the policy', () => {
  it('that is in force when the challenge is redeemed, although an older one is remembered', async () => {
    await grants.issueGrant(agent)
    await updateAgent({ maxDelegationDepth: 1 })
    await updateOperator({ delegateTo: ['b.test'], maxGrantTtl: 120 })
    const root = await readGrant(database.db, await grants.issueGrant(agent))
    expect(root).toMatchObject({ maxDepth: 1, allowedDomains: [operator.domain, 'b.test'], exp: root.iat + 120 })
  })

  it('and ends when its operator narrows the depth, but not when it widens it', async () => {
    const calls = agentCalls(instance.identity, operator)
    const before = await readGrant(database.db, await grants.issueGrant(agent))
    await calls.update(agent.did, { maxDelegationDepth: 8 })
    expect(await endOf(database.db, before)).toBeUndefined()
    await calls.update(agent.did, { maxDelegationDepth: 7 })
    expect(await endOf(database.db, before)).toBe('AGENT_TOKENS_ENDED')
    const after = await readGrant(database.db, await grants.issueGrant(agent))
    expect(after).toMatchObject({ maxDepth: 7, epoch: [2, 1] })
    expect(await endOf(database.db, after)).toBeUndefined()
  })
})

it('only an active grant key signs: its successor after a compromise, and none while none is active', async () => {
  const { prisma } = database.db
  await instance.runJobs()
  await prisma.$executeRaw`UPDATE jwks_keys SET created_at = created_at - interval '1 hour'`
  const other = await startInstance(database.db)
  const kid = (await activeKid()) ?? ''
  const before = await readGrant(database.db, await grants.issueGrant(agent))
  expect(before.kid).toBe(kid)
  const compromise = { $typeName: 'auth4agent.v1.MarkKeyCompromisedRequest', kid, reason: '', force: false } as const
  const { activeKid: successor } = await other.keys.module.handlers.markKeyCompromised(compromise, asAdmin())
  expect(await endOf(database.db, before)).toBe('UNKNOWN_KEY')
  expect((await readGrant(database.db, await grants.issueGrant(agent))).kid).toBe(successor)
  await prisma.jwksKey.updateMany({ where: { kid: successor ?? '' }, data: { state: 'retiring' } })
  // Its schedule makes new keys after the compromise.
  await other.keys.close()
  const made = await instance.challenge(agent.did)
  await expectRefusal('UNAVAILABLE', () => grants.redeemGrant(agent, made))
  expect(await instance.issue(agent)).not.toBe('')
})
