import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AttestAgentRequest } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { AttestationSchema } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { bounds, finding, inMs, metDemand, RESULT, unmetDemand } from '../../test/support/attestations.ts'
import { type Attestations, startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, signChallenge, type TestAgent } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import type { TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { endTrust, newTrust } from '../../test/support/trust-records.ts'
import { ApiError } from '../platform/errors/api-error.ts'

const HOUR_MS = 3_600_000

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let agent: TestAgent
/** What the directory says about the agent. */
let state: Attestations
let sent: AttestAgentRequest[]
/** What the appraisal of evidence does. */
let appraise: () => Promise<unknown>

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db, {
    attestationOf: () => state,
    async attestAgent(request) {
      sent.push(request)
      await appraise()
      return {}
    },
  })
})
afterAll(() => database.drop())
beforeEach(async () => {
  state = {}
  sent = []
  appraise = async () => undefined
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
})

const writeDemand = (terms: object = {}) => metDemand({ scopes: ['write'], ...terms })
const unmet = () => unmetDemand({ scopes: ['write'] })
const EVIDENCE = create(AttestationSchema, {
  nonce: 'n',
  evidence: [{ attestor: 'boot', evidence: Uint8Array.of(251, 255), signature: Uint8Array.of(1) }],
})
const EVIDENCE_TEXT = '{"nonce":"n","evidence":[{"attestor":"boot","evidence":"+/8=","signature":"AQ"}]}'
const claimsOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
const meetDemand = async () => {
  state = { demands: [writeDemand()], findings: [finding()] }
}

/** Asks for a token with a challenge, and with a client assertion. */
const WAYS: readonly [name: string, (wishes: { scope?: string }) => Promise<string>][] = [
  ['issueToken', (wishes) => instance.issue(agent, wishes)],
  ['client_credentials', async (wishes) => (await instance.oauthToken(agent, wishes)).accessToken ?? ''],
]

describe.each(WAYS)('a token of %s', (_, issue) => {
  it('states the results of the agent, and ends with what it rests on', async () => {
    const { edge: rule } = newTrust()
    const trust = newTrust()
    state = {
      enrolment: bounds({ edge: rule, scopes: ['write'], tokenTtl: 600 }),
      demands: [writeDemand({ edges: [trust.edge], metUntil: inMs(100_000) })],
      findings: [finding()],
    }
    const token = await issue({ scope: 'write' })
    const { edges, attestation, exp, iat } = claimsOf(token)
    const stated = { attestor: 'boot', type: 'tpm', level: 'hardware', at: 1_700_000_000 }
    expect({ edges, attestation }).toEqual({ edges: [rule, trust.edge], attestation: [stated] })
    expect(exp - iat).toBeLessThanOrEqual(100)
    const answer = await instance.verify(token)
    expect(answer).toMatchObject({ valid: true, claims: { attestation: [RESULT] } })
    expect(await instance.introspect(agent, token)).toMatchObject({ active: true, attestation: [RESULT] })
    await endTrust(database.db.pool, 'edge', trust)
    expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'TRUST_ENDED' })
  })

  it('lives no longer than the enrolment rule says', async () => {
    state = { enrolment: bounds({ edge: randomUUID(), scopes: ['read'], tokenTtl: 45 }) }
    const { exp, iat, attestation } = claimsOf(await issue({ scope: 'read' }))
    expect({ ttl: exp - iat, attestation }).toEqual({ ttl: 45, attestation: undefined })
  })

  it.each<[string, string | undefined, string, () => Attestations]>([
    ['a demand that is not met', 'ATTESTATION_REQUIRED', 'write', () => ({ demands: [unmet()] })],
    ['a demand on other scopes', undefined, 'read', () => ({ demands: [unmet()] })],
    ['a rule without the scope', 'SCOPE_NOT_ALLOWED', 'write', () => ({ enrolment: bounds({ edge: 'e' }) })],
    ['a rule that is gone', 'ATTESTATION_REQUIRED', 'write', () => ({ enrolment: bounds() })],
    [
      'a rule without the issuer as an audience',
      'AUDIENCE_NOT_ALLOWED',
      'write',
      () => ({ enrolment: bounds({ edge: 'e', scopes: ['write'], audiences: ['a.example'] }) }),
    ],
  ])('is decided by %s: %s', async (_name, reason, scope, stateNow) => {
    state = stateNow()
    expect(await refusalOf(issue({ scope }))).toBe(reason)
  })

  it('is given as soon as a look-up shows a result that a copy in memory lacks', async () => {
    state = { demands: [unmet()] }
    expect(await refusalOf(issue({ scope: 'write' }))).toBe('ATTESTATION_REQUIRED')
    await meetDemand()
    expect(await refusalOf(issue({ scope: 'write' }))).toBeUndefined()
  })
})

