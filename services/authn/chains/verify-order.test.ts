import { createGenuineChains } from '@auth4agent/core/delegation/genuine-chains'
import { createGenuineDelegated } from '@auth4agent/core/delegation/genuine-delegated'
import { expect, it } from 'vitest'
import { keysOf } from '../../../test/support/access-tokens.ts'
import { CHAIN_ISSUER, chainOf, countingKeys, ISSUED } from '../../../test/support/grant-chains.ts'
import { verifyGenuineAuthority } from './verify-authority.ts'

/** The grant with the depth 1 expires a minute before the root. */
const EXPIRY = ISSUED + 3540

/** Verifies a chain of two grants at a time, and notes the order of the checks. */
async function verifyAt(nowS: number, whileDatabaseAnswers: () => number = () => nowS) {
  const steps: string[] = []
  let clockS = nowS
  const chains = createGenuineChains({ issuer: CHAIN_ISSUER, keys: countingKeys() })
  const deps = {
    now: () => clockS * 1000,
    settings: { skewS: 10 },
    genuineDelegated: createGenuineDelegated(chains, { issuer: CHAIN_ISSUER, keys: keysOf() }),
    tokenStatus: {
      async checkAll() {
        steps.push('revocation')
        clockS = whileDatabaseAnswers()
        return undefined
      },
    },
  }
  const verification = await verifyGenuineAuthority(deps, chainOf(1), () => {
    steps.push('use and proof')
    return undefined
  })
  return { verification, steps }
}

it('verifyGenuineAuthority looks for revocations last', async () => {
  const { verification, steps } = await verifyAt(ISSUED + 60)
  expect(verification).toMatchObject({ valid: true })
  expect(steps).toEqual(['use and proof', 'revocation'])
})

it('verifyGenuineAuthority checks neither use nor proof of an expired chain, so it uses up no proof', async () => {
  const { verification, steps } = await verifyAt(EXPIRY + 10)
  expect(verification).toMatchObject({ valid: false, reason: 'GRANT_EXPIRED', hop: 1 })
  expect(steps).toEqual([])
})

it('verifyGenuineAuthority refuses a chain that expires while the database answers', async () => {
  const { verification } = await verifyAt(EXPIRY + 9, () => EXPIRY + 10)
  expect(verification).toMatchObject({ valid: false, revoked: false, reason: 'GRANT_EXPIRED', hop: 1 })
})
