import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestInstance } from '../../../test/support/authn.ts'
import { freshOperator, type TestHolder } from '../../../test/support/authn-agents.ts'
import type { TestDatabase } from '../../../test/support/database.ts'
import { type ExchangeWorld, startExchangeWorld } from '../../../test/support/exchange-world.ts'
import { ACCESS_TOKEN, exchangeChain, provenCall } from '../../../test/support/exchanges.ts'
import { expectRefusal } from '../../../test/support/expect-refusal.ts'
import { handOn, rootFor, type TestGrantKey } from '../../../test/support/held-chains.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { newTrust } from '../../../test/support/trust-records.ts'

let database: TestDatabase
let instance: TestInstance
let key: TestGrantKey
let operators: ExchangeWorld['operators']
let holders: ExchangeWorld['holders']
let chain: string

beforeAll(async () => {
  ;({ database, instance, key, operators, holders, chain } = await startExchangeWorld())
})
afterAll(() => database.drop())

const exchange = (wishes: Parameters<typeof exchangeChain>[3] = {}) =>
  exchangeChain(instance, holders[2], chain, wishes)

describe('the owner of an audience', () => {
  it.each<[string, number | undefined]>([
    ['accepts a chain when it lists the domains of the first and of the last holder', undefined],
    ['refuses a chain when it does not list the domain of the first holder', 0],
    ['refuses a chain when it does not list the domain of the last holder', 2],
  ])('%s', async (_, missing) => {
    const owner = await freshOperator(database.db)
    const audience = `https://api.${owner.domain}/v1`
    const callers = [0, 2].filter((at) => at !== missing).map((at) => operators[at]?.domain ?? '')
    await database.db.prisma.operatorAudience.create({ data: { operatorId: owner.id, audience, callers } })
    const tools = { [`${audience}#read`]: {} }
    const root = await rootFor(key, holders[0], { tools, to: operators.map(({ domain }) => domain) })
    const text = await handOn(key, root, holders[0], holders[2], { tools })
    const work = exchangeChain(instance, holders[2], text, { resource: [audience] })
    expect(await refusalOf(work)).toBe(missing === undefined ? undefined : 'AUDIENCE_NOT_ALLOWED')
  })

  it('refuses a chain when it does not list the domain of a holder in the middle', async () => {
    const owner = await freshOperator(database.db)
    const audience = `https://api.${owner.domain}/v1`
    const tools = { [`${audience}#read`]: {} }
    const to = operators.map(({ domain }) => domain)
    const root = await rootFor(key, holders[0], { tools, to })
    const middle = await handOn(key, root, holders[0], holders[1], { tools, to })
    const text = await handOn(key, middle, holders[1], holders[2], { tools })
    const callers = [operators[0].domain, operators[2].domain]
    const where = { operatorId_audience: { operatorId: owner.id, audience } }
    await database.db.prisma.operatorAudience.create({ data: { operatorId: owner.id, audience, callers } })
    const work = () => exchangeChain(instance, holders[2], text, { resource: [audience] })
    expect(await refusalOf(work())).toBe('AUDIENCE_NOT_ALLOWED')
    await database.db.prisma.operatorAudience.update({ where, data: { callers: [...callers, operators[1].domain] } })
    expect(await refusalOf(work())).toBeUndefined()
  })

  it('may demand a nonce in the DPoP proof', async () => {
    const owner = await freshOperator(database.db)
    const audience = `https://api.${owner.domain}/v1`
    const data = { operatorId: owner.id, audience, callers: ['*'], dpop: 'required-with-nonce' }
    await database.db.prisma.operatorAudience.create({ data })
    const tools = { [`${audience}#read`]: {} }
    const text = await handOn(key, await rootFor(key, holders[0], { tools }), holders[0], holders[0], { tools })
    const work = exchangeChain(instance, holders[0], text, { resource: [audience] })
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ reason: 'DPOP_NONCE_REQUIRED', dpopNonce: expect.any(String) })
    const nonce = typeof error === 'object' && error !== null && 'dpopNonce' in error ? error.dpopNonce : ''
    const call = await provenCall(holders[0], { nonce })
    expect(await refusalOf(exchangeChain(instance, holders[0], text, { resource: [audience] }, call))).toBeUndefined()
  })
})

const own = async (agent: TestHolder) => (await instance.oauthToken(agent)).accessToken ?? ''
const ask = (actorToken: string) => exchange({ actorToken, actorTokenType: ACCESS_TOKEN })

describe('actor_token', () => {
  it('may be a token of the client', async () => {
    expect(await refusalOf(ask(await own(holders[2])))).toBeUndefined()
  })

  it.each<[string, string, () => Promise<string>]>([
    ['IMPERSONATION_REFUSED', 'a token of another agent', () => own(holders[0])],
    [
      'IMPERSONATION_REFUSED',
      'a token in which the client acts for another',
      async () => (await exchange()).accessToken ?? '',
    ],
    ['INVALID_SUBJECT_TOKEN', 'no token', async () => 'a.b.c'],
    ['INVALID_SUBJECT_TOKEN', 'a chain', async () => chain],
    [
      'INVALID_SUBJECT_TOKEN',
      'a token of the client from another deployment',
      async () => {
        const [{ kid }, claims] = (await own(holders[2]))
          .split('.', 2)
          .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
        return instance.keys.signer.sign(kid, { ...claims, ...newTrust().chained })
      },
    ],
    [
      'TOKEN_REVOKED',
      'a revoked token of the client',
      async () => {
        const token = await own(holders[2])
        await instance.revokeOwn(holders[2], token)
        return token
      },
    ],
  ])('%s for %s', async (reason, _, token) => {
    const actorToken = await token()
    await expectRefusal(database.db, () => ask(actorToken), reason)
  })
})
