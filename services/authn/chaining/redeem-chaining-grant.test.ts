import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ISSUER, startInstance } from '../../../test/support/authn.ts'
import { authnState, clientAssertion } from '../../../test/support/authn-agents.ts'
import { expectRefusal } from '../../../test/support/expect-refusal.ts'
import {
  grantNow,
  payloadOf,
  provenBy,
  redemption,
  useChainedServer,
} from '../../../test/support/federation/chained-server.ts'
import { AGENT_JKT, CHAINS_TO, GOOD_GRANT } from '../../../test/support/federation/chaining-world.ts'
import {
  ACME,
  ACME_DID,
  ALPHA,
  AUDIENCE,
  alpha,
  alphaKey,
  CARGO,
  EDGES,
  GAMMA,
  gamma,
  letsCall,
} from '../../../test/support/federation/foreign-parties.ts'
import { anonymous } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { testTokenKey } from '../../../test/support/token-keys.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { useGrant } from './store.ts'

const serve = useChainedServer()
const ONE_AN_HOUR = { perMinute: 1 / 60, burst: 1 }

describe('a grant of another deployment', () => {
  it('gives a token that names all that it rests on, and no refresh token', async () => {
    const { redeem } = serve()
    const answer = await redeem(grantNow({ jti: 'first' }))
    expect(answer).toEqual({
      accessToken: answer.accessToken,
      tokenType: 'DPoP',
      expiresIn: 900,
      scope: 'orders:read',
    })
    const { iat, jti, ...claims } = payloadOf(answer.accessToken)
    expect(claims).toEqual({
      iss: ISSUER,
      sub: ACME_DID,
      client_id: ACME_DID,
      operator_id: ACME,
      aud: [AUDIENCE],
      scope: 'orders:read',
      nbf: iat,
      exp: Number(iat) + 900,
      epoch: [1, 1],
      cnf: { jkt: AGENT_JKT },
      edges: [EDGES.alphaAcme, EDGES.letsCall],
      home: {
        iss: ALPHA,
        jti: 'token-at-home',
        kids: [alphaKey.entry.kid],
        generation: 1,
        epoch: [3, 7],
        edge: CHAINS_TO,
      },
    })
    const audit = await serve().database.db.prisma.auditLog.findMany({ where: { subject: String(jti) } })
    expect(audit).toMatchObject([
      {
        operatorId: CARGO,
        actor: `agent:${ACME_DID}`,
        action: 'token.chain',
        reason:
          `actor ${ACME_DID}; chained from ${ALPHA}; grants ["first","token-at-home"]; scope ["orders:read"]; ` +
          `audience ["${AUDIENCE}"]; edges ["${EDGES.alphaAcme}","${EDGES.letsCall}"]`,
      },
    ])
  })

  it.each([
    ['the token at home', 120, {}, { ...GOOD_GRANT.token, exp: 120 }],
    ['the first edge that expires', 100, { rows: [letsCall({ exp: Date.now() / 1_000 + 100 })] }, undefined],
  ])('gives a token that expires no later than %s', async (_what, most, options, token) => {
    const { redeem } = serve(options)
    const nowS = Math.floor(Date.now() / 1_000)
    const claims = token && { token: { ...token, exp: nowS + token.exp } }
    const { accessToken } = await redeem(grantNow(claims))
    expect(Number(payloadOf(accessToken)['exp']) - nowS).toBeLessThanOrEqual(most)
  })

  it('gives a token that lives no longer than the administrator allows', async () => {
    const { redeem } = serve({ issuers: [{ ...alpha, maxTokenTtlS: 60 }, gamma] })
    const { iat, exp } = payloadOf((await redeem(grantNow())).accessToken)
    expect(Number(exp) - Number(iat)).toBe(60)
  })

  it('names the key of the token at home, and that of the grant', async () => {
    const kid = 'A'.repeat(43)
    const { accessToken } = await serve().redeem(grantNow({ token: { ...GOOD_GRANT.token, exp: 2e9, kid } }))
    expect(payloadOf(accessToken)['home']).toMatchObject({ kids: [kid, alphaKey.entry.kid] })
  })

  it('gives no token when the deployment demands a standby, and the commit waited for none', async () => {
    const { database, chaining, agent } = serve()
    const seen: boolean[] = []
    const demand = (isReplicated: boolean) => {
      seen.push(isReplicated)
      throw new ApiError('NOT_DURABLE')
    }
    const { oauthToken } = await startInstance(database.db, { chaining, durability: { demand } })
    expect(await refusalOf(oauthToken(agent, redemption(grantNow()), provenBy()))).toBe('NOT_DURABLE')
    expect(seen).toEqual([false])
  })

  it('is refused with other parameters, and changes nothing', async () => {
    const { database, redeem, agent } = serve()
    const cases: [string, Parameters<typeof redeem>[1]][] = [
      ['INVALID_ARGUMENT', { clientAssertionType: 'x' }],
      ['INVALID_ASSERTION', { ...clientAssertion(agent), clientAssertion: 'x' }],
      ['INVALID_ARGUMENT', { assertion: '' }],
      ['INVALID_ARGUMENT', { subjectToken: 'x' }],
      ['INVALID_ARGUMENT', { audience: ISSUER }],
      ['INVALID_ARGUMENT', { mayAct: ACME_DID }],
      ['INVALID_SCOPE', { scope: '*' }],
      ['INVALID_AUDIENCE', { resource: [AUDIENCE, `${AUDIENCE}/2`] }],
      ['UNSUPPORTED_AUTHORIZATION_DETAILS', { authorizationDetails: '[]' }],
      ['AUDIENCE_NOT_ALLOWED', { resource: [`${AUDIENCE}/2`] }],
      ['SCOPE_NOT_ALLOWED', { scope: 'write' }],
      ['CLIENT_MISMATCH', { clientId: agent.did }],
    ]
    for (const [reason, wishes] of cases) await expectRefusal(database.db, () => redeem(undefined, wishes), reason)
  })

  it('is accepted with the parameters that repeat it', async () => {
    const { redeem } = serve()
    const answer = await redeem(undefined, { clientId: ACME_DID, scope: 'read', resource: [AUDIENCE] })
    expect(answer.scope).toBe('orders:read')
  })
})

