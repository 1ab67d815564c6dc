import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { KeyPair } from '@auth4agent/core/keys/ed25519'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AgentStatus, OperatorStatus } from '../../gen/prisma/enums.ts'
import { AttestationSchema } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { testAttestation } from '../../test/support/attestation.ts'
import { type Enrolments, enrolments, newKey } from '../../test/support/enrolment.ts'
import {
  anonymous,
  type IdentityFixture,
  identityFixture,
  startIdentity,
  type TestOperator,
} from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { limitKeys } from '../platform/limits/limit-keys.ts'

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

const CONDITION = 'claims.tokens.label == "web"'
const RULE = { name: 'web', allOf: ['tokens'], when: CONDITION, scopes: ['orders:read'], maxAgents: 9 }

/** An agent that has enrolled by the rule `web`. */
async function enrolledAgent(): Promise<{ readonly key: KeyPair; readonly did: string }> {
  const key = newKey()
  await calls.putRule(RULE)
  const { did = '' } = await calls.enrol(await calls.attestation(key), key)
  return { key, did }
}

const attestFor = (key: KeyPair, options: Parameters<Enrolments['attestation']>[1] = {}) =>
  calls.attestation(key, { purpose: 'attest', ...options })

const rowOf = (did: string) =>
  fixture.db.prisma.agent.findFirstOrThrow({
    where: { did },
    include: { results: { orderBy: { verifiedAt: 'asc' } }, keys: true },
  })

async function rotateKey(did: string, { publicKey }: KeyPair): Promise<void> {
  const { id: agentId } = await rowOf(did)
  const key = { agentId, publicKey: Uint8Array.from(publicKey), thumbprint: thumbprint(publicKey) }
  await fixture.db.prisma.agentKey.updateMany({ where: { agentId }, data: { retiredAt: new Date() } })
  await fixture.db.prisma.agentKey.create({ data: key })
}

describe('the results of all agents of an operator', () => {
  it('are limited together, after the agent has proved itself, and nothing is stored beyond the limit', async () => {
    const limitResults = limitKeys('token', { perMinute: 1 / 60, burst: 1 })
    const { db, clock, operators } = fixture
    const part = testAttestation({ db, now: () => clock.now, operators, limitResults })
    const identity = startIdentity({ db, now: () => clock.now, operators, attestation: part })
    const limited = enrolments({ db, identity, attestation: part }, operator, () => clock.now)
    await limited.insertAttestor('mine')
    await limited.putRule({ ...RULE, name: 'mine', allOf: ['mine'], when: '' })
    const [one, two] = [newKey(), newKey()]
    const dids: string[] = []
    for (const key of [one, two]) {
      dids.push((await limited.enrol(await limited.attestation(key, { attestors: ['mine'] }), key)).did ?? '')
    }
    const attest = async (did: string | undefined, key: KeyPair) =>
      refusalOf(limited.attest(did ?? '', await limited.attestation(key, { purpose: 'attest', attestors: ['mine'] })))
    expect(await attest(dids[0], one)).toBeUndefined()
    const before = await fixture.db.prisma.auditLog.count()
    expect(await attest(dids[1], two)).toBe('RATE_LIMITED')
    expect(await fixture.db.prisma.auditLog.count()).toBe(before)
  })
})

