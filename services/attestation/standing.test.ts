import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type AttestationRequirementSchema,
  PutAttestationRequirementRequestSchema,
} from '../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import {
  ApproveAgentRequestSchema,
  RegisterAgentRequestSchema,
  SetAgentScopesRequestSchema,
} from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { type Enrolments, enrolments } from '../../test/support/enrolment.ts'
import {
  anonymous,
  asOperator,
  type IdentityFixture,
  identityFixture,
  newAgent,
  type TestOperator,
} from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { toStandingAgent } from '../identity/store.ts'

let fixture: IdentityFixture
let operator: TestOperator
let calls: Enrolments
let domain = 0

beforeAll(async () => {
  fixture = await identityFixture()
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  domain += 1
  operator = await fixture.operator(`acme${domain}.example`)
  calls = enrolments(fixture, operator, () => fixture.clock.now)
})

type Requirement = MessageInitShape<typeof AttestationRequirementSchema>

function putRequirement(requirement: Requirement, name = 'fresh') {
  const wanted = { allOf: ['tokens'], ...requirement }
  const request = create(PutAttestationRequirementRequestSchema, { operatorId: operator.id, name, requirement: wanted })
  return fixture.attestation.policy.handlers.putAttestationRequirement(request, asOperator(operator))
}

/** Registers an agent, and returns its DID. */
async function agent(by: 'operator' | 'anyone' = 'operator', { did, agentPublicKey } = newAgent(operator.domain)) {
  const request = create(RegisterAgentRequestSchema, { operatorId: operator.id, agentPublicKey })
  const call = by === 'operator' ? asOperator(operator) : anonymous()
  await fixture.identity.module.handlers.registerAgent(request, call)
  return did
}

const recordOf = (did: string) =>
  fixture.db.prisma.agent.findFirstOrThrow({
    where: { did },
    include: { addedKeys: true, keys: { where: { retiredAt: null } } },
  })

/** Inserts a result of an agent that expires in an hour, bound to its key unless `keyThumbprint` is given. */
async function insertResult(did: string, attestorId: string, row: { keyThumbprint?: string; expiresAt?: Date } = {}) {
  const { id: agentId, keys } = await recordOf(did)
  const [verifiedAt, expiresAt] = [new Date(fixture.clock.now), new Date(fixture.clock.now + 3_600_000)]
  const result = { agentId, attestorId, claims: { label: 'web' }, level: 'bearer', verifiedAt, expiresAt }
  await fixture.db.prisma.attestationResult.create({
    data: { ...result, keyThumbprint: keys[0]?.thumbprint ?? '', ...row },
  })
}

const standingOf = async (did: string) => fixture.attestation.standing(toStandingAgent(await recordOf(did)))
const demandsOf = async (did: string) => (await standingOf(did)).demands ?? []

describe('the standing of an agent', () => {
  it('is empty while its operator has no attestor and no requirement', async () => {
    expect(await standingOf(await agent())).toEqual({ demands: [], findings: [] })
  })

  it('has the bounds of its enrolment rule, and the demand of this rule', async () => {
    const [attestorId, did] = [await calls.insertAttestor('tokens'), await agent()]
    const bounds = { scopes: ['orders:read'], audiences: ['api.example.com'], tokenTtl: 60 }
    const id = await calls.putRule({ name: 'web', allOf: ['tokens'], maxAgents: 1, endTokens: true, ...bounds })
    const { edgeId } = await fixture.db.prisma.enrolmentRule.findUniqueOrThrow({ where: { id } })
    await fixture.db.prisma.agent.updateMany({ where: { did }, data: { enrolmentRuleId: id } })
    await insertResult(did, attestorId)
    const metUntil = BigInt(fixture.clock.now + 3_600_000)
    expect(await standingOf(did)).toEqual({
      enrolment: { edge: edgeId, ...bounds },
      demands: [{ name: 'web', scopes: [], audiences: [], metUntil, edges: [attestorId], lack: '' }],
      findings: [
        {
          attestor: 'tokens',
          type: 'join-token',
          level: 'bearer',
          at: BigInt(Math.floor(fixture.clock.now / 1000)),
          expiresAt: metUntil,
        },
      ],
    })
  })

  it('has an enrolment without an edge when its rule is gone', async () => {
    const did = await agent()
    const enrolmentRuleId = '00000000-0000-4000-8000-000000000000'
    await fixture.db.prisma.agent.updateMany({ where: { did }, data: { enrolmentRuleId } })
    expect(await standingOf(did)).toEqual({ enrolment: { edge: '' }, demands: [], findings: [] })
  })

  it('has no enrolment and no demand of a rule if the agent has not enrolled', async () => {
    await calls.insertAttestor('tokens')
    await calls.putRule({ name: 'web', allOf: ['tokens'], maxAgents: 1 })
    expect(await standingOf(await agent())).toEqual({ demands: [], findings: [] })
  })
})