describe('what a stranger can learn or use up', () => {
  it('is not which issuers are admitted', async () => {
    const { redeem } = serve({ issuers: [{ ...alpha, isEnabled: false }, gamma] })
    const details = new Set<string>()
    for (const claims of [{}, { iss: GAMMA }, { iss: 'https://unknown.example' }]) {
      const error: unknown = await redeem(grantNow(claims)).catch((thrown: unknown) => thrown)
      details.add(error instanceof ApiError ? `${error.reason} ${error.message}` : '')
    }
    expect([...details]).toEqual([expect.stringMatching(/^GRANT_NOT_ACCEPTED /)])
    expect(await refusalOf(redeem(undefined, {}, provenBy(undefined, { htm: 'GET' })))).toBe('INVALID_DPOP_PROOF')
  })

  it('is limited for each operator of another deployment, and only by genuine grants', async () => {
    const { database } = serve()
    const limited = await startInstance(database.db, { chaining: serve().chaining, chainedRate: ONE_AN_HOUR })
    const ask = (grant = grantNow(), call = provenBy()) => limited.oauthToken(serve().agent, redemption(grant), call)
    const forged = `${grantNow().slice(0, -8)}AAAAAAAA`
    for (let time = 0; time < 3; time += 1) expect(await refusalOf(ask(forged))).toBe('GRANT_NOT_ACCEPTED')
    expect(await refusalOf(ask())).toBeUndefined()
    expect(await refusalOf(ask())).toBe('RATE_LIMITED')
  })

  it('is no more than the records that an operator may have', async () => {
    const { database } = serve()
    const expiresAt = new Date(Date.now() + 900_000)
    const operatorId = randomUUID()
    const records = ['a', 'b'].map((jti) => ({ operatorId, jti, expiresAt }))
    await database.db.prisma.revokedToken.createMany({ data: records })
    const use = (grantId: string, maxRecords: number) => {
      const ids = { grantId, dpopId: `proof for ${grantId}`, jti: randomUUID(), operatorId, owner: CARGO }
      const exp = Date.now() / 1_000 + 60
      const rest = {
        issuer: ALPHA,
        exp,
        dpopExp: exp,
        alg: 'EdDSA',
        actor: 'agent:x',
        reason: '',
        requestId: '',
      } as const
      return useGrant(database.db.pool, { ...ids, ...rest }, maxRecords)
    }
    expect(await use('one', 3)).toMatchObject({ kind: 'issued' })
    const before = await authnState(database.db)
    expect(await use('two', 2)).toEqual({ kind: 'crowded' })
    expect(await authnState(database.db)).toEqual(before)
    expect(await use('two', 3)).toMatchObject({ kind: 'issued' })
  })
})

