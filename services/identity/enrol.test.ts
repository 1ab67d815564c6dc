import { describe, expect, it } from 'vitest'
import { newKey, RULE, useEnrolments } from '../../test/support/enrolment.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const world = useEnrolments()
const rowOf = (did: string | undefined) =>
  world.fixture.db.prisma.agent.findFirstOrThrow({ where: { did: did ?? '' }, include: { results: true } })
const EMPTY = { $typeName: 'auth4agent.v1.RegisterAgentRequest', did: '', inception: '' } as const

describe('an agent that enrols', () => {
  it('is active, with the scopes, the label and the rule, and the audit names rule, attestor and digest', async () => {
    const ruleId = await world.calls.putRule(RULE)
    const key = newKey()
    const answer = await world.calls.enrol(await world.calls.attestation(key), key)
    expect(answer).toMatchObject({ status: 'active', rule: 'web', allowedScopes: ['orders:read'] })
    expect(answer.attestationResults).toMatchObject([{ attestor: 'tokens', type: 'join-token', level: 'bearer' }])
    expect(await rowOf(answer.did)).toMatchObject({
      status: 'active',
      label: 'agent web',
      allowedScopes: ['orders:read'],
      enrolmentRuleId: ruleId,
      results: [{ level: 'bearer', expiresAt: new Date(world.fixture.clock.now + 3_600_000) }],
    })
    const audit = await world.fixture.db.prisma.auditLog.findMany({
      where: { operatorId: world.operator.id, action: 'agent.enrol' },
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
    await world.calls.putRule(RULE)
    const key = newKey()
    const { did } = await world.calls.enrol(await world.calls.attestation(key), key)
    const before = await rowOf(did)
    world.fixture.clock.now += 60_000
    await world.calls.enrol(await world.calls.attestation(key), key)
    const { results, ...after } = await rowOf(did)
    const attestedUntil = new Date(world.fixture.clock.now + 3_600_000)
    expect(after).toEqual({ ...before, results: undefined, attestedUntil, version: before.version + 1 })
    expect(results).toMatchObject([{ verifiedAt: new Date(world.fixture.clock.now) }])
  })

  it('takes over its own pending registration, which a stranger may have made', async () => {
    await world.calls.putRule(RULE)
    const key = newKey()
    const { did } = await world.fixture.identity.module.handlers.registerAgent(
      { ...EMPTY, operatorId: world.operator.id, agentPublicKey: Uint8Array.from(key.publicKey), label: 'not yours' },
      { requestId: 'request-1', principal: { kind: 'anonymous' } },
    )
    await world.calls.enrol(await world.calls.attestation(key), key)
    expect(await rowOf(did)).toMatchObject({ status: 'active', label: 'agent web', expiresAt: null })
  })
})

it('a stranger without the key of the agent does not learn which attestors there are', async () => {
  const key = newKey()
  const { nonce, evidence } = await world.calls.attestation(newKey(), { nonce: await world.calls.nonce(key) })
  for (const each of evidence) each.attestor = 'unknown'
  expect(await refusalOf(world.calls.enrol({ nonce, evidence }, key))).toBe('INVALID_SIGNATURE')
})
