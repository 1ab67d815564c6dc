import { randomBytes, randomUUID } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AgentStatus } from '../../gen/prisma/enums.ts'
import { RemoveAttestationResultsRequestSchema } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { type Enrolments, enrolments, newKey } from '../../test/support/enrolment.ts'
import { asOperator, type IdentityFixture, identityFixture, type TestOperator } from '../../test/support/identity.ts'
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
  /** How many minutes ago the last result has expired; null if there never was one. */
  readonly expired?: number | null
  /** How many minutes ago the agent became active. */
  readonly approved?: number
  readonly rule?: string | null
}

async function insertAgent({ status = 'active', expired = 10, approved = 100, rule }: Unused = {}) {
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
      attestedUntil: expired === null ? null : ago(expired),
      enrolmentRuleId: rule === undefined ? ruleId : rule,
      ...(status === 'suspended' && { suspendedAt: ago(50) }),
    },
  })
  return id
}

const revoke = () => revokeUnused(fixture.db.prisma, systemAuthor('attestation'), new Date(fixture.clock.now))
const rowOf = (id: string) => fixture.db.prisma.agent.findUniqueOrThrow({ where: { id } })

describe('revokeUnused', () => {
  it.each<[what: string, isRevoked: boolean, agent: Unused]>([
    ['whose last result expired exactly expire_unused ago', true, {}],
    ['whose last result expired later', false, { expired: 9 }],
    ['whose result counts', false, { expired: -5 }],
    ['that never had a result', true, { expired: null }],
    ['that never had a result, but became active recently', false, { expired: null, approved: 9 }],
    ['that became active after its last result expired', false, { expired: 60, approved: 9 }],
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
    const id = await insertAgent({ expired: 1000, approved: 2000, rule })
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

/** Enrols an agent, whose result expires in an hour. Returns its id and its key. */
async function enrolled() {
  const key = newKey()
  const { id = '', did = '' } = await calls.enrol(await calls.attestation(key), key)
  return { id, did, key }
}

/** Expects that the job revokes an agent exactly when this time has passed. */
async function expectRevokedAfter(id: string, ms: number) {
  for (const [passedMs, status] of [
    [ms - 1, 'active'],
    [1, 'revoked'],
  ] as const) {
    fixture.clock.now += passedMs
    for (const job of fixture.attestation.jobs) await job.run()
    expect(await rowOf(id)).toMatchObject({ status })
  }
}

describe('the job of attestation', () => {
  it('revokes an agent that enrolled and has not attested again', async () => {
    const { id } = await enrolled()
    await expectRevokedAfter(id, 60 * MINUTE + 10 * MINUTE)
  })

  it('counts from the end of the latest result', async () => {
    const { id, did, key } = await enrolled()
    fixture.clock.now += 30 * MINUTE
    await calls.attest(did, await calls.attestation(key, { purpose: 'attest' }))
    await expectRevokedAfter(id, 60 * MINUTE + 10 * MINUTE)
  })

  it.each<[what: string, change: (did: string) => Promise<unknown>]>([
    ['attestor was deleted', async () => fixture.db.prisma.attestor.deleteMany({ where: { operatorId: operator.id } })],
    [
      'results were removed',
      async (agent) =>
        fixture.attestation.module.handlers.removeAttestationResults(
          create(RemoveAttestationResultsRequestSchema, { operatorId: operator.id, agent }),
          asOperator(operator),
        ),
    ],
  ])('gives an agent whose %s as much time as before', async (_, change) => {
    const { id, did } = await enrolled()
    fixture.clock.now += 30 * MINUTE
    await change(did)
    await expectRevokedAfter(id, 30 * MINUTE + 10 * MINUTE)
  })

  it('deletes join tokens that have expired', async () => {
    const attestorId = attestors[0] ?? ''
    await insertJoinToken(fixture.db, attestorId, 'old', new Date(fixture.clock.now - 1))
    const { id } = await insertJoinToken(fixture.db, attestorId, 'new', new Date(fixture.clock.now + 1))
    for (const job of fixture.attestation.jobs) await job.run()
    expect(await fixture.db.prisma.joinToken.findMany({ where: { attestorId } })).toMatchObject([{ id }])
  })
})
