import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { describe, expect, it } from 'vitest'
import { enrolments, newKey, RULE, useEnrolments } from '../../test/support/enrolment.ts'
import { asOperator, startIdentity } from '../../test/support/identity.ts'
import { signEvidence } from '../../test/support/join-tokens.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import type { Attestation } from '../attestation/index.ts'

const world = useEnrolments()
const rowOf = (did: string | undefined) =>
  world.fixture.db.prisma.agent.findFirstOrThrow({ where: { did: did ?? '' }, include: { results: true } })
const EMPTY = { $typeName: 'auth4agent.v1.RegisterAgentRequest', did: '', inception: '' } as const

describe('an enrolment is refused', () => {
  const refusals: readonly [what: string, reason: string, attempt: () => Promise<unknown>][] = [
    [
      'without a rule',
      'ENROLMENT_REFUSED',
      async () => {
        const key = newKey()
        return world.calls.enrol(await world.calls.attestation(key), key)
      },
    ],
    [
      'when two rules are met and none is named',
      'RULE_AMBIGUOUS',
      async () => {
        await world.calls.putRule(RULE)
        await world.calls.putRule({ ...RULE, name: 'wide', scopes: ['orders:read', 'orders:write'] })
        const key = newKey()
        return world.calls.enrol(await world.calls.attestation(key), key)
      },
    ],
    [
      'with the nonce of another key',
      'NONCE_NOT_ACCEPTED',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        return world.calls.enrol(await world.calls.attestation(key, { nonce: await world.calls.nonce(newKey()) }), key)
      },
    ],
    [
      'with a nonce for another purpose',
      'NONCE_NOT_ACCEPTED',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        return world.calls.enrol(await world.calls.attestation(key, { purpose: 'attest' }), key)
      },
    ],
    [
      'with an expired nonce',
      'NONCE_NOT_ACCEPTED',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        const nonce = await world.calls.nonce(key)
        world.fixture.clock.now += 300_000
        return world.calls.enrol(await world.calls.attestation(key, { nonce }), key)
      },
    ],
    [
      'with the same nonce again',
      'EVIDENCE_USED',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        const nonce = await world.calls.nonce(key)
        await world.calls.enrol(await world.calls.attestation(key, { nonce }), key)
        return world.calls.enrol(await world.calls.attestation(key, { nonce }), key)
      },
    ],
    [
      'with a join token that was used',
      'EVIDENCE_REFUSED',
      async () => {
        await world.calls.putRule(RULE)
        const [key, other] = [newKey(), newKey()]
        const used = await world.calls.attestation(key)
        await world.calls.enrol(used, key)
        const nonce = await world.calls.nonce(other)
        const evidence = Uint8Array.from(used.evidence[0]?.evidence ?? [])
        return world.calls.enrol({ nonce, evidence: [signEvidence(other, nonce, 'tokens', evidence)] }, other)
      },
    ],
    [
      'with evidence that another key has signed',
      'INVALID_SIGNATURE',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        return world.calls.enrol(await world.calls.attestation(newKey(), { nonce: await world.calls.nonce(key) }), key)
      },
    ],
    [
      'with an attestor that the operator does not have',
      'ATTESTOR_NOT_FOUND',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        const attestation = await world.calls.attestation(key)
        const evidence = attestation.evidence.map((each) => ({ ...each, attestor: 'unknown' }))
        return world.calls.enrol({ ...attestation, evidence }, key)
      },
    ],
    [
      'with evidence of an attestor that the rule does not name',
      'ENROLMENT_REFUSED',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        return world.calls.enrol(await world.calls.attestation(key, { attestors: ['others'] }), key)
      },
    ],
    [
      'with two pieces of evidence for one attestor',
      'INVALID_ARGUMENT',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        return world.calls.enrol(await world.calls.attestation(key, { attestors: ['tokens', 'tokens'] }), key)
      },
    ],
    [
      'without evidence',
      'INVALID_ARGUMENT',
      async () => {
        const key = newKey()
        return world.calls.enrol({ nonce: await world.calls.nonce(key), evidence: [] }, key)
      },
    ],
    [
      'with a label',
      'INVALID_ARGUMENT',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        return world.calls.enrol(await world.calls.attestation(key), key, { label: 'mine' })
      },
    ],
    [
      'by the operator',
      'INVALID_ARGUMENT',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        return world.calls.enrol(await world.calls.attestation(key), key, { caller: asOperator(world.operator) })
      },
    ],
    [
      'of an agent that its operator has registered',
      'AGENT_EXISTS',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        await world.fixture.identity.module.handlers.registerAgent(
          { ...EMPTY, operatorId: world.operator.id, agentPublicKey: Uint8Array.from(key.publicKey), label: '' },
          asOperator(world.operator),
        )
        return world.calls.enrol(await world.calls.attestation(key), key)
      },
    ],
    [
      'with a key that the agent has replaced',
      'AGENT_EXISTS',
      async () => {
        await world.calls.putRule(RULE)
        const key = newKey()
        const { id } = await rowOf((await world.calls.enrol(await world.calls.attestation(key), key)).did)
        const { agentKey } = world.fixture.db.prisma
        await agentKey.updateMany({ where: { agentId: id }, data: { retiredAt: new Date(world.fixture.clock.now) } })
        const publicKey = Uint8Array.from(newKey().publicKey)
        await agentKey.create({ data: { agentId: id, publicKey, thumbprint: thumbprint(publicKey) } })
        return world.calls.enrol(await world.calls.attestation(key), key)
      },
    ],
    [
      'beyond the agents of the rule',
      'TOO_MANY_AGENTS',
      async () => {
        await world.calls.putRule(RULE)
        for (const key of [newKey(), newKey()]) await world.calls.enrol(await world.calls.attestation(key), key)
        const key = newKey()
        return world.calls.enrol(await world.calls.attestation(key), key)
      },
    ],
  ]
  it.each(refusals)('%s: %s', async (_, reason, attempt) => {
    expect(await refusalOf(attempt())).toBe(reason)
  })
})

