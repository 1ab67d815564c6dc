import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ISSUER, startInstance, type TestInstance } from '../../../test/support/authn.ts'
import { clientAssertion, freshOperator, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { ACCESS_TOKEN, EXCHANGE, GRANT_CHAIN, provenCall } from '../../../test/support/exchanges.ts'
import { expectRefusal } from '../../../test/support/expect-refusal.ts'
import type { TestOperator } from '../../../test/support/identity.ts'
import { noChaining } from '../../../test/support/no-foreign.ts'
import { insertTokenKey } from '../../../test/support/tokens.ts'
import { CHAINING_GRANT_TYPE, ID_JAG_TYPE, parseChainingGrant } from '../../keys/index.ts'
import type { Chaining } from '../../trust/index.ts'

type Chain = Awaited<ReturnType<Chaining['findAuthority']>>
type Question = Parameters<Chaining['findAuthority']>[0]

const BETA = 'https://beta.example/auth'
const RESOURCE = 'https://api.cargo.example/v1'
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'
/** Id of the statement of the operator. */
const EDGE = 'e0000000-0000-8000-8000-00000000000b'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let agent: TestHolder
let token: string
let otherKey: Awaited<ReturnType<typeof insertTokenKey>>
let chain: Chain
let asked: Question[]
/** Runs when the statements of the operator are asked for, which is before the redemption. */
let between: () => Promise<unknown>
/** Runs after the subject token was looked up, and before the redemption. */
let afterCheck: () => Promise<unknown>

const findAuthority = async (question: Question) => {
  asked.push(question)
  await between()
  return chain
}

beforeAll(async () => {
  database = await testDatabase()
  await database.db.prisma.deployment.create({ data: { issuer: ISSUER } })
  instance = await startInstance(database.db, {
    chaining: { ...noChaining, findAuthority },
    afterCheck: () => afterCheck(),
  })
  otherKey = await insertTokenKey(database.db, 'retiring', 'ES256')
  operator = await freshOperator(database.db)
})
beforeEach(async () => {
  agent = await insertAgent(database.db, operator, { scopes: ['orders:read', 'orders:write'] })
  token = await instance.issue(agent, { scope: 'orders:read orders:write' })
  chain = { scopes: ['read'], edge: EDGE, exp: Date.now() / 1_000 + 7_200 }
  asked = []
  between = async () => undefined
  afterCheck = async () => undefined
})
afterAll(() => database.drop())

type Wishes = Parameters<TestInstance['oauthToken']>[1]

function ask(wishes: Wishes = {}, client = agent, call?: Parameters<TestInstance['oauthToken']>[2]) {
  const request = {
    grantType: EXCHANGE,
    subjectToken: token,
    subjectTokenType: ACCESS_TOKEN,
    requestedTokenType: ID_JAG,
    audience: BETA,
    resource: [RESOURCE],
    scope: 'orders:read',
    ...wishes,
  }
  return instance.oauthToken(client, request, call)
}

function read(text = '') {
  const [header = '', payload = ''] = text.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  const json = parseStrictJson(Buffer.from(payload))
  return { header: JSON.parse(header), grant: json.ok ? parseChainingGrant(json.value) : undefined }
}

const claimsOf = (text: string) => JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString())

