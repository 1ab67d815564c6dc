import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { accessToken } from '../../test/support/access-tokens.ts'
import { bearer } from '../../test/support/assertions.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { PARTIES, type PipelineSetup, pipelineFixture, RPC } from '../../test/support/pipeline.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import type { VerifyAccess } from './access-token.ts'
import type { Principal, SentProof } from './call.ts'

const TOKEN = accessToken(generateKeyPair())
const DID = 'did:agent:acme.example:0123456789abcdef0123456789abcdef'
const proof: SentProof = { text: 'proof', method: 'POST', url: 'http://localhost:8080/v1/x' }

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

/** A pipeline around one method, the principals of its calls, and what was verified. */
function opened(
  verified: Awaited<ReturnType<VerifyAccess>> | Partial<{ scope: string; operatorId: string }> = {},
  setup: PipelineSetup = {},
) {
  const principals: Principal[] = []
  const asked: Parameters<VerifyAccess>[] = []
  const verifyAccess: VerifyAccess = async (...given) => {
    asked.push(given)
    if (typeof verified === 'string') return verified
    return { did: DID, operatorId: PARTIES.own.iss, scope: 'read x.manage', ...verified }
  }
  const pipeline = pipelineFixture(database.db, {
    ...setup,
    policy: { own: 'none', role: 'any', scopes: ['x.manage', 'x.read'], ...setup.policy },
    deps: { verifyAccess, ...setup.deps },
    handler: async (_, { principal }) => {
      principals.push(principal)
      return { agentDid: 'done' }
    },
  })
  return { ...pipeline, principals, asked }
}

describe('an access token', () => {
  it('makes the agent call for its operator, with one of the scopes of the method', async () => {
    const { call, principals, asked } = opened()
    await call(`Bearer ${TOKEN}`)
    expect(principals).toStrictEqual([{ kind: 'agent', did: DID, operatorId: PARTIES.own.iss }])
    expect(asked).toStrictEqual([[TOKEN, undefined]])
  })

  it('is verified with the DPoP proof only if its scheme is DPoP', async () => {
    const { call, asked } = opened()
    await call(`DPoP ${TOKEN}`, { dpop: proof })
    await call(`Bearer ${TOKEN}`, { dpop: proof })
    expect(asked).toStrictEqual([
      [TOKEN, proof],
      [TOKEN, undefined],
    ])
  })

  it.each<[string, Parameters<typeof opened>, string, string]>([
    ['without a scope of the method', [{ scope: 'x x.managed' }], 'Bearer', 'INSUFFICIENT_SCOPE'],
    ['without any scope', [{ scope: '' }], 'Bearer', 'INSUFFICIENT_SCOPE'],
    ['that was revoked', ['TOKEN_REVOKED'], 'Bearer', 'INVALID_ACCESS_TOKEN'],
    ['of the scheme DPoP without a proof', [{}], 'DPoP', 'INVALID_ACCESS_TOKEN'],
    [
      'of an operator that is gone',
      [{ operatorId: 'cccccccc-3333-8333-8333-333333333333' }],
      'Bearer',
      'INVALID_ACCESS_TOKEN',
    ],
    ['of an operator that may make no calls', [{}, { status: 'released' }], 'Bearer', 'INVALID_ACCESS_TOKEN'],
    ['for a method that accepts none', [{}, { policy: { scopes: undefined as never } }], 'Bearer', 'INVALID_ASSERTION'],
  ])('is refused %s', async (_, given, scheme, reason) => {
    const { call, principals } = opened(...given)
    expect(await refusalOf(call(`${scheme} ${TOKEN}`))).toBe(reason)
    expect(principals).toStrictEqual([])
  })

  it('has limits of its agent, not of the operator, and its refusals are in the audit of the operator', async () => {
    const slow = { perMinute: 1, burst: 1 }
    const { call } = opened({ scope: 'x' }, { rate: { subject: slow } })
    const requestId = 'request-of-an-agent'
    expect(await refusalOf(call(`Bearer ${TOKEN}`, { requestId }))).toBe('INSUFFICIENT_SCOPE')
    expect(await refusalOf(call(`Bearer ${TOKEN}`, { requestId: 'request-2' }))).toBe('RATE_LIMITED')
    expect(await refusalOf(call(bearer(PARTIES.own, { claims: { rpc: RPC } })))).toBeUndefined()
    const rows = await database.db.prisma.auditLog.findMany({ where: { requestId } })
    expect(rows).toMatchObject([{ actor: `agent:${DID}`, operatorId: PARTIES.own.iss, reason: 'INSUFFICIENT_SCOPE' }])
  })

  it('does not take the place of an assertion, which the method still accepts', async () => {
    const { call, principals } = opened()
    await call(bearer(PARTIES.own, { claims: { rpc: RPC } }))
    expect(principals).toMatchObject([{ kind: 'operator', operatorId: PARTIES.own.iss }])
    expect(await refusalOf(call('Bearer nonsense'))).toBe('INVALID_ASSERTION')
  })

  it('is not needed for a call that takes events, but an assertion must then name the call', async () => {
    const { call } = opened({}, { policy: { takesEvents: true } })
    expect(await refusalOf(call(bearer(PARTIES.own)))).toBe('INVALID_ASSERTION')
    expect(await refusalOf(call(bearer(PARTIES.own, { claims: { rpc: RPC } })))).toBeUndefined()
  })

  it('of a frozen operator allows reads, and no changes', async () => {
    const operators = localClient(OperatorDirectoryService, {
      lookupOperator: async () => ({ operator: { id: PARTIES.own.iss, status: 'active', frozen: true } }),
      lookupAudienceOwner: async () => ({}),
    })
    const { call } = opened({}, { deps: { operators } })
    expect(await refusalOf(call(`Bearer ${TOKEN}`))).toBeUndefined()
    const change = { action: 'stream.update', endsTokens: false } as const
    const { call: callChange } = opened({}, { deps: { operators }, policy: change })
    expect(await refusalOf(callChange(`Bearer ${TOKEN}`))).toBe('OPERATOR_FROZEN')
  })
})
