import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ISSUER, startInstance, type TestInstance } from '../../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { type DelegatedWish, delegatedClaims, delegatedPayload } from '../../../test/support/delegated-tokens.ts'
import { details } from '../../../test/support/grant-chains.ts'
import { SHOP } from '../../../test/support/held-chains.ts'
import { asOperator, type TestOperator } from '../../../test/support/identity.ts'
import { claimsOf, insertTokenKey } from '../../../test/support/tokens.ts'

let database: TestDatabase
let instance: TestInstance
let operators: readonly [TestOperator, TestOperator, TestOperator]
let parties: readonly [TestHolder, TestHolder, TestHolder]
let tokens: Awaited<ReturnType<typeof insertTokenKey>>

const amount = { constraint_type: 'range', max: 500 }

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  const { db } = database
  tokens = await insertTokenKey(db, 'retiring')
  operators = [await freshOperator(db), await freshOperator(db), await freshOperator(db)]
  const [first, second] = operators
  parties = [await insertAgent(db, first), await insertAgent(db, second), await insertAgent(db, first)]
})
afterAll(() => database.drop())

const signed = (wish: DelegatedWish = {}, edits: object = {}) =>
  tokens.sign({ ...delegatedPayload(parties, wish), ...edits })

describe('OAuthService.Introspect of a delegated token', () => {
  it('tells an agent of the operator of any party who acts for whom, without a hint', async () => {
    const [principal, middle, actor] = parties
    const claims = delegatedClaims(parties)
    const token = tokens.sign(delegatedPayload(parties, claims))
    for (const client of [principal, middle, actor]) {
      for (const tokenTypeHint of ['', 'access_token', 'urn:auth4agent:token-type:grant-chain'])
        expect(await instance.introspect(client, token, { tokenTypeHint })).toEqual({
          active: true,
          iss: ISSUER,
          sub: principal.did,
          clientId: actor.did,
          operatorId: principal.operatorId,
          jti: claims.jti,
          tokenType: 'DPoP',
          iat: BigInt(claims.iat),
          nbf: BigInt(claims.nbf),
          exp: BigInt(claims.exp),
          cnf: claims.cnf,
          act: { sub: actor.did, act: { sub: middle.did } },
          aud: [SHOP],
          scope: 'read',
          authorizationDetails: details({ [`${SHOP}#pay`]: { amount } }),
        })
    }
  })

  it('tells the owner of an audience only about this audience', async () => {
    const [, , owner] = operators
    const audience = `https://api.${owner.domain}/v1`
    await database.db.prisma.operatorAudience.create({ data: { operatorId: owner.id, audience, callers: ['*'] } })
    const service = await insertAgent(database.db, owner)
    const tools = { [`${SHOP}#pay`]: { amount }, [`${audience}#write`]: { amount } }
    const aud = [SHOP, audience]
    const answer = await instance.introspect(service, signed({ aud, tools }))
    expect(answer).toMatchObject({ active: true, sub: parties[0].did, aud: [audience], scope: 'read' })
    expect(answer.authorizationDetails).toEqual(details({ [`${audience}#write`]: { amount } }))
    const bare = await instance.introspect(service, signed({ aud, tools: {}, scope: '' }))
    expect(bare).toMatchObject({ active: true, aud: [audience] })
    expect([bare.scope, bare.authorizationDetails]).toEqual([undefined, undefined])
    expect((await instance.introspect(parties[2], signed({ aud, tools }))).aud).toEqual(aud)
  })

  it('signs the same answer, without epochs and lineage', async () => {
    const { jwt = '' } = await instance.introspect(parties[0], signed(), { signed: true })
    const { token_introspection: told } = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
    const [principal, middle, actor] = parties
    expect(told).toMatchObject({
      active: true,
      sub: principal.did,
      client_id: actor.did,
      act: { sub: actor.did, act: { sub: middle.did } },
      token_type: 'DPoP',
    })
    for (const member of ['epoch', 'a4a_lineage', 'lineage', 'details']) expect(told).not.toHaveProperty(member)
  })

  it.each<[string, () => Promise<{ client?: TestHolder; text?: string }>]>([
    ['an agent of another operator', async () => ({ client: await insertAgent(database.db, operators[2]) })],
    ['a party after a change of act', async () => ({ text: signed({}, { act: { sub: parties[2].did } }) })],
    [
      'a party after its middle was suspended',
      async () => {
        const suspended = await insertAgent(database.db, operators[1])
        const text = tokens.sign(delegatedPayload([parties[0], suspended, parties[2]]))
        expect(await instance.introspect(parties[0], text)).toMatchObject({ active: true })
        const data = { status: 'suspended', epoch: { increment: 1 } } as const
        await database.db.prisma.agent.update({ where: { id: suspended.id }, data })
        return { text }
      },
    ],
    [
      'a party after it was revoked',
      async () => {
        const text = signed()
        await instance.revoke({ token: text }, asOperator(operators[1]))
        return { text }
      },
    ],
  ])('is not active for %s', async (_, change) => {
    const { client = parties[0], text = signed() } = await change()
    expect(await instance.introspect(client, text)).toEqual({ active: false })
  })
})

it('OAuthService.Introspect tells may_act of an ordinary token', async () => {
  const cnf = delegatedClaims(parties).cnf
  const token = tokens.sign(claimsOf(parties[0], { cnf, may_act: { sub: parties[1].did } }))
  const answer = await instance.introspect(parties[0], token)
  expect(answer).toMatchObject({ active: true, sub: parties[0].did, mayAct: { sub: parties[1].did } })
  expect(answer.act).toBeUndefined()
})
