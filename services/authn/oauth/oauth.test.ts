import { randomUUID } from 'node:crypto'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ISSUER, startInstance, type TestInstance } from '../../../test/support/authn.ts'
import {
  authnState,
  clientAssertion,
  freshOperator,
  insertAgent,
  type TestAgent,
} from '../../../test/support/authn-agents.ts'
import { silentLog, type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import type { TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { type Db, openDb } from '../../platform/db/db.ts'

let database: TestDatabase
let otherDb: Db
let instances: [TestInstance, TestInstance]
let server: TestInstance
let operator: TestOperator
let agent: TestAgent

beforeAll(async () => {
  database = await testDatabase()
  otherDb = openDb({ url: database.url, poolSize: 10, log: silentLog })
  instances = [await startInstance(database.db), await startInstance(otherDb)]
  server = instances[0]
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
})
afterAll(async () => {
  await otherDb.close()
  await database.drop()
})

const claimsOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

describe('OAuthService.Token', () => {
  it('issues a token with the terms of the request', async () => {
    const resource = ['https://api.example/a', 'https://api.example/b']
    const answer = await server.oauthToken(agent, { scope: 'write read', resource, clientId: agent.did })
    expect(answer).toMatchObject({ tokenType: 'Bearer', expiresIn: 900, scope: 'read write' })
    expect(claimsOf(answer.accessToken)).toMatchObject({ sub: agent.did, client_id: agent.did, aud: resource })
    expect(await server.verify(answer.accessToken ?? '')).toMatchObject({ valid: true })
  })

  it('issues a token without scopes for the issuer when the request names none', async () => {
    const answer = await server.oauthToken(agent)
    expect(claimsOf(answer.accessToken)).toMatchObject({ aud: [ISSUER], scope: '' })
  })

  it('issues a token with the terms of the assertion, which the request may only repeat', async () => {
    const claims = { scope: 'read', resource: 'https://api.example/a' }
    const answer = await server.oauthToken(agent, clientAssertion(agent, claims))
    expect(claimsOf(answer.accessToken)).toMatchObject({ aud: [claims.resource], scope: 'read' })
    const more = [{ scope: 'read write' }, { resource: ['https://api.example/b'] }]
    for (const wishes of more) {
      const request = server.oauthToken(agent, { ...clientAssertion(agent, claims), ...wishes })
      expect(await refusalOf(request)).toBe('BINDING_MISMATCH')
    }
  })

  it('requires scope and resource in the assertion of an agent that needs bound challenges', async () => {
    const careful = await insertAgent(database.db, operator)
    await database.db.prisma.agent.update({ where: { id: careful.id }, data: { requireBoundChallenges: true } })
    const resource = 'https://api.example/a'
    const ask = (claims: object) =>
      server.oauthToken(careful, { scope: 'read', resource: [resource], ...clientAssertion(careful, claims) })
    for (const claims of [{}, { scope: 'read' }, { resource }]) {
      expect(await refusalOf(ask(claims))).toBe('BINDING_REQUIRED')
    }
    expect(await refusalOf(ask({ scope: 'read', resource }))).toBeUndefined()
  })

  it('refuses an assertion that another key has signed, or that names another key', async () => {
    const foreign = { ...agent, key: generateKeyPair().privateKey }
    expect(await refusalOf(server.oauthToken(agent, clientAssertion(foreign)))).toBe('INVALID_SIGNATURE')
  })

  it('does not use up an assertion when it refuses the request', async () => {
    const assertion = clientAssertion(agent)
    const before = await authnState(database.db)
    expect(await refusalOf(server.oauthToken(agent, { ...assertion, scope: 'admin' }))).toBe('SCOPE_NOT_ALLOWED')
    expect(await authnState(database.db)).toEqual(before)
    expect(await refusalOf(server.oauthToken(agent, { ...assertion, scope: 'read' }))).toBeUndefined()
  })
})

describe('a client assertion', () => {
  it('is accepted once when two processes get 60 requests with it at the same time', async () => {
    const assertion = clientAssertion(agent)
    const attempts = Array.from({ length: 30 }, () => instances.map(({ oauthToken }) => oauthToken(agent, assertion)))
    const refusals = await Promise.all(attempts.flat().map(refusalOf))
    expect(refusals.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(refusals.filter((reason) => reason === 'ASSERTION_USED')).toHaveLength(59)
  })

  it('is accepted once over all endpoints and processes', async () => {
    const token = (await server.oauthToken(agent)).accessToken ?? ''
    const uses: ((instance: TestInstance, assertion: object) => Promise<unknown>)[] = [
      (instance, assertion) => instance.oauthToken(agent, assertion),
      (instance, assertion) => instance.introspect(agent, token, assertion),
      (instance, assertion) => instance.revokeOwn(agent, 'other', assertion),
    ]
    for (const first of uses) {
      const assertion = clientAssertion(agent)
      expect(await refusalOf(first(instances[0], assertion))).toBeUndefined()
      for (const second of uses) expect(await refusalOf(second(instances[1], assertion))).toBe('ASSERTION_USED')
    }
  })

  it('of one agent does not use up the same jti of another agent', async () => {
    const other = await insertAgent(database.db, operator)
    const jti = randomUUID()
    expect(await refusalOf(server.oauthToken(agent, clientAssertion(agent, { jti })))).toBeUndefined()
    expect(await refusalOf(server.oauthToken(other, clientAssertion(other, { jti })))).toBeUndefined()
  })

  it('is refused at every endpoint while its agent is suspended', async () => {
    const idle = await insertAgent(database.db, operator, { status: 'suspended' })
    const before = await authnState(database.db)
    const calls = [() => server.oauthToken(idle), () => server.introspect(idle, 'x'), () => server.revokeOwn(idle, 'x')]
    for (const call of calls) expect(await refusalOf(call())).toBe('AGENT_NOT_ACTIVE')
    expect(await authnState(database.db)).toEqual(before)
  })
})

describe('OAuthService.Introspect', () => {
  it('tells an agent about tokens of its operator, and others nothing', async () => {
    const token = (await server.oauthToken(agent, { scope: 'read' })).accessToken ?? ''
    const sibling = await insertAgent(database.db, operator)
    const stranger = await insertAgent(database.db, await freshOperator(database.db))
    for (const caller of [agent, sibling]) {
      expect(await server.introspect(caller, token)).toMatchObject({ active: true, sub: agent.did, scope: 'read' })
    }
    expect(await server.introspect(stranger, token)).toEqual({ active: false })
  })

  it('tells an agent about a token for an audience that its operator owns', async () => {
    const owner = await freshOperator(database.db)
    const audience = `https://api.${owner.domain}/v1`
    await database.db.prisma.operatorAudience.create({ data: { operatorId: owner.id, audience, callers: ['*'] } })
    const service = await insertAgent(database.db, owner)
    const token = (await server.oauthToken(agent, { resource: ['https://other.example', audience] })).accessToken ?? ''
    expect(await server.introspect(service, token)).toMatchObject({ active: true })
    const elsewhere = (await server.oauthToken(agent, { resource: ['https://other.example'] })).accessToken ?? ''
    expect(await server.introspect(service, elsewhere)).toEqual({ active: false })
  })

  it.each<[string, (token: string) => Promise<unknown>]>([
    ['revoked', (token) => server.revoke({ token })],
    ['revoked by its agent', (token) => server.revokeOwn(agent, token)],
  ])('answers that a token is not active after it was %s', async (_, end) => {
    const token = (await server.oauthToken(agent)).accessToken ?? ''
    await end(token)
    expect(await server.introspect(agent, token)).toEqual({ active: false })
    expect(await server.verify(token)).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
  })

  it.each(['', ' ', 'a.b.c'])(
    'answers that the text "%s" is not active, or that the token is missing',
    async (text) => {
      const answer = server.introspect(agent, text)
      if (text === '') expect(await refusalOf(answer)).toBe('INVALID_ARGUMENT')
      else expect(await answer).toEqual({ active: false })
    },
  )

  it('signs the answer for its caller', async () => {
    const token = (await server.oauthToken(agent, { scope: 'read' })).accessToken ?? ''
    const { jwt = '' } = await server.introspect(agent, token, { signed: true })
    expect(JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({
      typ: 'token-introspection+jwt',
    })
    const { iss, aud, iat, token_introspection: told, ...others } = claimsOf(jwt)
    expect({ iss, aud, iat: typeof iat, others }).toEqual({ iss: ISSUER, aud: agent.did, iat: 'number', others: {} })
    expect(told).toMatchObject({ active: true, sub: agent.did, token_type: 'Bearer' })
    const { jwt: refused = '' } = await server.introspect(agent, 'a.b.c', { signed: true })
    expect(claimsOf(refused).token_introspection).toEqual({ active: false })
    // An access token has another typ, so no verifier accepts the answer as a token.
    expect(await server.verify(jwt)).toMatchObject({ valid: false, reason: 'MALFORMED_TOKEN' })
  })
})

describe('OAuthService.Revoke', () => {
  it('revokes only a token of the client', async () => {
    const sibling = await insertAgent(database.db, operator)
    const token = (await server.oauthToken(agent)).accessToken ?? ''
    expect(await server.revokeOwn(sibling, token)).toEqual({})
    expect(await server.verify(token)).toMatchObject({ valid: true })
    expect(await server.revokeOwn(agent, token)).toEqual({})
    expect(await server.verify(token)).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
    const { jti } = claimsOf(token)
    expect(
      await database.db.prisma.auditLog.findMany({ where: { action: 'token.revoke', subject: jti } }),
    ).toMatchObject([{ actor: `agent:${agent.did}`, operatorId: operator.id, outcome: 'done' }])
  })

  it.each(['a.b.c', 'unknown'])('does nothing for the text "%s"', async (text) => {
    const before = await database.db.prisma.revokedToken.count()
    expect(await server.revokeOwn(agent, text)).toEqual({})
    expect(await database.db.prisma.revokedToken.count()).toBe(before)
  })

  it('refuses a request without a token', async () => {
    expect(await refusalOf(server.revokeOwn(agent, ''))).toBe('INVALID_ARGUMENT')
  })
})
