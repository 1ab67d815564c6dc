import { signerJwk } from '@auth4agent/core/jose/signer-jwk'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { startInstance, type TestInstance } from '../../../test/support/authn.ts'
import {
  authnState,
  clientAssertion,
  freshOperator,
  insertAgent,
  type TestHolder,
} from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { provenCall } from '../../../test/support/exchanges.ts'
import { DETAILS } from '../../../test/support/grant-details.ts'
import { readGrant } from '../../../test/support/grants.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

let database: TestDatabase
let instance: TestInstance
let agent: TestHolder

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  const operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
  await agentCalls(instance.identity, operator).update(agent.did, { maxDelegationDepth: 2 })
})
afterAll(() => database.drop())

const cnf = (jwk: object) => JSON.stringify({ jwk })
const right = () => ({ authorizationDetails: DETAILS, reqCnf: cnf(signerJwk(agent)) })

describe('client_credentials with req_cnf', () => {
  it('gives the first grant of a chain, which is no access token', async () => {
    const answer = await instance.oauthToken(agent, right())
    expect(answer).toMatchObject({ tokenType: 'aat', expiresIn: 900, authorizationDetails: JSON.parse(DETAILS) })
    expect(answer.scope).toBeUndefined()
    const root = await readGrant(database.db, answer.accessToken ?? '')
    expect(root).toMatchObject({ did: agent.did, depth: 0, maxDepth: 2 })
    expect(await instance.verify(answer.accessToken ?? '')).toMatchObject({ valid: false })
    const records = await database.db.prisma.auditLog.findMany({ where: { subject: root.jti } })
    expect(records).toMatchObject([{ action: 'grant.issue', operatorId: agent.operatorId }])
  })

  const other = signerJwk({ publicKey: generateKeyPair().publicKey })
  it.each<[string, string, () => Parameters<TestInstance['oauthToken']>[1]]>([
    ['INVALID_ARGUMENT', 'the key of another', () => ({ reqCnf: cnf(other) })],
    ['INVALID_ARGUMENT', 'a private key', () => ({ reqCnf: cnf({ ...signerJwk(agent), d: 'x' }) })],
    ['INVALID_ARGUMENT', 'a key of another type', () => ({ reqCnf: cnf({ ...signerJwk(agent), kty: 'RSA' }) })],
    ['INVALID_ARGUMENT', 'a thumbprint', () => ({ reqCnf: JSON.stringify({ jkt: 'x' }) })],
    ['INVALID_ARGUMENT', 'no JSON', () => ({ reqCnf: 'x' })],
    ['INVALID_ARGUMENT', 'no authorization_details', () => ({ authorizationDetails: '' })],
    ['INVALID_ARGUMENT', 'a scope', () => ({ scope: 'read' })],
    ['INVALID_ARGUMENT', 'a resource', () => ({ resource: ['https://shop.example'] })],
    ['INVALID_ARGUMENT', 'may_act', () => ({ mayAct: agent.did })],
    ['UNSUPPORTED_AUTHORIZATION_DETAILS', 'no req_cnf', () => ({ reqCnf: '' })],
    ['UNKNOWN_DETAIL_TYPE', 'details of another type', () => ({ authorizationDetails: '[{"type":"x"}]' })],
    ['BINDING_MISMATCH', 'a scope in the assertion', () => clientAssertion(agent, { scope: 'read' })],
  ])('%s with %s', async (reason, _, wishes) => {
    const before = await authnState(database.db)
    expect(await refusalOf(instance.oauthToken(agent, { ...right(), ...wishes() }))).toBe(reason)
    expect(await authnState(database.db)).toEqual(before)
  })

  it('INVALID_DPOP_PROOF with a DPoP proof', async () => {
    const work = instance.oauthToken(agent, right(), await provenCall(agent))
    expect(await refusalOf(work)).toBe('INVALID_DPOP_PROOF')
  })
})
