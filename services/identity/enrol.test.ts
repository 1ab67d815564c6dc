import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Enrolments, enrolments, newKey, type SignedAttestation } from '../../test/support/enrolment.ts'
import {
  asOperator,
  type IdentityFixture,
  identityFixture,
  startIdentity,
  type TestOperator,
} from '../../test/support/identity.ts'
import { signEvidence } from '../../test/support/join-tokens.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import type { Attestation } from '../attestation/index.ts'

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
  await calls.insertAttestor('tokens')
  await calls.insertAttestor('others')
})

const RULE = { name: 'web', allOf: ['tokens'], scopes: ['orders:read'], label: 'agent {tokens.label}', maxAgents: 2 }
const rowOf = (did: string | undefined) =>
  fixture.db.prisma.agent.findFirstOrThrow({ where: { did: did ?? '' }, include: { results: true } })

describe('an agent that enrols', () => {
  it('is active, with the scopes, the label and the rule, and the audit names rule, attestor and digest', async () => {
    const ruleId = await calls.putRule(RULE)
    const key = newKey()
    const answer = await calls.enrol(await calls.attestation(key), key)
    expect(answer).toMatchObject({ status: 'active', rule: 'web', allowedScopes: ['orders:read'] })
    expect(answer.attestationResults).toMatchObject([{ attestor: 'tokens', type: 'join-token', level: 'bearer' }])
    expect(await rowOf(answer.did)).toMatchObject({
      status: 'active',
      label: 'agent web',
      allowedScopes: ['orders:read'],
      enrolmentRuleId: ruleId,
      results: [{ level: 'bearer', expiresAt: new Date(fixture.clock.now + 3_600_000) }],
    })
    const audit = await fixture.db.prisma.auditLog.findMany({
      where: { operatorId: operator.id, action: 'agent.enrol' },
    })
    expect(audit).toMatchObject([
      {
        actor: `agent:${answer.did}`,
        outcome: 'done',
        reason: expect.stringMatching(/^rule web; tokens sha-256:[\w-]{43}$/),
      },
    ])
  })

  it('gets new results and nothing else when it enrols again', async () => {
    await calls.putRule(RULE)
    const key = newKey()
    const { did } = await calls.enrol(await calls.attestation(key), key)
    const before = await rowOf(did)
    fixture.clock.now += 60_000
    await calls.enrol(await calls.attestation(key), key)
    const { results, ...after } = await rowOf(did)
    const attestedUntil = new Date(fixture.clock.now + 3_600_000)
    expect(after).toEqual({ ...before, results: undefined, attestedUntil, version: before.version + 1 })
    expect(results).toMatchObject([{ verifiedAt: new Date(fixture.clock.now) }])
  })

  it('takes over its own pending registration, which a stranger may have made', async () => {
    await calls.putRule(RULE)
    const key = newKey()
    const { did } = await fixture.identity.module.handlers.registerAgent(
      { ...EMPTY, operatorId: operator.id, agentPublicKey: Uint8Array.from(key.publicKey), label: 'not yours' },
      { requestId: 'request-1', principal: { kind: 'anonymous' } },
    )
    await calls.enrol(await calls.attestation(key), key)
    expect(await rowOf(did)).toMatchObject({ status: 'active', label: 'agent web', expiresAt: null })
  })
})

const EMPTY = { $typeName: 'auth4agent.v1.RegisterAgentRequest', did: '', inception: '' } as const

