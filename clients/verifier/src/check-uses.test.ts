import { verifyGrantChain } from '@auth4agent/core/delegation/verify-grant-chain'
import { expect, it } from 'vitest'
import { CHAIN_ISSUER, chainOf, countingKeys, PAY } from '../../../test/support/grant-chains.ts'
import { checkCapabilities, checkUses, type Uses } from './check-uses.ts'

const [PAY_AUDIENCE = '', PAY_SCOPE = ''] = PAY.split('#')

it.each<[string, Uses, string | undefined]>([
  ['no scope', { audience: [PAY_AUDIENCE], scope: [] }, 'CAPABILITY_MISSING'],
  ['no audience', { audience: [], scope: [PAY_SCOPE] }, 'CAPABILITY_MISSING'],
  ['a scope at another audience', { audience: ['https://api.acme.test'], scope: [PAY_SCOPE] }, 'CAPABILITY_MISSING'],
  ['a second scope that is missing', { audience: [PAY_AUDIENCE], scope: [PAY_SCOPE, 'x'] }, 'CAPABILITY_MISSING'],
  [
    'an audience that ends in the capability of another',
    { audience: [`${PAY_AUDIENCE}#pay`], scope: [''] },
    'CAPABILITY_MISSING',
  ],
  ['a scope at its audience', { audience: [PAY_AUDIENCE], scope: [PAY_SCOPE] }, undefined],
])('checkUses and checkCapabilities decide about a call with %s', async (_name, uses, reason) => {
  const verified = await verifyGrantChain(chainOf(1), { issuer: CHAIN_ISSUER, keys: countingKeys() })
  if (!verified.ok) throw new Error(verified.rule)
  expect(checkUses(verified.chain, uses, { amount: 1 })?.reason).toBe(reason)
  expect(checkCapabilities(verified.chain, uses)?.reason).toBe(reason)
})
