import { hash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type TestInstance } from '../../../test/support/authn.ts'
import { clientAssertion, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import type { TestDatabase } from '../../../test/support/database.ts'
import { type ExchangeWorld, startExchangeWorld } from '../../../test/support/exchange-world.ts'
import { exchangeChain, provenCall } from '../../../test/support/exchanges.ts'
import { expectRefusal } from '../../../test/support/expect-refusal.ts'
import { details } from '../../../test/support/grant-chains.ts'
import {
  chainThrough,
  handOn,
  insertGrantKey,
  rootFor,
  SHOP,
  type TestGrantKey,
} from '../../../test/support/held-chains.ts'
import { anonymous } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const digestOf = (text: string) => hash('sha256', text, 'base64url')
const nowS = () => Math.floor(Date.now() / 1000)

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

describe('an exchange is refused and changes nothing', () => {
  it.each<[string, string, () => Promise<unknown>]>([
    ['ACTOR_NOT_HOLDER', 'by a middle holder', () => exchangeChain(instance, holders[1], chain)],
    [
      'ACTOR_NOT_HOLDER',
      'of a chain whose last grant names the client under another operator',
      async () => {
        const moved = { ...holders[2], operatorId: operators[1].id }
        return exchangeChain(instance, holders[2], await chainThrough(key, [holders[0], moved]))
      },
    ],
    ['ACTOR_NOT_HOLDER', 'by the first holder', () => exchangeChain(instance, holders[0], chain)],
    [
      'INVALID_ARGUMENT',
      'of a first grant alone',
      async () => exchangeChain(instance, holders[0], await rootFor(key, holders[0])),
    ],
    [
      'INVALID_SUBJECT_TOKEN',
      'of a chain with a broken signature',
      () => exchangeChain(instance, holders[2], `${chain.slice(0, -4)}AAAA`),
    ],
    [
      'INVALID_SUBJECT_TOKEN',
      'of a chain without its middle',
      () => {
        const [root, , last] = chain.split('~')
        return exchangeChain(instance, holders[2], `${root}~${last}`)
      },
    ],
    [
      'UNKNOWN_KEY',
      'of a chain under a key that signs no grants',
      async () => {
        const wrong = await insertGrantKey(database.db, 'access_token')
        return exchangeChain(instance, holders[2], await chainThrough(wrong, holders))
      },
    ],
    ['DPOP_PROOF_REQUIRED', 'without a DPoP proof', () => exchangeChain(instance, holders[2], chain, {}, anonymous())],
    [
      'INVALID_DPOP_PROOF',
      'with a DPoP proof by another key',
      async () => exchangeChain(instance, holders[2], chain, {}, await provenCall(holders[1])),
    ],
    [
      'INVALID_DPOP_PROOF',
      'with a DPoP proof for another URL',
      async () =>
        exchangeChain(instance, holders[2], chain, {}, await provenCall(holders[2], { url: 'https://auth.example/x' })),
    ],
    [
      'INVALID_SIGNATURE',
      'with an assertion by another agent',
      () => exchange(clientAssertion({ ...holders[2], key: holders[1].key })),
    ],
    [
      'MALFORMED_GRANT',
      'with details that are longer than a grant',
      () => exchange({ authorizationDetails: `${' '.repeat(4100)}[]` }),
    ],
  ])('%s %s', async (reason, _, work) => {
    // What a row creates for itself is not a change.
    if (reason === 'UNKNOWN_KEY') expect(await refusalOf(work())).toBe(reason)
    else await expectRefusal(database.db, work, reason)
  })

  it('GRANT_NOT_YET_VALID of a chain from the future', async () => {
    const root = await rootFor(key, holders[0], { lifetime: [60, 600] })
    const text = await handOn(key, root, holders[0], holders[0], { lifetime: [60, 600] })
    await expectRefusal(database.db, () => exchangeChain(instance, holders[0], text), 'GRANT_NOT_YET_VALID')
  })

  it.each([
    ['within the clock skew', 62_000],
    ['beyond the clock skew', 80_000],
  ])('GRANT_EXPIRED of a chain after its expiry, %s', async (_, offsetMs) => {
    const text = await handOn(key, await rootFor(key, holders[0]), holders[0], holders[0], { lifetime: [0, 60] })
    const later = nowS() + offsetMs / 1000
    instance.clock.offsetMs = offsetMs
    onTestFinished(() => {
      instance.clock.offsetMs = 0
    })
    const assertion = clientAssertion(holders[0], { exp: later + 60 })
    const call = await provenCall(holders[0], { nowS: later })
    await expectRefusal(database.db, () => exchangeChain(instance, holders[0], text, assertion, call), 'GRANT_EXPIRED')
  })

  it('BINDING_REQUIRED when the operator demands terms in the assertion', async () => {
    const careful = await insertAgent(database.db, operators[0])
    await database.db.prisma.agent.update({ where: { id: careful.id }, data: { requireBoundChallenges: true } })
    const text = await chainThrough(key, [holders[0], careful])
    const wanted = JSON.stringify(details({ [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 5 } } }))
    const terms = { scope: 'read', resource: SHOP, subject_token: digestOf(text) }
    const ask = (claims: object, authorizationDetails = '') =>
      exchangeChain(instance, careful, text, { ...clientAssertion(careful, claims), authorizationDetails })
    for (const name of ['scope', 'resource', 'subject_token'] as const) {
      await expectRefusal(database.db, () => ask({ ...terms, [name]: undefined }), 'BINDING_REQUIRED')
    }
    await expectRefusal(database.db, () => ask(terms, wanted), 'BINDING_REQUIRED')
    expect(await refusalOf(ask(terms))).toBeUndefined()
    expect(await refusalOf(ask({ ...terms, details: digestOf(wanted) }, wanted))).toBeUndefined()
  })

  it.each([
    ['another subject token than the assertion covers', { subject_token: digestOf('other') }],
    ['other details than the assertion covers', { details: digestOf('other') }],
  ])('BINDING_MISMATCH with %s', async (_, claims) => {
    const wanted = JSON.stringify(details({ [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 5 } } }))
    const ask = (more: object) => exchange({ ...clientAssertion(holders[2], claims), ...more })
    await expectRefusal(database.db, () => ask({}), 'BINDING_MISMATCH')
    await expectRefusal(database.db, () => ask({ authorizationDetails: wanted }), 'BINDING_MISMATCH')
  })

  it.each<[string, string, (own: readonly TestHolder[], text: string) => Promise<unknown>]>([
    [
      'AGENT_TOKENS_ENDED',
      'after the epoch of a middle holder rose',
      ([, middle]) =>
        database.db.prisma.agent.update({ where: { id: middle?.id ?? '' }, data: { epoch: { increment: 1 } } }),
    ],
    [
      'TOKEN_REVOKED',
      'after its last grant was revoked',
      ([, , last], text) => instance.revokeOwn(last ?? holders[0], text),
    ],
    [
      'AGENT_NOT_ACTIVE',
      'while the client is suspended',
      ([, , last]) => database.db.prisma.agent.update({ where: { id: last?.id ?? '' }, data: { status: 'suspended' } }),
    ],
  ])('%s %s', async (reason, _, end) => {
    const own = await Promise.all(operators.map((operator) => insertAgent(database.db, operator)))
    const text = await chainThrough(key, own)
    const last = own[2] ?? holders[0]
    expect(await refusalOf(exchangeChain(instance, last, text))).toBeUndefined()
    await end(own, text)
    await expectRefusal(database.db, () => exchangeChain(instance, last, text), reason)
  })
})
