import { randomBytes, randomUUID } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AgentStatus } from '../../gen/prisma/enums.ts'
import { type Enrolments, enrolments, newKey } from '../../test/support/enrolment.ts'
import { type IdentityFixture, identityFixture, type TestOperator } from '../../test/support/identity.ts'
import { insertJoinToken } from '../../test/support/join-tokens.ts'
import { systemAuthor } from '../ledger/ledger.ts'
import { revokeUnused } from './expire-unused.ts'

const MINUTE = 60_000
let fixture: IdentityFixture
let operator: TestOperator
let calls: Enrolments
let attestors: readonly string[]
let ruleId: string
let domain = 0

beforeAll(async () => {
  fixture = await identityFixture()
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  domain += 1
  operator = await fixture.operator(`acme${domain}.example`)
  calls = enrolments(fixture, operator, () => fixture.clock.now)
  attestors = [await calls.insertAttestor('tokens'), await calls.insertAttestor('others')]
  ruleId = await calls.putRule({ ...RULE, name: 'web', expireUnused: 600 })
})

/** Agents of this rule are revoked 10 minutes after their last result has expired. */
const RULE = { allOf: ['tokens'], scopes: [], maxAgents: 1000 }

interface Unused {
  readonly status?: AgentStatus
  /** How many minutes ago the results have expired. */
  readonly expired?: readonly number[]
  /** How many minutes ago the agent became active. */
  readonly approved?: number
  readonly rule?: string | null
}

async function insertAgent({ status = 'active', expired = [10], approved = 100, rule }: Unused = {}) {
  const { now } = fixture.clock
  const id = uuidv7(now, randomBytes(10))
  const ago = (minutes: number) => new Date(now - minutes * MINUTE)
  await fixture.db.prisma.agent.create({
    data: {
      id,
      operatorId: operator.id,
      did: `did:agent:${operator.domain}:${id.replaceAll('-', '')}`,
      status,
      approvedAt: ago(approved),
      enrolmentRuleId: rule === undefined ? ruleId : rule,
      ...(status === 'suspended' && { suspendedAt: ago(50) }),
    },
  })
  const results = expired.map((minutes, index) => ({
    agentId: id,
    attestorId: attestors[index] ?? '',
    keyThumbprint: 'x',
    claims: {},
    level: 'bearer',
    verifiedAt: ago(99),
    expiresAt: ago(minutes),
  }))
  await fixture.db.prisma.attestationResult.createMany({ data: results })
  return id
}

const revoke = () => revokeUnused(fixture.db.prisma, systemAuthor('attestation'), new Date(fixture.clock.now))
const rowOf = (id: string) => fixture.db.prisma.agent.findUniqueOrThrow({ where: { id } })

describe('revokeUnused', () => {
  it.each<[what: string, isRevoked: boolean, agent: Unused]>([
    ['whose result has been expired for exactly expire_unused', true, {}],
    ['whose result has been expired for less', false, { expired: [9] }],
    ['whose result counts', false, { expired: [-5] }],
    ['of which one of two results counts', false, { expired: [60, -5] }],
    ['of which one of two results has expired recently', false, { expired: [9, 60] }],
    ['whose results have all been expired for longer', true, { expired: [60, 10] }],
    ['that has no result', true, { expired: [] }],
    ['that has no result, but became active recently', false, { expired: [], approved: 9 }],
    ['that is suspended', true, { status: 'suspended' }],
    ['that is pending', false, { status: 'pending' }],
    ['that no rule has enrolled', false, { rule: null }],
    ['whose rule is gone', false, { rule: randomUUID() }],
  ])('an agent %s: %j', async (_, isRevoked, agent) => {
    const id = await insertAgent(agent)
    const before = await rowOf(id)
    expect(await revoke()).toBe(false)
    const raised = { version: before.version + 1, epoch: before.epoch + 1 }
    const revoked = { status: 'revoked', revokedAt: new Date(fixture.clock.now), suspendedAt: null, ...raised }
    expect(await rowOf(id)).toEqual(isRevoked ? { ...before, ...revoked } : before)
    const audit = await fixture.db.prisma.auditLog.findMany({
      where: { operatorId: operator.id, action: 'agent.revoke' },
    })
    const line = { actor: 'system', subject: before.did, outcome: 'done', reason: 'unused since its results expired' }
    expect(audit).toMatchObject(isRevoked ? [line] : [])
  })

  it('leaves agents of a rule with expire_unused 0', async () => {
    const rule = await calls.putRule({ ...RULE, name: 'forever', expireUnused: 0 })
    const id = await insertAgent({ expired: [1000], approved: 2000, rule })
    expect(await revoke()).toBe(false)
    expect(await rowOf(id)).toMatchObject({ status: 'active' })
  })

  it('leaves a revoked agent as it is', async () => {
    const id = await insertAgent({ status: 'revoked' })
    const before = await rowOf(id)
    await revoke()
    expect(await rowOf(id)).toEqual(before)
  })

  it('writes each agent to the revocation log', async () => {
    const { did } = await rowOf(await insertAgent())
    await revoke()
    const { rows } = await fixture.db.pool.query('SELECT kind, subject FROM revocation_log WHERE subject = $1', [did])
    expect(rows).toEqual([{ kind: 'agent', subject: did }])
  })

  it('revokes 100 agents at a time, and tells that there are more', async () => {
    for (let count = 0; count < 101; count += 1) await insertAgent()
    expect(await revoke()).toBe(true)
    const revoked = { operatorId: operator.id, status: 'revoked' } as const
    expect(await fixture.db.prisma.agent.count({ where: revoked })).toBe(100)
    expect(await revoke()).toBe(false)
    expect(await fixture.db.prisma.agent.count({ where: revoked })).toBe(101)
  })
})

describe('the job of attestation', () => {
  it('revokes an agent that enrolled and has not attested again, and not earlier', async () => {
    const key = newKey()
    const { id = '' } = await calls.enrol(await calls.attestation(key), key)
    for (const [passedMs, status] of [
      [3_600_000 + 599_999, 'active'],
      [1, 'revoked'],
    ] as const) {
      fixture.clock.now += passedMs
      for (const job of fixture.attestation.jobs) await job.run()
      expect(await rowOf(id)).toMatchObject({ status })
    }
  })

  it('deletes join tokens that have expired', async () => {
    const attestorId = attestors[0] ?? ''
    await insertJoinToken(fixture.db, attestorId, 'old', new Date(fixture.clock.now - 1))
    const { id } = await insertJoinToken(fixture.db, attestorId, 'new', new Date(fixture.clock.now + 1))
    for (const job of fixture.attestation.jobs) await job.run()
    expect(await fixture.db.prisma.joinToken.findMany({ where: { attestorId } })).toMatchObject([{ id }])
  })
})