const setOperator = (data: { status?: 'suspended'; frozenAt?: Date }) =>
  world.fixture.db.prisma.operator.update({ where: { id: world.operator.id }, data })
const STOPPED: [what: string, reason: string, data: Parameters<typeof setOperator>[0]][] = [
  ['is suspended', 'OPERATOR_NOT_ACTIVE', { status: 'suspended' }],
  ['is frozen', 'OPERATOR_FROZEN', { frozenAt: new Date('2026-01-15T10:30:00Z') }],
]

describe('an operator', () => {
  it.each(STOPPED)('that %s enrols no agent: %s', async (_, reason, data) => {
    await world.calls.putRule(RULE)
    const key = newKey()
    const attestation = await world.calls.attestation(key)
    await setOperator(data)
    expect(await refusalOf(world.calls.enrol(attestation, key))).toBe(reason)
  })

  it.each(STOPPED)('that %s during the appraisal enrols no agent: %s', async (_, reason, data) => {
    await world.calls.putRule(RULE)
    const key = newKey()
    const admit: Attestation['admit'] = async (candidate, evidence) => {
      const admission = await world.fixture.attestation.admit(candidate, evidence)
      await setOperator(data)
      return admission
    }
    const identity = startIdentity({
      db: world.fixture.db,
      now: () => world.fixture.clock.now,
      operators: world.fixture.operators,
      attestation: { ...world.fixture.attestation, admit },
    })
    const during = enrolments({ ...world.fixture, identity }, world.operator, () => world.fixture.clock.now)
    expect(await refusalOf(during.enrol(await world.calls.attestation(key), key))).toBe(reason)
    expect(await world.fixture.db.prisma.agent.count({ where: { operatorId: world.operator.id } })).toBe(0)
  })
})
