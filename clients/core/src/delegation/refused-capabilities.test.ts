import { describe, expect, it } from 'vitest'
import { verifyGrantChain } from '../../../../services/revocation/verify-grant-chain.ts'
import { CHAIN_ISSUER, chainOf, countingKeys, lastOf, READ } from '../../../../test/support/grant-chains.ts'
import { maps, oneOf, REFUSED_CAPABILITIES, range, tools } from '../../../../test/support/refused-capabilities.ts'
import type { JsonObject } from '../encoding/strict-json.ts'
import type { GenuineChain } from './grant-types.ts'
import { checkUses } from './use-chain.ts'

interface Use {
  readonly audience: string
  readonly scope: string
  readonly args: JsonObject | undefined
}

const verify = (text: string) => verifyGrantChain(text, { issuer: CHAIN_ISSUER, keys: countingKeys() })

it.each(REFUSED_CAPABILITIES)('verifyGrantChain refuses row %i, %s: %s', async (_row, reason, _name, changes) => {
  const hop = lastOf(changes)
  expect(await verify(chainOf(hop, changes))).toMatchObject({ ok: false, reason, hop })
})

const check = (chain: GenuineChain, { audience, scope, args }: Use) =>
  checkUses(chain, { audience: [audience], scope: [scope] }, args)

describe('checkUses', () => {
  const LIMITED = maps({ amount: range({ max: 500 }) }, { amount: range({ max: 100 }) })
  const PREFIXED = maps({ path: { constraint_type: 'prefix', prefix: '/data/' } }, { path: oneOf('/data/a') })
  const pay = { audience: 'https://pay.acme.test', scope: 'pay' }

  it.each([
    ['a call that every grant allows', LIMITED, { ...pay, args: { amount: 100 } }],
    ['a call without constraints', {}, { audience: 'https://api.acme.test', scope: 'orders:read', args: undefined }],
  ])('allows %s', async (_name, changes, use) => {
    const verified = await verify(chainOf(1, changes))
    expect(verified.ok && check(verified.chain, use)).toBeUndefined()
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
    expect(verified.ok && check(verified.chain, use)).toMatchObject({ ok: false, reason, hop })
  })

  it('refuses an audience with #, which could name the scope of another audience', async () => {
    const verified = await verify(chainOf(0, { 0: tools({ 'https://pay.acme.test#a#b': {} }) }))
    const [right, wrong] = [
      { audience: 'https://pay.acme.test', scope: 'a#b', args: {} },
      { audience: 'https://pay.acme.test#a', scope: 'b', args: {} },
    ]
    expect(verified.ok && check(verified.chain, right)).toBeUndefined()
    expect(verified.ok && check(verified.chain, wrong)).toMatchObject({ reason: 'CAPABILITY_MISSING' })
  })

  it('evaluates the grants above a wider one that a mistake in the comparison let through', async () => {
    const [narrow, wide] = await Promise.all([verify(chainOf(0, { 0: LIMITED[1] })), verify(chainOf(0))])
    if (!narrow.ok || !wide.ok) throw new Error('The chains must be genuine')
    const chain = { issuer: CHAIN_ISSUER, hops: [...narrow.chain.hops, ...wide.chain.hops] }
    expect(check(chain, { ...pay, args: { amount: 400 } })).toMatchObject({ reason: 'ARGUMENT_REFUSED', hop: 0 })
  })
})
