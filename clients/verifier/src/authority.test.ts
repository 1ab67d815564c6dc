import { expect, it } from 'vitest'
import { setUpChain, wantedWith } from '../../../test/clients/verifier/chains.ts'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { claimsIn, delegationIn } from './authority.ts'

it('a request with a chain of grants has a delegation, and throws instead of showing claims', async () => {
  const { verifier, chain, actor } = await setUpChain()
  const delegation = await verifier.verifyDelegated(chain, await wantedWith(actor, chain))
  expect(delegationIn({ claims: undefined, delegation })).toBe(delegation)
  expect(() => claimsIn({ claims: undefined, delegation })).toThrow('use delegationOf')
})

it('a request with an access token has claims and no delegation', () => {
  const claims = { ...GOOD_CLAIMS, epoch: [1, 2], effectiveScope: GOOD_CLAIMS.scope } as const
  expect(claimsIn({ claims, delegation: undefined })).toBe(claims)
  expect(delegationIn({ claims })).toBeUndefined()
})

it('a request that was not accepted has neither, and throws', () => {
  expect(() => claimsIn({})).toThrow('protect() has not accepted this request')
  expect(() => delegationIn({})).toThrow('protect() has not accepted this request')
})