it('a token states no time after it was issued, although the clock of the appraisal may be ahead', async () => {
  state = { findings: [finding({ at: BigInt(Math.floor(Date.now() / 1000) + 30) })] }
  const token = await instance.issue(agent)
  const { attestation, iat } = claimsOf(token)
  expect(attestation[0].at).toBe(iat)
  expect(await instance.verify(token)).toMatchObject({ valid: true })
})

const long = (at: number) => finding({ attestor: `${at}`.padEnd(64, 'a'), type: 't'.repeat(64) })

it('issueToken refuses a token that results make too long for verifiers', async () => {
  const scope = Array.from({ length: 64 }, (_, at) => `s${at}`.padEnd(128, 'x'))
  await database.db.prisma.agent.update({ where: { id: agent.id }, data: { allowedScopes: scope } })
  const audience = Array.from({ length: 8 }, (_, at) => `https://a.example/${at}`.padEnd(255, 'x'))
  const issue = () => instance.issue(agent, { scope: scope.join(' '), audience })
  state = { findings: Array.from({ length: 8 }, (_, at) => long(at)) }
  expect(await refusalOf(issue())).toBe('INVALID_ARGUMENT')
  state = {}
  expect(await refusalOf(issue())).toBeUndefined()
})

describe('evidence with a request for a token', () => {
  it('is appraised before the decision, with a challenge', async () => {
    state = { demands: [unmet()] }
    appraise = meetDemand
    const token = await instance.issue(agent, { scope: 'write', attestation: EVIDENCE })
    expect(claimsOf(token).attestation).toHaveLength(1)
    expect(sent).toMatchObject([{ did: agent.did, attestation: EVIDENCE }])
    expect(sent[0]?.requestId).not.toBe('')
  })

  it('is appraised before the decision, with a client assertion', async () => {
    state = { demands: [unmet()] }
    appraise = meetDemand
    const { accessToken } = await instance.oauthToken(agent, { scope: 'write', attestation: EVIDENCE_TEXT })
    expect(claimsOf(accessToken).attestation).toHaveLength(1)
    expect(sent).toMatchObject([{ did: agent.did, attestation: EVIDENCE }])
  })

  it('is sent once, although the agent changes during the first attempts', async () => {
    const made = await instance.challenge(agent.did)
    await instance.issue(agent)
    const change = () =>
      database.db.prisma.agent.update({ where: { id: agent.id }, data: { version: { increment: 1 } } })
    appraise = async () => {
      await meetDemand()
      await change()
    }
    const [before] = await Promise.all([
      instance.redeem(agent, made, { scope: 'write', attestation: EVIDENCE }),
      change(),
    ])
    expect(claimsOf(before.token).attestation).toHaveLength(1)
    expect(sent).toHaveLength(1)
  })

  it('is not sent again if its appraisal fails', async () => {
    appraise = () => Promise.reject(new ApiError('EVIDENCE_USED'))
    expect(await refusalOf(instance.issue(agent, { attestation: EVIDENCE }))).toBe('EVIDENCE_USED')
    expect(sent).toHaveLength(1)
  })

  it('leaves its result and the challenge, if the token is refused afterwards', async () => {
    appraise = meetDemand
    const made = await instance.challenge(agent.did)
    const refused = instance.redeem(agent, made, { scope: 'write admin', attestation: EVIDENCE })
    expect(await refusalOf(refused)).toBe('SCOPE_NOT_ALLOWED')
    expect(sent).toHaveLength(1)
    expect(claimsOf((await instance.redeem(agent, made, { scope: 'write' })).token).attestation).toHaveLength(1)
  })

  it.each<[string, string, () => Promise<unknown>]>([
    [
      'INVALID_SIGNATURE',
      'a challenge that another agent has signed',
      async () => {
        const made = await instance.challenge(agent.did)
        const other = await insertAgent(database.db, operator)
        return instance.redeem(agent, made, { attestation: EVIDENCE, signature: signChallenge(other, made) })
      },
    ],
    [
      'CHALLENGE_EXPIRED',
      'an expired challenge',
      async () => {
        await instance.setBack(HOUR_MS)
        const made = await instance.challenge(agent.did)
        instance.clock.offsetMs = 0
        return instance.redeem(agent, made, { attestation: EVIDENCE })
      },
    ],
    [
      'AGENT_NOT_ACTIVE',
      'an agent that is suspended',
      async () => {
        await database.db.prisma.agent.update({ where: { id: agent.id }, data: { status: 'suspended' } })
        return instance.issue(agent, { attestation: EVIDENCE })
      },
    ],
    ['INVALID_ARGUMENT', 'no JSON', () => instance.oauthToken(agent, { attestation: 'x' })],
  ])('causes no work: %s for %s', async (reason, _, work) => {
    expect(await refusalOf(work())).toBe(reason)
    expect(sent).toEqual([])
  })
})