describe('an agent that attests again', () => {
  it('gets a result in place of the earlier one, and its version rises but its epoch does not', async () => {
    const { key, did } = await enrolledAgent()
    const before = await rowOf(did)
    fixture.clock.now += 60_000
    const answer = await calls.attest(did, await attestFor(key))
    expect(answer.results).toMatchObject([{ attestor: 'tokens', claims: { label: 'web' }, level: 'bearer' }])
    const after = await rowOf(did)
    expect(after).toMatchObject({ version: before.version + 1, epoch: before.epoch, status: 'active' })
    expect(after.results).toMatchObject([
      { verifiedAt: new Date(fixture.clock.now), expiresAt: new Date(fixture.clock.now + 3_600_000) },
    ])
    const audit = { operatorId: operator.id, action: 'agent.attest' }
    expect(await fixture.db.prisma.auditLog.findMany({ where: audit })).toMatchObject([
      {
        actor: `agent:${did}`,
        subject: did,
        outcome: 'done',
        reason: expect.stringMatching(/^tokens sha-256:[\w-]{43}$/),
      },
    ])
  })

  it('keeps the results of other attestors, and they count for its rule', async () => {
    const { key, did } = await enrolledAgent()
    fixture.clock.now += 60_000
    await calls.attest(did, await attestFor(key, { attestors: ['others'] }))
    expect((await rowOf(did)).results.map(({ verifiedAt }) => verifiedAt.getTime())).toEqual([
      fixture.clock.now - 60_000,
      fixture.clock.now,
    ])
    fixture.clock.now += 3_540_000
    const expired = await attestFor(key, { attestors: ['others'] })
    expect(await refusalOf(calls.attest(did, expired))).toBe('ENROLMENT_REFUSED')
  })

  it('needs no rule if its operator has registered it', async () => {
    const { key, did } = await agentWith('active')
    await calls.attest(did, await attestFor(key, { label: 'anything' }))
    expect((await rowOf(did)).results).toHaveLength(1)
  })

  it('can attest for a token with a nonce for this purpose', async () => {
    const { key, did } = await enrolledAgent()
    const forToken = async (purpose: 'attest' | 'token') =>
      fixture.attestation.attestForToken(
        anonymous(),
        did,
        create(AttestationSchema, await calls.attestation(key, { purpose })),
      )
    fixture.clock.now += 1000
    expect(await refusalOf(forToken('attest'))).toBe('NONCE_NOT_ACCEPTED')
    await forToken('token')
    expect((await rowOf(did)).results).toMatchObject([{ verifiedAt: new Date(fixture.clock.now) }])
  })

  it('attests with its current key after a rotation, and the new result is bound to this key', async () => {
    const { did } = await enrolledAgent()
    const next = newKey()
    await rotateKey(did, next)
    await calls.attest(did, await attestFor(next))
    expect((await rowOf(did)).results).toMatchObject([{ keyThumbprint: thumbprint(next.publicKey) }])
  })
})

/** An active agent without a rule, whose status then becomes another one. */
async function agentWith(status: AgentStatus): Promise<{ readonly key: KeyPair; readonly did: string }> {
  const agent = await enrolledAgent()
  const data = { status, enrolmentRuleId: null }
  await fixture.db.prisma.agent.updateMany({ where: { did: agent.did }, data })
  return agent
}

const attestWith = async (status: AgentStatus, options: Parameters<Enrolments['attestation']>[1] = {}) => {
  const { key, did } = await agentWith(status)
  return { did, attempt: calls.attest(did, await attestFor(key, options)) }
}

const attestUnder = async (status: OperatorStatus) => {
  const { key, did } = await enrolledAgent()
  const attestation = await attestFor(key)
  await fixture.db.prisma.operator.update({ where: { id: operator.id }, data: { status } })
  return { did, attempt: calls.attest(did, attestation) }
}

const attestBy = async (
  options: Parameters<Enrolments['attestation']>[1],
  signer: (key: KeyPair) => KeyPair = (key) => key,
) => {
  const { key, did } = await enrolledAgent()
  return { did, attempt: calls.attest(did, await attestFor(signer(key), options)) }
}

