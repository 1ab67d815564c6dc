import { describe, expect, it } from 'vitest'
import { verifyGrantChain } from '../../../../services/revocation/verify-grant-chain.ts'
import { CHAIN_ISSUER, chainOf, countingKeys, PAY, READ } from '../../../../test/support/grant-chains.ts'
import type { ArgumentMap } from './constraint.ts'
import { checkCapabilities, checkUses, type Uses } from './use-chain.ts'

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
  [
    'a scope at the second audience',
    { audience: ['https://api.acme.test', PAY_AUDIENCE], scope: [PAY_SCOPE] },
    undefined,
  ],
  ['a scope at its audience', { audience: [PAY_AUDIENCE], scope: [PAY_SCOPE] }, undefined],
])('checkUses and checkCapabilities decide about a call with %s', async (_name, uses, reason) => {
  const verified = await verifyGrantChain(chainOf(1), { issuer: CHAIN_ISSUER, keys: countingKeys() })
  if (!verified.ok) throw new Error(verified.rule)
  expect(checkUses(verified.chain, uses, { amount: 1 })?.reason).toBe(reason)
  expect(checkCapabilities(verified.chain, uses)?.reason).toBe(reason)
})

/** A chain of one grant, and the capabilities for which it was asked. */
async function countedChain() {
  const verified = await verifyGrantChain(chainOf(0), { issuer: CHAIN_ISSUER, keys: countingKeys() })
  if (!verified.ok) throw new Error(verified.rule)
  const asked: string[] = []
  class Counted extends Map<string, ArgumentMap> {
    override get(name: string) {
      asked.push(name)
      return super.get(name)
    }
  }
  const [root] = verified.chain.hops
  if (root === undefined) throw new Error('The chain has no grant')
  return { chain: { issuer: CHAIN_ISSUER, hops: [{ ...root, capabilities: new Counted(root.capabilities) }] }, asked }
}

describe('checkUses, however long the lists of a caller are,', () => {
  const LISTS = {
    audience: Array.from({ length: 64 }, () => PAY_AUDIENCE),
    scope: Array.from({ length: 64 }, () => PAY_SCOPE),
  }

  it('checks a capability once, if it is refused', async () => {
    const { chain, asked } = await countedChain()
    expect(checkUses(chain, LISTS, { amount: 501 })?.reason).toBe('ARGUMENT_REFUSED')
    expect(asked).toEqual([PAY])
  })

  it('checks no audience after one that allows the call', async () => {
    const { chain, asked } = await countedChain()
    const audience = [PAY_AUDIENCE, 'https://other.acme.test']
    expect(checkUses(chain, { ...LISTS, audience }, { amount: 1 })).toBeUndefined()
    expect(asked).toEqual([PAY])
  })

  it('walks through the arguments once', async () => {
    const { chain } = await countedChain()
    let reads = 0
    const inner = {
      get amount() {
        reads += 1
        return 1
      },
    }
    const refusal = checkUses({ ...chain, hops: [...chain.hops, ...chain.hops] }, LISTS, { amount: inner })
    expect(refusal?.reason).toBe('ARGUMENT_REFUSED')
    expect(reads).toBe(1)
  })

  it('refuses more than 1,000 values for the call as a whole, also without constraints', async () => {
    const { chain, asked } = await countedChain()
    const [audience = '', scope = ''] = READ.split('#')
    const uses = { audience: [audience], scope: [scope] }
    const list = Array.from({ length: 999 }, () => ({}))
    expect(checkUses(chain, uses, { list })).toBeUndefined()
    expect(asked).toEqual([READ])
    const rule = 'the arguments must have at most 1000 values in all'
    expect(checkUses(chain, uses, { list: [...list, {}] })).toEqual({
      ok: false,
      reason: 'ARGUMENT_REFUSED',
      rule,
      hop: undefined,
    })
    expect(asked).toEqual([READ])
  })
})
