import { expect, it } from 'vitest'
import { newKey, RULE, type SignedAttestation, useEnrolments } from '../../test/support/enrolment.ts'
import { signEvidence } from '../../test/support/join-tokens.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const world = useEnrolments()

it('a revoked agent leaves its place to another one', async () => {
  await world.calls.putRule({ ...RULE, maxAgents: 1 })
  const [key, other] = [newKey(), newKey()]
  const { did = '' } = await world.calls.enrol(await world.calls.attestation(key), key)
  await world.fixture.db.prisma.agent.updateMany({ where: { did }, data: { status: 'revoked' } })
  expect(await world.calls.enrol(await world.calls.attestation(other), other)).toMatchObject({ status: 'active' })
})

it('of 20 agents that enrol at once, as many become agents as the rule has places', async () => {
  await world.calls.putRule({ ...RULE, maxAgents: 5 })
  const keys = Array.from({ length: 20 }, newKey)
  const sent = await Promise.all(keys.map(async (key) => [key, await world.calls.attestation(key)] as const))
  const outcomes = await Promise.all(
    sent.map(async ([key, attestation]) => (await refusalOf(world.calls.enrol(attestation, key))) ?? 'enrolled'),
  )
  expect(outcomes.filter((each) => each === 'enrolled')).toHaveLength(5)
  expect(outcomes.filter((each) => each === 'TOO_MANY_AGENTS')).toHaveLength(15)
  expect(await world.fixture.db.prisma.agent.count({ where: { operatorId: world.operator.id } })).toBe(5)
})

it('of 10 agents with one join token, one enrols', async () => {
  await world.calls.putRule({ ...RULE, maxAgents: 100 })
  const first = newKey()
  const {
    evidence: [only],
  } = await world.calls.attestation(first)
  const secret = Uint8Array.from(only?.evidence ?? [])
  const attempts = Array.from({ length: 10 }, newKey).map(async (key) => {
    const nonce = await world.calls.nonce(key)
    const attestation: SignedAttestation = { nonce, evidence: [signEvidence(key, nonce, 'tokens', secret)] }
    return [key, attestation] as const
  })
  const outcomes = await Promise.all(
    (await Promise.all(attempts)).map(
      async ([key, attestation]) => (await refusalOf(world.calls.enrol(attestation, key))) ?? 'enrolled',
    ),
  )
  expect(outcomes.filter((each) => each === 'enrolled')).toHaveLength(1)
  expect(await world.fixture.db.prisma.agent.count({ where: { operatorId: world.operator.id } })).toBe(1)
})
