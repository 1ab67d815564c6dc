import { describe, expect, it } from 'vitest'
import {
  CHAIN_ISSUER,
  chainOf,
  countingKeys,
  details,
  type GrantChange,
  PAY,
  READ,
  TOOLS,
} from '../../../../test/support/grant-chains.ts'
import type { GrantReason } from './refusal.ts'
import { checkUse } from './use-chain.ts'
import { verifyGrantChain } from './verify-grant-chain.ts'

type Row = readonly [row: number, reason: GrantReason, name: string, changes: Readonly<Record<number, GrantChange>>]

const WILDCARD = { constraint_type: 'wildcard' }
const REGEX = { constraint_type: 'regex', pattern: '.*' }
const range = (members: object) => ({ constraint_type: 'range', ...members })
const oneOf = (...values: unknown[]) => ({ constraint_type: 'one_of', values })
const notOneOf = (...excluded: unknown[]) => ({ constraint_type: 'not_one_of', excluded })
const tools = (changed: object): GrantChange => ({ claims: { authorization_details: details(changed) } })
const entries = (...changed: unknown[]): GrantChange => ({ claims: { authorization_details: changed.flat() } })
/** Chains whose root and child allow one call with these arguments. */
const maps = (parent: object, child: object) => ({ 0: tools({ [PAY]: parent }), 1: tools({ [PAY]: child }) })
const amounts = (parent: object, child: object) => maps({ amount: parent }, { amount: child })

/** Rows of the table of refusals, in the design. The last grant is refused. */
const ROWS: readonly Row[] = [
  [29, 'CAPABILITY_ADDED', 'a scope added', { 1: tools({ ...TOOLS, 'https://pay.acme.test#refund': {} }) }],
  [29, 'CAPABILITY_ADDED', 'the same scope elsewhere', { 1: tools({ 'https://api.acme.test#pay': {} }) }],
  [29, 'CAPABILITY_ADDED', 'the same audience in other words', { 1: tools({ 'https://pay.acme.test/#pay': {} }) }],
  [29, 'CAPABILITY_ADDED', 'a capability given up above', { 1: tools({ [READ]: {} }), 2: {} }],
  [30, 'CONSTRAINT_DROPPED', 'an argument dropped', maps({ a: oneOf(1), b: oneOf(2) }, { a: oneOf(1) })],
  [30, 'CONSTRAINT_DROPPED', 'optional', maps({ a: oneOf(1) }, { a: { ...oneOf(1), optional: true } })],
  [31, 'ARGUMENT_ADDED', 'a new argument', maps({ a: oneOf(1) }, { a: oneOf(1), b: oneOf(2) })],
  [31, 'ARGUMENT_ADDED', '* under a closed map', maps({ a: oneOf(1) }, { a: oneOf(1), '*': WILDCARD })],
  [31, 'ARGUMENT_ADDED', '{} under a closed map', maps({ a: oneOf(1) }, {})],
  [32, 'CONSTRAINT_WIDENED', '500 to 501', amounts(range({ max: 500 }), range({ max: 501 }))],
  [32, 'CONSTRAINT_WIDENED', 'a bound removed', amounts(range({ max: 500 }), range({}))],
  [32, 'CONSTRAINT_WIDENED', 'inclusive', amounts(range({ max: 5, max_inclusive: false }), range({ max: 5 }))],
  [33, 'CONSTRAINT_WIDENED', 'a value added', amounts(oneOf(1, 2), oneOf(1, 3))],
  [33, 'CONSTRAINT_WIDENED', 'an exclusion removed', amounts(notOneOf(1, 2), notOneOf(1))],
  [34, 'CONSTRAINT_WIDENED', 'one_of under not_one_of', amounts(notOneOf('prod'), oneOf('dev'))],
  [35, 'UNKNOWN_CONSTRAINT', 'an unknown type in the root', { 0: tools({ [PAY]: { amount: REGEX } }) }],
  [35, 'UNKNOWN_CONSTRAINT', 'an unknown type under a wildcard', amounts(WILDCARD, REGEX)],
  [35, 'UNKNOWN_CONSTRAINT', 'one inside any', amounts(WILDCARD, { constraint_type: 'any', constraints: [REGEX] })],
  [36, 'MALFORMED_CONSTRAINT', 'an empty any', amounts(WILDCARD, { constraint_type: 'any', constraints: [] })],
  [36, 'MALFORMED_CONSTRAINT', 'min above max', amounts(WILDCARD, range({ min: 2, max: 1 }))],
  [36, 'MALFORMED_CONSTRAINT', 'an extra member', amounts(WILDCARD, range({ max: 1, step: 1 }))],
  [37, 'UNKNOWN_DETAIL_TYPE', 'a second entry', { 1: entries(details(TOOLS), details(TOOLS)) }],
  [37, 'UNKNOWN_DETAIL_TYPE', 'a foreign entry next to the right one', { 1: entries(details(TOOLS), { type: 'x' }) }],
  [37, 'UNKNOWN_DETAIL_TYPE', 'a foreign entry alone', { 0: entries({ type: 'x', tools: TOOLS }) }],
]

