import { randomUUID } from 'node:crypto'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstance, type TestInstance } from '../../test/support/authn.ts'
import {
  authnState,
  clientAssertion,
  freshOperator,
  insertAgent,
  type TestAgent,
} from '../../test/support/authn-agents.ts'
import { silentLog, type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { anonymous } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import type { Call } from '../calls/call.ts'
import { type Db, openDb } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'

const URL = 'https://auth.example/oauth/token'
const API = 'https://api.example/orders'
const keys = generateKeyPair()
const jkt = thumbprint(keys.publicKey)
const signer = { publicKey: keys.publicKey, sign: async (message: Uint8Array) => sign(keys.privateKey, message) }

let database: TestDatabase
let otherDb: Db
let instances: [TestInstance, TestInstance]
let server: TestInstance
let agent: TestAgent

beforeAll(async () => {
  database = await testDatabase()
  otherDb = openDb({ url: database.url, poolSize: 10, log: silentLog })
  instances = [await startInstance(database.db), await startInstance(otherDb)]
  server = instances[0]
  agent = await insertAgent(database.db, await freshOperator(database.db))
})
afterAll(async () => {
  await otherDb.close()
  await database.drop()
})

const proof = (edits: Partial<Parameters<typeof signDpopProof>[1]> = {}) =>
  signDpopProof(signer, { method: 'POST', url: URL, nowS: Date.now() / 1000, ...edits })
const withProof = (text: string): Call => ({ ...anonymous(), dpop: { text, method: 'POST', url: URL } })
const bound = async (wishes = {}) => server.oauthToken(agent, wishes, withProof(await proof()))
const claimsOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

describe('a token request with a DPoP proof', () => {
  it('gets a token that is bound to the key of the proof', async () => {
    const answer = await bound()
    expect(answer.tokenType).toBe('DPoP')
    expect(claimsOf(answer.accessToken).cnf).toEqual({ jkt })
    const challenge = await server.challenge(agent.did)
    expect(await server.redeem(agent, challenge, {}, withProof(await proof()))).toMatchObject({ tokenType: 'DPoP' })
  })

  it('is refused when the proof is not for this request, and redeems nothing', async () => {
    const before = await authnState(database.db)
    for (const text of [await proof({ method: 'GET' }), await proof({ url: `${URL}2` }), 'x', '']) {
      expect(await refusalOf(server.oauthToken(agent, {}, withProof(text)))).toBe('INVALID_DPOP_PROOF')
    }
    expect(await authnState(database.db)).toEqual(before)
  })

  it('is accepted once per proof when two processes get 40 requests with it at the same time', async () => {
    const call = withProof(await proof())
    const attempts = Array.from({ length: 20 }, () => instances.map(({ oauthToken }) => oauthToken(agent, {}, call)))
    const refusals = await Promise.all(attempts.flat().map(refusalOf))
    expect(refusals.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(refusals.filter((reason) => reason === 'DPOP_PROOF_USED')).toHaveLength(39)
  })

  it('is refused for its assertion when it was used before, and does not use up a new proof', async () => {
    const [assertion, first, second] = [clientAssertion(agent), withProof(await proof()), withProof(await proof())]
    expect(await refusalOf(server.oauthToken(agent, assertion, first))).toBeUndefined()
    const before = await authnState(database.db)
    for (const call of [first, second])
      expect(await refusalOf(instances[1].oauthToken(agent, assertion, call))).toBe('ASSERTION_USED')
    expect(await authnState(database.db)).toEqual(before)
    expect(await refusalOf(server.oauthToken(agent, clientAssertion(agent), second))).toBeUndefined()
  })

  it('can be repeated with the same proof when it was refused', async () => {
    const call = withProof(await proof())
    expect(await refusalOf(server.oauthToken(agent, { scope: 'admin' }, call))).toBe('SCOPE_NOT_ALLOWED')
    expect(await refusalOf(server.oauthToken(agent, {}, call))).toBeUndefined()
  })
})

const audienceOf = async (dpop: string) => {
  const owner = await freshOperator(database.db)
  const audience = `https://api.${owner.domain}/${randomUUID()}`
  await database.db.prisma.operatorAudience.create({ data: { operatorId: owner.id, audience, callers: ['*'], dpop } })
  return audience
}

describe('an audience that demands DPoP', () => {
  it('gets no bearer token', async () => {
    const resource = [await audienceOf('required')]
    expect(await refusalOf(server.oauthToken(agent, { resource }))).toBe('DPOP_PROOF_REQUIRED')
    const challenge = await server.challenge(agent.did)
    expect(await refusalOf(server.redeem(agent, challenge, { audience: resource }))).toBe('DPOP_PROOF_REQUIRED')
    expect(await bound({ resource: ['https://free.example', ...resource] })).toMatchObject({ tokenType: 'DPoP' })
  })

  it('with nonces accepts a proof only with the nonce of an earlier answer, of any process', async () => {
    const wishes = { resource: [await audienceOf('required-with-nonce')] }
    const error: unknown = await bound(wishes).catch((thrown: unknown) => thrown)
    if (!(error instanceof ApiError)) throw new Error('The first request must be refused')
    expect(error.reason).toBe('DPOP_NONCE_REQUIRED')
    const nonce = error.dpopNonce ?? ''
    const call = withProof(await proof({ nonce }))
    expect(await instances[1].oauthToken(agent, wishes, call)).toMatchObject({ tokenType: 'DPoP' })
    const wrong = withProof(await proof({ nonce: `${nonce}x` }))
    expect(await refusalOf(server.oauthToken(agent, wishes, wrong))).toBe('DPOP_NONCE_REQUIRED')
  })
})

describe('VerifyToken of a bound token', () => {
  const verify = (token: string, dpopProof: string, httpUrl = API) =>
    server.verify(token, { dpopProof, httpMethod: 'GET', httpUrl })
  const use = (accessToken: string, edits = {}) => proof({ method: 'GET', url: API, accessToken, ...edits })

  it('answers valid once for a proof of its key, and names the key', async () => {
    const token = (await bound()).accessToken ?? ''
    const text = await use(token)
    expect(await verify(token, text, `${API}?page=2`)).toMatchObject({ valid: true, claims: { cnf: { jkt } } })
    expect(await verify(token, text)).toMatchObject({ valid: false, revoked: false, reason: 'PROOF_REPLAYED' })
  })

  it('answers PROOF_REQUIRED without a proof', async () => {
    expect(await server.verify((await bound()).accessToken ?? '')).toMatchObject({
      valid: false,
      reason: 'PROOF_REQUIRED',
    })
  })

  it.each<[string, object]>([
    ['another method', { method: 'POST' }],
    ['another URL', { url: 'https://other.example/orders' }],
    ['another token', { accessToken: 'other' }],
    ['no token', { accessToken: undefined }],
    ['an old time', { nowS: Date.now() / 1000 - 120 }],
  ])('answers PROOF_INVALID for a proof of %s', async (_, edits) => {
    const token = (await bound()).accessToken ?? ''
    expect(await verify(token, await use(token, edits))).toMatchObject({ valid: false, reason: 'PROOF_INVALID' })
  })

  it('answers PROOF_INVALID for a proof of another key', async () => {
    const token = (await bound()).accessToken ?? ''
    const other = generateKeyPair()
    const stranger = {
      publicKey: other.publicKey,
      sign: async (message: Uint8Array) => sign(other.privateKey, message),
    }
    const content = { method: 'GET', url: API, nowS: Date.now() / 1000, accessToken: token }
    expect(await verify(token, await signDpopProof(stranger, content))).toMatchObject({ reason: 'PROOF_INVALID' })
  })

  it('answers TOKEN_NOT_BOUND for a bearer token with a proof', async () => {
    const token = (await server.oauthToken(agent)).accessToken ?? ''
    for (const text of [await use(token), 'x'])
      expect(await verify(token, text)).toMatchObject({ valid: false, reason: 'TOKEN_NOT_BOUND' })
  })

  it.each([{ dpopProof: 'x' }, { httpMethod: 'GET' }, { httpUrl: API }, { dpopProof: 'x', httpMethod: 'GET' }])(
    'refuses a request that has only %j',
    async (wishes) => {
      expect(await refusalOf(server.verify('a.b.c', wishes))).toBe('INVALID_ARGUMENT')
    },
  )
})