describe('an enrolment is refused', () => {
  const refusals: readonly [what: string, reason: string, attempt: () => Promise<unknown>][] = [
    [
      'without a rule',
      'ENROLMENT_REFUSED',
      async () => {
        const key = newKey()
        return calls.enrol(await calls.attestation(key), key)
      },
    ],
    [
      'when two rules are met and none is named',
      'RULE_AMBIGUOUS',
      async () => {
        await calls.putRule(RULE)
        await calls.putRule({ ...RULE, name: 'wide', scopes: ['orders:read', 'orders:write'] })
        const key = newKey()
        return calls.enrol(await calls.attestation(key), key)
      },
    ],
    [
      'with the nonce of another key',
      'NONCE_NOT_ACCEPTED',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        return calls.enrol(await calls.attestation(key, { nonce: await calls.nonce(newKey()) }), key)
      },
    ],
    [
      'with a nonce for another purpose',
      'NONCE_NOT_ACCEPTED',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        return calls.enrol(await calls.attestation(key, { purpose: 'attest' }), key)
      },
    ],
    [
      'with an expired nonce',
      'NONCE_NOT_ACCEPTED',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        const nonce = await calls.nonce(key)
        fixture.clock.now += 300_000
        return calls.enrol(await calls.attestation(key, { nonce }), key)
      },
    ],
    [
      'with the same nonce again',
      'EVIDENCE_USED',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        const nonce = await calls.nonce(key)
        await calls.enrol(await calls.attestation(key, { nonce }), key)
        return calls.enrol(await calls.attestation(key, { nonce }), key)
      },
    ],
    [
      'with a join token that was used',
      'EVIDENCE_REFUSED',
      async () => {
        await calls.putRule(RULE)
        const [key, other] = [newKey(), newKey()]
        const used = await calls.attestation(key)
        await calls.enrol(used, key)
        const nonce = await calls.nonce(other)
        const evidence = Uint8Array.from(used.evidence[0]?.evidence ?? [])
        return calls.enrol({ nonce, evidence: [signEvidence(other, nonce, 'tokens', evidence)] }, other)
      },
    ],
    [
      'with evidence that another key has signed',
      'INVALID_SIGNATURE',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        return calls.enrol(await calls.attestation(newKey(), { nonce: await calls.nonce(key) }), key)
      },
    ],
    [
      'with an attestor that the operator does not have',
      'ATTESTOR_NOT_FOUND',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        const attestation = await calls.attestation(key)
        const evidence = attestation.evidence.map((each) => ({ ...each, attestor: 'unknown' }))
        return calls.enrol({ ...attestation, evidence }, key)
      },
    ],
    [
      'with evidence of an attestor that the rule does not name',
      'ENROLMENT_REFUSED',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        return calls.enrol(await calls.attestation(key, { attestors: ['others'] }), key)
      },
    ],
    [
      'with two pieces of evidence for one attestor',
      'INVALID_ARGUMENT',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        return calls.enrol(await calls.attestation(key, { attestors: ['tokens', 'tokens'] }), key)
      },
    ],
    [
      'without evidence',
      'INVALID_ARGUMENT',
      async () => {
        const key = newKey()
        return calls.enrol({ nonce: await calls.nonce(key), evidence: [] }, key)
      },
    ],
    [
      'with a label',
      'INVALID_ARGUMENT',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        return calls.enrol(await calls.attestation(key), key, { label: 'mine' })
      },
    ],
    [
      'by the operator',
      'INVALID_ARGUMENT',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        return calls.enrol(await calls.attestation(key), key, { caller: asOperator(operator) })
      },
    ],
    [
      'of an agent that its operator has registered',
      'AGENT_EXISTS',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        await fixture.identity.module.handlers.registerAgent(
          { ...EMPTY, operatorId: operator.id, agentPublicKey: Uint8Array.from(key.publicKey), label: '' },
          asOperator(operator),
        )
        return calls.enrol(await calls.attestation(key), key)
      },
    ],
    [
      'with a key that the agent has replaced',
      'AGENT_EXISTS',
      async () => {
        await calls.putRule(RULE)
        const key = newKey()
        const { id } = await rowOf((await calls.enrol(await calls.attestation(key), key)).did)
        const { agentKey } = fixture.db.prisma
        await agentKey.updateMany({ where: { agentId: id }, data: { retiredAt: new Date(fixture.clock.now) } })
        const publicKey = Uint8Array.from(newKey().publicKey)
        await agentKey.create({ data: { agentId: id, publicKey, thumbprint: thumbprint(publicKey) } })
        return calls.enrol(await calls.attestation(key), key)
      },
    ],
    [
      'beyond the agents of the rule',
      'TOO_MANY_AGENTS',
      async () => {
        await calls.putRule(RULE)
        for (const key of [newKey(), newKey()]) await calls.enrol(await calls.attestation(key), key)
        const key = newKey()
        return calls.enrol(await calls.attestation(key), key)
      },
    ],
  ]
  it.each(refusals)('%s: %s', async (_, reason, attempt) => {
    expect(await refusalOf(attempt())).toBe(reason)
  })
})

