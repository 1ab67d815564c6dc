import { afterEach, expect, it, vi } from 'vitest'
import { chainOutcome, setUpChain, wantedWith } from '../../../test/clients/verifier/chains.ts'
import { countVerifications } from '../../../test/support/count-verifications.ts'

afterEach(() => void vi.restoreAllMocks())

type Made = Awaited<ReturnType<typeof setUpChain>>
type Wanted = Awaited<ReturnType<typeof wantedWith>>

/** Verifies a new chain of three grants, and counts the signature checks of every key. */
async function verifyNew(wantedOf: (wanted: Wanted, made: Made) => object | Promise<object>, operators = '*') {
  const count = countVerifications()
  const made = await setUpChain(operators === '*' ? {} : { operators: [operators] })
  const ask = async () => {
    const wanted = await wantedOf(await wantedWith(made.actor, made.chain), made)
    return count.during(() => chainOutcome(made.verifier, made.chain, wanted))
  }
  // Fetches the keys of the issuer.
  await made.verifier.ready()
  return { first: await ask(), ask }
}

it('verifyDelegated checks five signatures of a new chain of three grants, and then only that of the proof', async () => {
  const { first, ask } = await verifyNew((wanted) => wanted)
  expect(first).toEqual({ checks: 6, result: 'VALID' })
  expect(await ask()).toEqual({ checks: 1, result: 'VALID' })
})

it.each<[string, string, Parameters<typeof verifyNew>]>([
  ['of an operator that the API does not trust', 'OPERATOR_NOT_TRUSTED at 0', [(wanted) => wanted, 'other.test']],
  ['without the scope', 'CAPABILITY_MISSING at 0', [(wanted) => ({ ...wanted, scope: 'other' })]],
  ['of other domains', 'ACTOR_NOT_TRUSTED at 0', [(wanted) => ({ ...wanted, actors: ['other.test'] })]],
  [
    'with a proof for another URL',
    'PROOF_INVALID',
    [(wanted) => ({ ...wanted, dpop: { ...wanted.dpop, url: 'https://b.example/other' } })],
  ],
  [
    'with a proof that is no proof',
    'PROOF_INVALID',
    [(wanted) => ({ ...wanted, dpop: { ...wanted.dpop, proof: '' } })],
  ],
  [
    'with a proof for another chain',
    'PROOF_INVALID',
    [(_wanted, { actor, chain }) => wantedWith(actor, chain.slice(0, chain.lastIndexOf('~')))],
  ],
])('verifyDelegated checks only the signature of the root of a new chain %s', async (_, result, given) => {
  const { first, ask } = await verifyNew(...given)
  expect(first).toEqual({ checks: 1, result })
  expect(await ask()).toEqual({ checks: 0, result })
})