const verify = (text: string) => verifyGrantChain(text, { issuer: CHAIN_ISSUER, keys: countingKeys() })

it.each(ROWS)('verifyGrantChain refuses row %i, %s: %s', async (_row, reason, _name, changes) => {
  const depth = Math.max(...Object.keys(changes).map(Number))
  expect(await verify(chainOf(depth, changes))).toMatchObject({ ok: false, reason, hop: depth })
})

describe('checkUse', () => {
  const LIMITED = maps({ amount: range({ max: 500 }) }, { amount: range({ max: 100 }) })
  const PREFIXED = maps({ path: { constraint_type: 'prefix', prefix: '/data/' } }, { path: oneOf('/data/a') })
  const pay = { audience: 'https://pay.acme.test', scope: 'pay' }

  it.each([
    ['a call that every grant allows', LIMITED, { ...pay, args: { amount: 100 } }],
    ['a call without constraints', {}, { audience: 'https://api.acme.test', scope: 'orders:read', args: undefined }],
  ])('allows %s', async (_name, changes, use) => {
    const verified = await verify(chainOf(1, changes))
    expect(verified.ok && checkUse(verified.chain, use)).toBeUndefined()
  })

  it.each([
    [38, 'ARGUMENT_REFUSED', 'dot segments', PREFIXED, { ...pay, args: { path: '/data/../x' } }, 0],
    [38, 'ARGUMENT_REFUSED', 'only the last limit is passed', LIMITED, { ...pay, args: { amount: 101 } }, 1],
    [38, 'ARGUMENT_REFUSED', 'every limit is passed', LIMITED, { ...pay, args: { amount: 501 } }, 0],
    [39, 'ARGUMENTS_NEEDED', 'the arguments are not known', LIMITED, { ...pay, args: undefined }, 0],
    [0, 'CAPABILITY_MISSING', 'another scope', {}, { ...pay, scope: 'refund', args: {} }, 0],
    [
      0,
      'CAPABILITY_MISSING',
      'another audience',
      {},
      { audience: 'https://pay.acme.example', scope: 'pay', args: {} },
      0,
    ],
    [0, 'CAPABILITY_MISSING', 'given up', { 1: tools({ [READ]: {} }) }, { ...pay, args: { amount: 1 } }, 1],
  ])('refuses row %i, %s: %s', async (_row, reason, _name, changes, use, hop) => {
    const verified = await verify(chainOf(1, changes))
    expect(verified.ok && checkUse(verified.chain, use)).toMatchObject({ ok: false, reason, hop })
  })

  it('refuses an audience with #, which could name the scope of another audience', async () => {
    const verified = await verify(chainOf(0, { 0: tools({ 'https://pay.acme.test#a#b': {} }) }))
    const [right, wrong] = [
      { audience: 'https://pay.acme.test', scope: 'a#b', args: {} },
      { audience: 'https://pay.acme.test#a', scope: 'b', args: {} },
    ]
    expect(verified.ok && checkUse(verified.chain, right)).toBeUndefined()
    expect(verified.ok && checkUse(verified.chain, wrong)).toMatchObject({ reason: 'CAPABILITY_MISSING' })
  })

  it('evaluates the grants above a wider one that a mistake in the comparison let through', async () => {
    const [narrow, wide] = await Promise.all([verify(chainOf(0, { 0: LIMITED[1] })), verify(chainOf(0))])
    if (!narrow.ok || !wide.ok) throw new Error('The chains must be genuine')
    const chain = { issuer: CHAIN_ISSUER, hops: [...narrow.chain.hops, ...wide.chain.hops] }
    expect(checkUse(chain, { ...pay, args: { amount: 400 } })).toMatchObject({ reason: 'ARGUMENT_REFUSED', hop: 0 })
  })
})