const setOperator = (data: { status?: 'suspended'; frozenAt?: Date }) =>
  fixture.db.prisma.operator.update({ where: { id: operator.id }, data })
const STOPPED: [what: string, reason: string, data: Parameters<typeof setOperator>[0]][] = [
  ['is suspended', 'OPERATOR_NOT_ACTIVE', { status: 'suspended' }],
  ['is frozen', 'OPERATOR_FROZEN', { frozenAt: new Date('2026-01-15T10:30:00Z') }],
]

describe('an operator', () => {
  it.each(STOPPED)('that %s enrols no agent: %s', async (_, reason, data) => {
    await calls.putRule(RULE)
    const key = newKey()
    const attestation = await calls.attestation(key)
    await setOperator(data)
    expect(await refusalOf(calls.enrol(attestation, key))).toBe(reason)
  })

  it.each(STOPPED)('that %s during the appraisal enrols no agent: %s', async (_, reason, data) => {
    await calls.putRule(RULE)
    const key = newKey()
    const admit: Attestation['admit'] = async (candidate, evidence) => {
      const admission = await fixture.attestation.admit(candidate, evidence)
      await setOperator(data)
      return admission
    }
    const identity = startIdentity({
      db: fixture.db,
      now: () => fixture.clock.now,
      operators: fixture.operators,
      attestation: { ...fixture.attestation, admit },
    })
    const during = enrolments({ ...fixture, identity }, operator, () => fixture.clock.now)
    expect(await refusalOf(during.enrol(await calls.attestation(key), key))).toBe(reason)
    expect(await fixture.db.prisma.agent.count({ where: { operatorId: operator.id } })).toBe(0)
  })
})

it('a stranger without the key of the agent does not learn which attestors there are', async () => {
  const key = newKey()
  const { nonce, evidence } = await calls.attestation(newKey(), { nonce: await calls.nonce(key) })
  for (const each of evidence) each.attestor = 'unknown'
  expect(await refusalOf(calls.enrol({ nonce, evidence }, key))).toBe('INVALID_SIGNATURE')
})

it('a revoked agent leaves its place to another one', async () => {
  await calls.putRule({ ...RULE, maxAgents: 1 })
  const [key, other] = [newKey(), newKey()]
  const { did = '' } = await calls.enrol(await calls.attestation(key), key)
  await fixture.db.prisma.agent.updateMany({ where: { did }, data: { status: 'revoked' } })
  expect(await calls.enrol(await calls.attestation(other), other)).toMatchObject({ status: 'active' })
})

it('of 20 agents that enrol at once, as many become agents as the rule has places', async () => {
  await calls.putRule({ ...RULE, maxAgents: 5 })
  const keys = Array.from({ length: 20 }, newKey)
  const sent = await Promise.all(keys.map(async (key) => [key, await calls.attestation(key)] as const))
  const outcomes = await Promise.all(
    sent.map(async ([key, attestation]) => (await refusalOf(calls.enrol(attestation, key))) ?? 'enrolled'),
  )
  expect(outcomes.filter((each) => each === 'enrolled')).toHaveLength(5)
  expect(outcomes.filter((each) => each === 'TOO_MANY_AGENTS')).toHaveLength(15)
  expect(await fixture.db.prisma.agent.count({ where: { operatorId: operator.id } })).toBe(5)
})

it('of 10 agents with one join token, one enrols', async () => {
  await calls.putRule({ ...RULE, maxAgents: 100 })
  const first = newKey()
  const {
    evidence: [only],
  } = await calls.attestation(first)
  const secret = Uint8Array.from(only?.evidence ?? [])
  const attempts = Array.from({ length: 10 }, newKey).map(async (key) => {
    const nonce = await calls.nonce(key)
    const attestation: SignedAttestation = { nonce, evidence: [signEvidence(key, nonce, 'tokens', secret)] }
    return [key, attestation] as const
  })
  const outcomes = await Promise.all(
    (await Promise.all(attempts)).map(
      async ([key, attestation]) => (await refusalOf(calls.enrol(attestation, key))) ?? 'enrolled',
    ),
  )
  expect(outcomes.filter((each) => each === 'enrolled')).toHaveLength(1)
  expect(await fixture.db.prisma.agent.count({ where: { operatorId: operator.id } })).toBe(1)
})
