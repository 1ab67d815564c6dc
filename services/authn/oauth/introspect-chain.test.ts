import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ISSUER, startInstance, type TestInstance } from '../../../test/support/authn.ts'
import { authnState, freshOperator, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import {
  chainThrough,
  handOn,
  insertGrantKey,
  lastId,
  rootFor,
  SHOP,
  type TestGrantKey,
} from '../../../test/support/held-chains.ts'
import { asOperator, type TestOperator } from '../../../test/support/identity.ts'

let database: TestDatabase
let instance: TestInstance
let key: TestGrantKey
let operators: readonly [TestOperator, TestOperator, TestOperator]
let holders: readonly [TestHolder, TestHolder, TestHolder]

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  key = await insertGrantKey(database.db)
  const { db } = database
  operators = [await freshOperator(db), await freshOperator(db), await freshOperator(db)]
  const [first, second] = operators
  holders = [await insertAgent(db, first), await insertAgent(db, second), await insertAgent(db, first)]
})
afterAll(() => database.drop())

/** Introspects as a client that knows chains. */
const introspect = (client: TestHolder, token: string, wishes: { signed?: boolean; tokenTypeHint?: string } = {}) =>
  instance.introspect(client, token, { tokenTypeHint: 'urn:auth4agent:token-type:grant-chain', ...wishes })

const amount = { constraint_type: 'range', max: 500 }
const DETAILS = [{ type: 'attenuating_agent_token', tools: { [`${SHOP}#read`]: {}, [`${SHOP}#pay`]: { amount } } }]

describe('OAuthService.Introspect of a chain', () => {
  it('tells an agent of the operator of any holder who acts for whom, and what the last grant allows', async () => {
    const chain = await chainThrough(key, holders)
    const [principal, middle, actor] = holders
    for (const client of [principal, middle, actor]) {
      const answer = await introspect(client, chain)
      expect(answer).toMatchObject({
        active: true,
        iss: ISSUER,
        sub: principal.did,
        clientId: actor.did,
        operatorId: principal.operatorId,
        jti: lastId(chain),
        tokenType: 'DPoP',
        act: { sub: actor.did, act: { sub: middle.did } },
        aud: [SHOP],
        scope: 'read',
        authorizationDetails: DETAILS,
      })
      expect(answer.cnf?.jkt).toBe(
        (await instance.verify(chain, { delegation: 'accept', audience: [SHOP], scope: 'read', proofChecked: true }))
          .delegation?.cnf?.jkt,
      )
      expect(Number(answer.exp) - Math.floor(Date.now() / 1000)).toBeGreaterThan(800)
    }
  })

  it('has no act for a root grant alone', async () => {
    const answer = await introspect(holders[0], await rootFor(key, holders[0]))
    expect(answer).toMatchObject({ active: true, sub: holders[0].did, clientId: holders[0].did })
    expect(answer.act).toBeUndefined()
  })

  it('tells the owner of an audience only what the chain allows there', async () => {
    const [, , owner] = operators
    const audience = `https://api.${owner.domain}/v1`
    await database.db.prisma.operatorAudience.create({ data: { operatorId: owner.id, audience, callers: ['*'] } })
    const service = await insertAgent(database.db, owner)
    const tools = { [`${SHOP}#read`]: {}, [`${audience}#write`]: { amount }, [`${audience}#read`]: {} }
    const chain = await handOn(key, await rootFor(key, holders[0], { tools }), holders[0], holders[2], { tools })
    const own = { [`${audience}#write`]: { amount }, [`${audience}#read`]: {} }
    const answer = await introspect(service, chain)
    expect(answer).toMatchObject({ active: true, sub: holders[0].did, aud: [audience], scope: 'read' })
    expect(answer.authorizationDetails).toEqual([{ type: 'attenuating_agent_token', tools: own }])
    const all = await introspect(holders[2], chain)
    expect(all.aud).toEqual([SHOP, audience])
  })

  it('names no scope that is missing or constrained at one of the audiences', async () => {
    const other = 'https://other.example'
    const tools = {
      [`${SHOP}#a`]: {},
      [`${SHOP}#b`]: {},
      [`${SHOP}#c`]: {},
      [`${other}#a`]: {},
      [`${other}#b`]: { amount },
    }
    expect(await introspect(holders[0], await rootFor(key, holders[0], { tools }))).toMatchObject({
      scope: 'a',
    })
  })

  it('signs the same answer', async () => {
    const chain = await chainThrough(key, holders)
    const { jwt = '' } = await introspect(holders[0], chain, { signed: true })
    const { token_introspection: told } = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
    expect(told).toMatchObject({
      active: true,
      sub: holders[0].did,
      client_id: holders[2].did,
      act: { sub: holders[2].did, act: { sub: holders[1].did } },
      authorization_details: DETAILS,
      token_type: 'DPoP',
    })
    expect(told).not.toHaveProperty('epoch')
  })

  const inactive: [string, (chain: string) => Promise<{ client?: TestHolder; text?: string }>][] = [
    [
      'an agent of another operator',
      async () => ({ client: await insertAgent(database.db, await freshOperator(database.db)) }),
    ],
    ['its holder after a change of its text', async (chain) => ({ text: `${chain}x` })],
    [
      'its holder after its root was revoked',
      async (chain) => {
        await instance.revoke({ token: chain.split('~')[0] ?? '' }, asOperator(operators[0]))
        return {}
      },
    ],
    [
      'its holder after it has expired',
      async () => ({ text: await rootFor(key, holders[0], { lifetime: [-900, -20] }) }),
    ],
  ]
  it.each(inactive)('is not active for %s', async (_, change) => {
    const chain = await chainThrough(key, holders)
    const { client = holders[0], text = chain } = await change(chain)
    expect(await introspect(client, text)).toEqual({ active: false })
  })

  it.each(['', 'access_token', 'grant-chain', 'urn:auth4agent:token-type:Grant-Chain', 'aat+jwt'])(
    'is not active for a client that may not know chains, because its hint is "%s"',
    async (tokenTypeHint) => {
      for (const text of [await chainThrough(key, holders), await rootFor(key, holders[0])]) {
        expect(await introspect(holders[0], text, { tokenTypeHint })).toEqual({ active: false })
        const { jwt = '' } = await introspect(holders[0], text, { tokenTypeHint, signed: true })
        const { token_introspection: told } = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
        expect(told).toEqual({ active: false })
      }
    },
  )

  it('writes nothing but the used assertion', async () => {
    const chain = await chainThrough(key, holders)
    const { audit, revoked } = (await authnState(database.db)) as { audit: unknown; revoked: unknown }
    await introspect(holders[0], chain)
    expect(await authnState(database.db)).toMatchObject({ audit, revoked })
  })
})
