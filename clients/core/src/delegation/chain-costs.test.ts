import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ISSUER } from '../../../../test/support/assertions.ts'
import { countVerifications } from '../../../../test/support/count-verifications.ts'
import { chainSigner, newChainHolder, newSigner } from '../../../../test/support/signed-chains.ts'
import { signerJwk, signerKid } from '../jose/signer-jwk.ts'
import { importTokenVerifier } from '../token/token-verifier.ts'
import { createGenuineChains } from './genuine-chains.ts'
import type { GrantKey } from './issuer-signature.ts'

const USUAL = { tools: { 'https://api.acme.test#read': {} }, epoch: [1, 1] } as const

let count: ReturnType<typeof countVerifications>
beforeEach(() => {
  count = countVerifications()
})
afterEach(() => void vi.restoreAllMocks())

/** Makes an issuer and a verifier of its chains. */
function setUp(capacity?: number) {
  const signer = newSigner()
  const kid = signerKid(signer)
  const verifier = importTokenVerifier('Ed25519', signerJwk(signer))
  if (verifier === undefined) throw new RangeError('The key must be an Ed25519 key')
  const key: GrantKey = { kid, alg: 'Ed25519', state: 'active', verify: verifier.verify }
  const find = async (wanted: string) => (wanted === kid ? key : undefined)
  const verifyChain = createGenuineChains({ issuer: ISSUER, keys: { find, findNow: find } }, capacity)
  /** Returns how many signatures of any key are checked for a chain. */
  const costOf = (text: string) => count.during(() => verifyChain(text))
  return { signer, verifyChain, costOf, chains: chainSigner(signer, USUAL) }
}

const holders = (length: number) => Array.from({ length }, () => newChainHolder())
const genuine = (checks: number) => ({ checks, result: { ok: true } })
const refused = (checks: number, reason: string) => ({ checks, result: { ok: false, reason } })

describe('the signature checks of a chain', () => {
  it('are 2n + 1 for n new hops, none for a known chain, and two for a new child', async () => {
    const { costOf, chains } = setUp()
    const [next, ...all] = holders(10)
    const chain = await chains.chainThrough(all)
    expect(await costOf(chain)).toMatchObject(genuine(17))
    expect(await costOf(chain)).toMatchObject(genuine(0))
    const [shorter, holder] = [chain.slice(0, chain.lastIndexOf('~')), all[7]]
    if (next === undefined || holder === undefined) throw new RangeError('There must be ten holders')
    expect(await costOf(await chains.handOn(shorter, holder, next))).toMatchObject(genuine(2))
  })

  it.each<[string, number, string, (texts: { chain: string; forged: string; foreign: string }) => string]>([
    ['a root by another key under the name of the issuer', 1, 'SIGNATURE_INVALID', ({ forged }) => forged],
    ['genuine grants below such a root', 1, 'SIGNATURE_INVALID', ({ chain, forged }) => withRoot(chain, forged)],
    ['a root of another issuer', 0, 'UNKNOWN_KEY', ({ foreign }) => foreign],
    ['genuine grants without their root', 0, 'ROOT_EXPECTED', ({ chain }) => chain.slice(chain.indexOf('~') + 1)],
    ['a chain with a tenth grant', 0, 'CHAIN_TOO_LARGE', ({ chain }) => `${chain}~x`],
    ['texts that are no grants', 0, 'MALFORMED_GRANT', () => '~~~~~~~~'],
  ])('are at most one without a genuine root: for %s', async (_, checks, reason, textOf) => {
    const { signer, chains, costOf } = setUp()
    const forger = chainSigner({ ...newSigner(), publicKey: signer.publicKey }, USUAL)
    const [chain, forged, foreign] = await Promise.all(
      [chains, forger, setUp().chains].map((each) => each.chainThrough(holders(9))),
    )
    if (chain === undefined || forged === undefined || foreign === undefined) throw new RangeError('Three chains')
    expect(await costOf(textOf({ chain, forged, foreign }))).toMatchObject(refused(checks, reason))
  })

  it('are one for a chain that admit refuses by its root, and none when the root is known', async () => {
    const { verifyChain, chains } = setUp()
    const chain = await chains.chainThrough(holders(9))
    const seen: number[] = []
    const refuse = (above: readonly unknown[]) => {
      seen.push(above.length)
      return { ok: false, reason: 'NOT_WANTED', hop: undefined } as const
    }
    const costOf = () => count.during(() => verifyChain(chain, refuse))
    expect(await costOf()).toEqual({ checks: 1, result: { ok: false, reason: 'NOT_WANTED', hop: undefined } })
    expect(await costOf()).toMatchObject(refused(0, 'NOT_WANTED'))
    await verifyChain(chain.split('~').slice(0, 3).join('~'))
    await costOf()
    expect(seen).toEqual([1, 1, 3])
  })

  it('need no import of a key for a new chain through agents that are known', async () => {
    const { costOf, chains } = setUp()
    const all = holders(3)
    const [chain, other] = await Promise.all([chains.chainThrough(all), chains.chainThrough(all)])
    await costOf(chain)
    const before = count.imports()
    expect(await costOf(other)).toMatchObject(genuine(3))
    expect(count.imports()).toBe(before)
  })

  it('admit is called once for a new chain, and not for a chain that is known or only a root', async () => {
    const { verifyChain, chains } = setUp()
    const [holder, ...others] = holders(4)
    if (holder === undefined) throw new RangeError('There must be a holder')
    const chain = await chains.chainThrough([holder, ...others])
    let calls = 0
    const admit = () => {
      calls += 1
      return undefined
    }
    for (const text of [chain, chain, await chains.rootFor(holder)])
      expect(await verifyChain(text, admit)).toMatchObject({ ok: true })
    expect(calls).toBe(1)
  })
})

it('a flood of chains by the holder of one root does not push out the chain of another principal', async () => {
  const { costOf, chains } = setUp(20)
  const [flooder, child, ...legitimate] = holders(5)
  if (flooder === undefined || child === undefined) throw new RangeError('There must be five holders')
  const chain = await chains.chainThrough(legitimate)
  expect(await costOf(chain)).toMatchObject(genuine(5))
  const root = await chains.rootFor(flooder)
  for (let n = 0; n < 40; n += 1)
    expect(await costOf(await chains.handOn(root, flooder, child))).toMatchObject({ result: { ok: true } })
  expect(await costOf(chain)).toMatchObject(genuine(0))
})

function withRoot(chain: string, other: string): string {
  return other.slice(0, other.indexOf('~')) + chain.slice(chain.indexOf('~'))
}
