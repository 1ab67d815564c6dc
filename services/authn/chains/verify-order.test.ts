import { createGenuineChains } from '@auth4agent/core/delegation/genuine-chains'
import { expect, it } from 'vitest'
import { CHAIN_ISSUER, chainOf, countingKeys, ISSUED } from '../../../test/support/grant-chains.ts'
import { verifyGenuineChain } from './verify-chain.ts'

/** The grant with the depth 1 expires a minute before the root. */
const EXPIRY = ISSUED + 3540

/** Verifies a chain of two grants at a time, and notes the order of the checks. */
async function verifyAt(nowS: number, whileDatabaseAnswers: () => number = () => nowS) {
  const steps: string[] = []
  let clockS = nowS
  const deps = {
    now: () => clockS * 1000,
    settings: { skewS: 10 },
    genuineChains: createGenuineChains({ issuer: CHAIN_ISSUER, keys: countingKeys() }),
    tokenStatus: {
      async checkAll() {
        steps.push('revocation')
        clockS = whileDatabaseAnswers()
        return undefined
      },
    },
  }
  const verification = await verifyGenuineChain(deps, chainOf(1), () => {
    steps.push('use and proof')
    return undefined
  })
  return { verification, steps }
}

it('verifyGenuineChain looks for revocations last', async () => {
  const { verification, steps } = await verifyAt(ISSUED + 60)
  expect(verification).toMatchObject({ valid: true })
  expect(steps).toEqual(['use and proof', 'revocation'])
})

it('verifyGenuineChain checks neither use nor proof of an expired chain, so it uses up no proof', async () => {
  const { verification, steps } = await verifyAt(EXPIRY + 10)
  expect(verification).toMatchObject({ valid: false, reason: 'GRANT_EXPIRED', hop: 1 })
  expect(steps).toEqual([])
})

it('verifyGenuineChain refuses a chain that expires while the database answers', async () => {
  const { verification } = await verifyAt(EXPIRY + 9, () => EXPIRY + 10)
  expect(verification).toMatchObject({ valid: false, revoked: false, reason: 'GRANT_EXPIRED', hop: 1 })
})