describe('a requirement for tokens', () => {
  it.each<[what: string, isDemanded: boolean, requirement: (did: string) => Requirement]>([
    ['about all agents', true, () => ({})],
    ['about this agent', true, (did) => ({ agents: [did] })],
    ['about another agent', false, () => ({ agents: [newAgent('other.example').did] })],
    ['for tokens only', true, () => ({ at: ['token'] })],
    ['for registration only', false, () => ({ at: ['registration'] })],
    ['for both', true, () => ({ at: ['registration', 'token'] })],
  ])('%s is a demand: %s', async (_, isDemanded, requirement) => {
    const [, did] = [await calls.insertAttestor('tokens'), await agent()]
    const scopes = { scopes: ['vault:*'], audiences: ['api.example.com'] }
    await putRequirement({ ...scopes, ...requirement(did) })
    const demand = { name: 'fresh', ...scopes, metUntil: 0n, edges: [], lack: expect.stringContaining('tokens') }
    expect(await demandsOf(did)).toEqual(isDemanded ? [demand] : [])
  })

  it('rests on the attestors of its results only with end_tokens', async () => {
    const [attestorId, did] = [await calls.insertAttestor('tokens'), await agent()]
    await insertResult(did, attestorId)
    await putRequirement({}, 'kept')
    await putRequirement({ endTokens: true }, 'ended')
    expect(await demandsOf(did)).toMatchObject([
      { name: 'ended', edges: [attestorId] },
      { name: 'kept', edges: [] },
    ])
  })

  it.each<[what: string, lack: string, change: (did: string, attestorId: string) => Promise<unknown>]>([
    ['has expired', 'has expired', async () => void (fixture.clock.now += 3_600_000)],
    [
      'is bound to an earlier key',
      'is needed',
      async () => fixture.db.prisma.attestationResult.updateMany({ data: { keyThumbprint: 'earlier' } }),
    ],
    ['has lost its attestor', 'is needed', async (_, id) => fixture.db.prisma.attestor.delete({ where: { id } })],
    [
      'belongs to another agent',
      'is needed',
      async () =>
        fixture.db.prisma.attestationResult.updateMany({ data: { agentId: (await recordOf(await agent())).id } }),
    ],
  ])('is not met by a result that %s', async (_, lack, change) => {
    const [attestorId, did] = [await calls.insertAttestor('tokens'), await agent()]
    await insertResult(did, attestorId)
    await putRequirement({ endTokens: true, at: ['token'] })
    expect(await demandsOf(did)).toMatchObject([{ metUntil: BigInt(fixture.clock.now + 3_600_000), lack: '' }])
    await change(did, attestorId)
    expect(await demandsOf(did)).toMatchObject([{ metUntil: 0n, edges: [], lack: expect.stringContaining(lack) }])
  })
})

it('an agent without a current key has no findings and meets no demand', async () => {
  const [attestorId, did] = [await calls.insertAttestor('tokens'), await agent()]
  await insertResult(did, attestorId)
  await putRequirement({})
  const standing = await fixture.attestation.standing({
    ...toStandingAgent(await recordOf(did)),
    keyThumbprint: undefined,
  })
  expect(standing).toMatchObject({ demands: [{ metUntil: 0n }], findings: [] })
})

it('findings have expired results too, because authn checks the time of each token', async () => {
  const [attestorId, did] = [await calls.insertAttestor('tokens'), await agent()]
  const expiresAt = new Date(fixture.clock.now - 1)
  await insertResult(did, attestorId, { expiresAt })
  expect(await standingOf(did)).toMatchObject({ findings: [{ expiresAt: BigInt(expiresAt.getTime()) }] })
})

const approve = (did: string) =>
  fixture.identity.module.handlers.approveAgent(
    create(ApproveAgentRequestSchema, { operatorId: operator.id, agent: did }),
    asOperator(operator),
  )
const grant = (did: string, allowedScopes = ['vault:open', 'orders:read']) =>
  fixture.identity.module.handlers.setAgentScopes(
    create(SetAgentScopesRequestSchema, { operatorId: operator.id, did, allowedScopes }),
    asOperator(operator),
  )

describe('a requirement for registration', () => {
  it.each<[what: string, mayApprove: boolean, mayGrant: boolean, requirement: (did: string) => Requirement]>([
    ['about all agents and scopes', false, false, () => ({})],
    ['about this agent', false, false, (did) => ({ agents: [did] })],
    ['about another agent', true, true, () => ({ agents: [newAgent('other.example').did] })],
    ['about a granted scope', true, false, () => ({ scopes: ['orders:read'] })],
    ['about a prefix of a granted scope', true, false, () => ({ scopes: ['orders:*'] })],
    ['about another prefix', true, true, () => ({ scopes: ['order:*'] })],
    ['about a scope that begins like a granted one', true, true, () => ({ scopes: ['orders'] })],
    ['about every scope', true, false, () => ({ scopes: ['*'] })],
    ['about an audience', true, true, () => ({ audiences: ['api.example.com'] })],
    ['for registration only', false, false, () => ({ at: ['registration'] })],
    ['for tokens only', true, true, () => ({ at: ['token'] })],
  ])('%s: the agent may become active: %s, and may get scopes: %s', async (_, mayApprove, mayGrant, requirement) => {
    const attestorId = await calls.insertAttestor('tokens')
    const [pending, active] = [await agent('anyone'), await agent()]
    for (const [did, allowed, attempt] of [
      [pending, mayApprove, approve],
      [active, mayGrant, grant],
    ] as const) {
      await putRequirement(requirement(did))
      const before = await recordOf(did)
      expect(await refusalOf(attempt(did))).toBe(allowed ? undefined : 'ATTESTATION_REQUIRED')
      if (allowed) continue
      expect(await recordOf(did)).toEqual(before)
      await insertResult(did, attestorId)
      await attempt(did)
    }
  })

  it('refuses a new agent of the operator, unless it is for tokens only', async () => {
    await calls.insertAttestor('tokens')
    await putRequirement({})
    expect(await refusalOf(agent())).toBe('ATTESTATION_REQUIRED')
    await agent('anyone')
    await putRequirement({ at: ['token'] })
    await agent()
  })

  it('does not stop a narrower grant to an agent that has no result', async () => {
    const [, did] = [await calls.insertAttestor('tokens'), await agent()]
    await grant(did)
    await putRequirement({ scopes: ['vault:*'] })
    expect(await refusalOf(grant(did))).toBe('ATTESTATION_REQUIRED')
    await grant(did, ['orders:read'])
    await grant(did, [])
  })
})
