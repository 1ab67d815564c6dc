import { afterAll, beforeAll, describe, it } from 'vitest'
import { type TestInstance } from '../../../test/support/authn.ts'
import { clientAssertion } from '../../../test/support/authn-agents.ts'
import type { TestDatabase } from '../../../test/support/database.ts'
import { type ExchangeWorld, startExchangeWorld } from '../../../test/support/exchange-world.ts'
import { ACCESS_TOKEN, exchangeChain, GRANT_CHAIN } from '../../../test/support/exchanges.ts'
import { expectRefusal } from '../../../test/support/expect-refusal.ts'
import { details } from '../../../test/support/grant-chains.ts'
import { SHOP } from '../../../test/support/held-chains.ts'

const OTHER = 'https://other.example'
const amount = (max: number) => ({ amount: { constraint_type: 'range', max } })
const detailText = (tools: object) => JSON.stringify(details(tools))
const nowS = () => Math.floor(Date.now() / 1000)

let database: TestDatabase
let instance: TestInstance
let holders: ExchangeWorld['holders']
let chain: string

beforeAll(async () => {
  ;({ database, instance, holders, chain } = await startExchangeWorld())
})
afterAll(() => database.drop())

const exchange = (wishes: Parameters<typeof exchangeChain>[3] = {}) =>
  exchangeChain(instance, holders[2], chain, wishes)

describe('an exchange is refused and changes nothing', () => {
  const tooLong = { [`${SHOP}#pay`]: amount(100), [`${SHOP}#read`]: {} }
  it.each<[string, string, Parameters<typeof exchangeChain>[3]]>([
    ['INVALID_ARGUMENT', 'without subject_token', { subjectToken: '' }],
    ['INVALID_ARGUMENT', 'without subject_token_type', { subjectTokenType: '' }],
    ['INVALID_ARGUMENT', 'with another subject_token_type', { subjectTokenType: 'urn:x' }],
    ['INVALID_ARGUMENT', 'of a chain that is called an access token', { subjectTokenType: ACCESS_TOKEN }],
    ['INVALID_ARGUMENT', 'of a text that is called a chain', { subjectToken: 'a.b.c' }],
    ['INVALID_ARGUMENT', 'for another type of token', { requestedTokenType: 'urn:ietf:params:oauth:token-type:jwt' }],
    ['INVALID_ARGUMENT', 'with actor_token without a type', { actorToken: 'x' }],
    ['INVALID_ARGUMENT', 'with actor_token_type alone', { actorTokenType: ACCESS_TOKEN }],
    ['INVALID_ARGUMENT', 'with another actor_token_type', { actorToken: 'x', actorTokenType: GRANT_CHAIN }],
    ['INVALID_AUDIENCE', 'with the parameter audience', { audience: SHOP }],
    ['INVALID_AUDIENCE', 'without resource', { resource: [] }],
    ['INVALID_AUDIENCE', 'for a resource that is no URL', { resource: ['shop.example'] }],
    ['INVALID_ARGUMENT', 'for nothing', { scope: '' }],
    ['INVALID_SCOPE', 'with a malformed scope', { scope: 'a  b' }],
    ['SCOPE_NOT_ALLOWED', 'for a scope with constraints', { scope: 'pay' }],
    ['SCOPE_NOT_ALLOWED', 'for an unknown scope', { scope: 'read write' }],
    ['AUDIENCE_NOT_ALLOWED', 'for a resource at which the chain allows nothing', { resource: [SHOP, OTHER] }],
    ['MALFORMED_GRANT', 'with details that are no JSON', { authorizationDetails: '[' }],
    ['UNKNOWN_DETAIL_TYPE', 'with details of another type', { authorizationDetails: '[{"type":"x","tools":{}}]' }],
    [
      'MALFORMED_GRANT',
      'with a detail at another audience',
      { authorizationDetails: detailText({ [`${OTHER}#pay`]: {} }) },
    ],
    ['MALFORMED_GRANT', 'with a scope that is a detail too', { authorizationDetails: detailText(tooLong) }],
    ['CAPABILITY_ADDED', 'with a new detail', { authorizationDetails: detailText({ [`${SHOP}#refund`]: {} }) }],
    [
      'CONSTRAINT_WIDENED',
      'with a wider detail',
      { authorizationDetails: detailText({ [`${SHOP}#pay`]: amount(501) }) },
    ],
    [
      'ARGUMENT_ADDED',
      'with another argument',
      { authorizationDetails: detailText({ [`${SHOP}#pay`]: { ...amount(5), to: { constraint_type: 'wildcard' } } }) },
    ],
    [
      'CONSTRAINT_DROPPED',
      'with an argument that is optional now',
      {
        authorizationDetails: detailText({
          [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 5, optional: true } },
        }),
      },
    ],
    ['UNSUPPORTED_GRANT_TYPE', 'with another grant type', { grantType: 'urn:x' }],
    ['ASSERTION_EXPIRED', 'with an old assertion', { clientAssertion: '' }],
  ])('%s %s', async (reason, _, wishes) => {
    const old = reason === 'ASSERTION_EXPIRED' ? clientAssertion(holders[2], { exp: nowS() - 60 }) : {}
    await expectRefusal(database.db, () => exchange({ ...wishes, ...old }), reason)
  })
})