describe('attest refuses', () => {
  type Attempt = { readonly did: string; readonly attempt: Promise<unknown> }
  const refusals: readonly [what: string, reason: string, attempt: () => Promise<Attempt>][] = [
    ['a nonce for an enrolment', 'NONCE_NOT_ACCEPTED', () => attestBy({ purpose: 'enrol' })],
    ['a nonce for a token', 'NONCE_NOT_ACCEPTED', () => attestBy({ purpose: 'token' })],
    ['a nonce for another key', 'NONCE_NOT_ACCEPTED', () => attestBy({}, () => newKey())],
    [
      'evidence that another key has signed',
      'INVALID_SIGNATURE',
      async () => {
        const { key, did } = await enrolledAgent()
        const nonce = await calls.nonce(key, 'attest')
        return { did, attempt: calls.attest(did, await attestFor(newKey(), { nonce })) }
      },
    ],
    [
      'the former key of an agent',
      'NONCE_NOT_ACCEPTED',
      async () => {
        const { key, did } = await enrolledAgent()
        const attestation = await attestFor(key)
        await rotateKey(did, newKey())
        return { did, attempt: calls.attest(did, attestation) }
      },
    ],
    ['a pending agent', 'AGENT_NOT_ACTIVE', () => attestWith('pending')],
    ['a suspended agent', 'AGENT_NOT_ACTIVE', () => attestWith('suspended')],
    ['a revoked agent', 'AGENT_NOT_ACTIVE', () => attestWith('revoked')],
    [
      'a suspended agent before it looks at the nonce',
      'AGENT_NOT_ACTIVE',
      () => attestWith('suspended', { purpose: 'enrol' }),
    ],
    ['an agent of a suspended operator', 'AGENT_OPERATOR_NOT_ACTIVE', () => attestUnder('suspended')],
    ['an agent of a lapsed operator', 'AGENT_OPERATOR_NOT_ACTIVE', () => attestUnder('lapsed')],
    ['an agent of an operator that has lost its domain', 'AGENT_NOT_FOUND', () => attestUnder('superseded')],
    [
      'an agent whose rule is gone',
      'ENROLMENT_REFUSED',
      async () => {
        const { key, did } = await enrolledAgent()
        await fixture.db.prisma.enrolmentRule.deleteMany({ where: { operatorId: operator.id } })
        return { did, attempt: calls.attest(did, await attestFor(key)) }
      },
    ],
    ['claims that no longer meet the rule', 'ENROLMENT_REFUSED', () => attestBy({ label: 'batch' })],
    [
      'claims that do not meet the changed rule',
      'ENROLMENT_REFUSED',
      async () => {
        const { key, did } = await enrolledAgent()
        await calls.putRule({ ...RULE, when: 'claims.tokens.label == "batch"' })
        return { did, attempt: calls.attest(did, await attestFor(key)) }
      },
    ],
    [
      'an attestor of another operator',
      'ATTESTOR_NOT_FOUND',
      async () => {
        const other = enrolments(fixture, await fixture.operator(`other${domain}.example`), () => fixture.clock.now)
        await other.insertAttestor('theirs')
        const { key, did } = await enrolledAgent()
        const nonce = await calls.nonce(key, 'attest')
        return { did, attempt: calls.attest(did, await other.attestation(key, { nonce, attestors: ['theirs'] })) }
      },
    ],
    [
      'a nonce that was used',
      'EVIDENCE_USED',
      async () => {
        const { key, did } = await enrolledAgent()
        const nonce = await calls.nonce(key, 'attest')
        await calls.attest(did, await attestFor(key, { nonce }))
        return { did, attempt: calls.attest(did, await attestFor(key, { nonce })) }
      },
    ],
  ]
  it.each(refusals)('%s: %s, and keeps the earlier results', async (_, reason, attempt) => {
    const { did, attempt: refused } = await attempt()
    expect(await refusalOf(refused)).toBe(reason)
    const { results } = await rowOf(did)
    expect(results).toHaveLength(1)
    expect(results[0]?.claims).toMatchObject({ label: 'web' })
  })

  it('all but one of 10 attestations with one nonce', async () => {
    const { key, did } = await enrolledAgent()
    const nonce = await calls.nonce(key, 'attest')
    const sent = await Promise.all(Array.from({ length: 10 }, () => attestFor(key, { nonce })))
    const outcomes = await Promise.all(sent.map((each) => refusalOf(calls.attest(did, each))))
    expect(outcomes.filter((each) => each === undefined)).toHaveLength(1)
    expect(outcomes.filter((each) => each === 'EVIDENCE_USED')).toHaveLength(9)
  })
})