describe('attack 23', () => {
  it('a grant that is replayed at two processes at the same time gives one token', async () => {
    const { database, redeem } = serve()
    const before = await database.db.prisma.auditLog.count({ where: { action: 'token.chain' } })
    const grant = grantNow()
    const attempts = Array.from({ length: 20 }, (_, at) => redeem(grant, {}, provenBy(), at % 2 === 0 ? 0 : 1))
    const refusals = await Promise.all(attempts.map(refusalOf))
    expect(refusals.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(refusals.filter((reason) => reason === 'GRANT_USED')).toHaveLength(19)
    expect(await database.db.prisma.auditLog.count({ where: { action: 'token.chain' } })).toBe(before + 1)
  })

  it('a stolen grant gives nothing without the key that it names', async () => {
    const { database, redeem } = serve()
    const grant = grantNow()
    const thief = testTokenKey('EdDSA')
    await expectRefusal(database.db, () => redeem(grant, {}, provenBy(thief)), 'CLIENT_MISMATCH')
    await expectRefusal(database.db, () => redeem(grant, {}, anonymous()), 'DPOP_PROOF_REQUIRED')
    const elsewhere = provenBy(undefined, { htu: `${ISSUER}/oauth/introspect` })
    await expectRefusal(database.db, () => redeem(grant, {}, elsewhere), 'INVALID_DPOP_PROOF')
    expect(await refusalOf(redeem(grant))).toBeUndefined()
  })

  it('a DPoP proof that is replayed uses up no grant', async () => {
    const { redeem } = serve()
    const call = provenBy()
    expect(await refusalOf(redeem(grantNow(), {}, call))).toBeUndefined()
    const grant = grantNow()
    expect(await refusalOf(redeem(grant, {}, call))).toBe('DPOP_PROOF_USED')
    expect(await refusalOf(redeem(grant))).toBeUndefined()
  })

  it('a grant stays used when its process forgets it, and a grant of another issuer may have the same jti', async () => {
    const { redeem, database } = serve()
    const grant = grantNow({ jti: 'same' })
    await redeem(grant)
    const uses = await database.db.prisma.usedAssertion.findMany({ where: { jti: 'same' } })
    expect(uses).toMatchObject([{ issuer: ALPHA }])
    const exp = Number(payloadOf(grant)['exp'])
    expect(uses[0]?.keepUntil.getTime()).toBeGreaterThanOrEqual((exp + 20) * 1_000)
    await database.db.prisma.usedAssertion.create({ data: { issuer: 'x', jti: 'other', keepUntil: new Date() } })
    expect(await refusalOf(redeem(grantNow({ jti: 'other' })))).toBeUndefined()
  })

  it("a grant that had expired when the database's clock was later stays expired", async () => {
    const { redeem, database } = serve()
    await database.db.pool.query(`UPDATE deployment SET clock_reached = now() + interval '71 s'`)
    const before = await authnState(database.db)
    expect(await refusalOf(redeem())).toBe('GRANT_NOT_ACCEPTED')
    expect(await authnState(database.db)).toEqual(before)
    await database.db.pool.query(`UPDATE deployment SET clock_reached = now() - interval '1 h'`)
    expect(await refusalOf(redeem())).toBeUndefined()
  })
})

describe('attack 24', () => {
  it('a grant is no access token, and an access token is no grant', async () => {
    const { instances, redeem, agent } = serve()
    expect(await instances[0].verify(grantNow())).toMatchObject({ valid: false, reason: 'MALFORMED_TOKEN' })
    const { accessToken } = await redeem()
    expect(await refusalOf(redeem(accessToken))).toBe('GRANT_NOT_ACCEPTED')
    expect(await instances[0].introspect(agent, grantNow())).toEqual({ active: false })
  })
})

it('an operator of another deployment cannot take the id of an operator of this one', async () => {
  const domain = { domain: 'acme.example', edgeId: EDGES.alphaAcme, operatorId: CARGO, provenAt: 0 }
  const issuers = [{ ...alpha, domains: new Map([['acme.example', domain]]) }, gamma]
  const rows = [letsCall({ to: `${ALPHA} acme.example ${CARGO}` })]
  const { database, redeem } = serve({ issuers, rows })
  await expectRefusal(database.db, () => redeem(grantNow({ operator_id: CARGO })), 'GRANT_NOT_ACCEPTED')
})

it('the owner of the audience chooses the algorithm, and whether the proof needs a nonce', async () => {
  const { database, redeem } = serve()
  const data = { operatorId: CARGO, audience: AUDIENCE, callers: [], dpop: 'required-with-nonce' }
  await database.db.prisma.operatorAudience.create({ data })
  expect(await refusalOf(redeem())).toBe('DPOP_NONCE_REQUIRED')
  await database.db.prisma.operatorAudience.deleteMany({})
  await database.db.prisma.operatorAudience.create({ data: { ...data, dpop: null, tokenSigningAlg: 'ES256' } })
  const { accessToken = '' } = await redeem()
  await database.db.prisma.operatorAudience.deleteMany({})
  const header = JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString())
  expect(header).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
})