describe('an exchange for a grant for another deployment', () => {
  it.each([
    [ID_JAG, ID_JAG_TYPE],
    [JWT, CHAINING_GRANT_TYPE],
  ])('of the type %s gives a JWT of the type %s, which is no access token', async (requestedTokenType, typ) => {
    const answer = await ask({ requestedTokenType })
    const { accessToken = '' } = answer
    expect(answer).toEqual({
      accessToken,
      issuedTokenType: requestedTokenType,
      tokenType: 'N_A',
      expiresIn: 60,
      scope: 'read',
    })
    const { header, grant } = read(accessToken)
    expect(header).toMatchObject({ typ, alg: 'EdDSA' })
    expect(Object.keys(claimsOf(accessToken)).toSorted()).toEqual(Object.keys(grant ?? {}).toSorted())
    const { jti, exp } = claimsOf(token)
    const { kid } = read(token).header
    expect(grant).toMatchObject({
      iss: ISSUER,
      sub: agent.did,
      aud: BETA,
      client_id: agent.did,
      operator_id: operator.id,
      epoch: [1, 1],
      resource: RESOURCE,
      scope: 'read',
      cnf: { jkt: thumbprint(agent.publicKey) },
      token: { jti, exp, kid },
      edge: EDGE,
    })
    expect(asked).toEqual([{ operatorId: operator.id, issuer: BETA, resource: RESOURCE, scopes: ['orders:read'] }])
    expect(await instance.verify(accessToken)).toMatchObject({ valid: false, reason: 'MALFORMED_TOKEN' })
    const audit = await database.db.prisma.auditLog.findMany({ where: { subject: grant?.jti ?? '' } })
    expect(audit).toMatchObject([
      {
        operatorId: operator.id,
        action: 'token.exchange',
        actor: `agent:${agent.did}`,
        reason: `actor ${agent.did}; chained to ${BETA}; grants ["${jti}"]; scope ["read"]; audience ["${RESOURCE}"]; edges ["${EDGE}"]`,
      },
    ])
  })

  it('is accepted with a DPoP proof only if the proof is by the same key', async () => {
    expect(await ask({}, agent, await provenCall(agent))).toMatchObject({ tokenType: 'N_A' })
    const other = await provenCall(await insertAgent(database.db, operator))
    await expectRefusal(database.db, () => ask({}, agent, other), 'INVALID_DPOP_PROOF')
  })

  it('gives a grant that expires with its subject token', async () => {
    token = await instance.issue(agent, { scope: 'orders:read', ttl: '30' })
    const { grant } = read((await ask()).accessToken)
    expect(grant?.exp).toBe(claimsOf(token).exp)
  })

  it('gives a grant that expires with the statement of the operator, and so does the token for it', async () => {
    const exp = Math.floor(Date.now() / 1_000) + 20
    chain = { scopes: ['read'], edge: EDGE, exp: exp + 0.5 }
    const { grant } = read((await ask()).accessToken)
    expect([grant?.exp, grant?.token.exp]).toEqual([exp, exp])
  })

  it('gives a grant with the epoch of its subject token, whatever ends meanwhile', async () => {
    afterCheck = () => database.db.pool.query('UPDATE deployment SET first_epoch = first_epoch + 5')
    const { grant } = read((await ask()).accessToken)
    expect(grant?.epoch).toEqual([1, 1])
    await expectRefusal(database.db, () => ask(), 'OPERATOR_TOKENS_ENDED')
    await database.db.pool.query('UPDATE deployment SET first_epoch = 1')
  })

  it('names the key of the subject token, whatever key signs the grant', async () => {
    const { kid, sign } = otherKey
    const { grant, header } = read((await ask({ subjectToken: sign(claimsOf(token)) })).accessToken)
    expect(grant?.token.kid).toBe(kid)
    expect(header.kid).not.toBe(kid)
  })

  it('is refused by its form, and changes nothing', async () => {
    const cases: [string, Wishes][] = [
      ['INVALID_ARGUMENT', { subjectToken: '' }],
      ['INVALID_ARGUMENT', { subjectTokenType: GRANT_CHAIN }],
      ['INVALID_ARGUMENT', { actorToken: token, actorTokenType: ACCESS_TOKEN }],
      ['INVALID_ARGUMENT', { mayAct: agent.did }],
      ['INVALID_ARGUMENT', { scope: '' }],
      ['INVALID_SCOPE', { scope: '*' }],
      ['UNSUPPORTED_AUTHORIZATION_DETAILS', { authorizationDetails: '[]' }],
      ['INVALID_AUDIENCE', { audience: '' }],
      ['INVALID_AUDIENCE', { audience: ISSUER }],
      ['INVALID_AUDIENCE', { audience: 'https://Beta.example' }],
      ['INVALID_AUDIENCE', { resource: [] }],
      ['INVALID_AUDIENCE', { resource: [RESOURCE, `${RESOURCE}/2`] }],
      ['BINDING_MISMATCH', clientAssertion(agent, { scope: 'orders:write' })],
      ['BINDING_MISMATCH', clientAssertion(agent, { resource: `${RESOURCE}/2` })],
      ['BINDING_MISMATCH', clientAssertion(agent, { subject_token: sha256Text('x', 'base64url') })],
    ]
    for (const [reason, wishes] of cases) await expectRefusal(database.db, () => ask(wishes), reason)
    expect(asked).toEqual([])
  })

  it.each<[string, string, Chain]>([
    ['AUDIENCE_NOT_ALLOWED', 'the issuer', { refused: 'issuer' }],
    ['AUDIENCE_NOT_ALLOWED', 'the resource', { refused: 'resource' }],
    ['SCOPE_NOT_ALLOWED', 'a scope', { refused: 'scope' }],
    ['TRUST_ENDED', 'anything any more', { refused: 'ended' }],
  ])('is %s when the statements of the operator do not allow %s', async (reason, _what, refused) => {
    chain = refused
    await expectRefusal(database.db, () => ask(), reason)
  })

  it('is refused for a scope that the subject token does not allow', async () => {
    token = await instance.issue(agent, { scope: 'orders:write' })
    await expectRefusal(database.db, () => ask(), 'SCOPE_NOT_ALLOWED')
    expect(asked).toEqual([])
  })

  it('is refused for the access token of another agent, and for a text that is no access token', async () => {
    const other = await insertAgent(database.db, operator, { scopes: ['orders:read'] })
    await expectRefusal(database.db, () => ask({}, other), 'INVALID_SUBJECT_TOKEN')
    const { accessToken = '' } = await ask()
    await expectRefusal(database.db, () => ask({ subjectToken: accessToken }), 'INVALID_SUBJECT_TOKEN')
  })

  it('is refused for a token that rests on another deployment, so there is no second hop', async () => {
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
    const home = { iss: BETA, jti: 'j', kid, generation: 1, epoch: [1, 1] as const }
    for (const trust of [{ home }, { edges: ['e0000000-0000-8000-8000-000000000001'] }]) {
      const subjectToken = await instance.keys.signer.sign(kid, { ...claimsOf(token), ...trust })
      await expectRefusal(database.db, () => ask({ subjectToken }), 'INVALID_SUBJECT_TOKEN')
    }
  })

  it('is refused for a revoked token, and for one that has expired', async () => {
    await instance.revoke({ token })
    await expectRefusal(database.db, () => ask(), 'TOKEN_REVOKED')
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
    const past = Math.floor(Date.now() / 1_000) - 5
    const subjectToken = await instance.keys.signer.sign(kid, {
      ...claimsOf(token),
      iat: past - 60,
      nbf: past - 60,
      exp: past,
    })
    await expectRefusal(database.db, () => ask({ subjectToken }), 'TOKEN_EXPIRED')
  })

  it('attack 21: is refused when all tokens of the agent end before the redemption', async () => {
    const data = { epoch: { increment: 1 }, version: { increment: 1 } }
    between = () => database.db.prisma.agent.update({ where: { id: agent.id }, data })
    await expect(ask()).rejects.toMatchObject({ reason: 'AGENT_TOKENS_ENDED' })
  })
})
