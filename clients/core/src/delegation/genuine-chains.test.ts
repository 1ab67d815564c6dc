import { describe, expect, it } from 'vitest'
import {
  CHAIN_ISSUER,
  chainOf,
  countingKeys,
  derivedGrant,
  GRANT_KEY,
  type GrantChange,
  grantsOf,
  holderKey,
  idOf,
  rootGrant,
} from '../../../../test/support/grant-chains.ts'
import { identityKey } from '../../../../test/support/key-events.ts'
import { createGenuineChains } from './genuine-chains.ts'

const NEXT = identityKey('next key for grants')
const byNext: GrantChange = { statement: { signer: NEXT, header: { kid: NEXT.kid } } }

/** Makes a chain from another root to the same holder. */
function another(change: GrantChange = {}): string {
  const root = rootGrant({ claims: { jti: 'other' } })
  return [root, derivedGrant(root, 1, { claims: { jti: 'other-child' }, ...byNext, ...change })].join('~')
}

/** Counts the issuer's signature checks of each chain. */
function setUp(capacity?: number) {
  const keys = countingKeys([GRANT_KEY, NEXT])
  const verifyChain = createGenuineChains({ issuer: CHAIN_ISSUER, keys }, capacity)
  const checksFor = async (text: string) => {
    const before = keys.checks
    const verified = await verifyChain(text)
    return verified.ok ? keys.checks - before : verified.reason
  }
  return { keys, verifyChain, checksFor }
}

describe('createGenuineChains', () => {
  it('verifies no signature of a chain that comes again, and returns the same grants', async () => {
    const { verifyChain, checksFor } = setUp()
    const text = chainOf(3)
    const first = await verifyChain(text)
    expect(await checksFor(Buffer.from(text).toString())).toBe(0)
    expect(await verifyChain(text)).toEqual(first)
    expect(first.ok && first.chain.hops.map(({ id }) => id)).toEqual(grantsOf(3).map(idOf))
  })

  it('verifies only the new child of a known chain, and nothing of a beginning', async () => {
    const { checksFor } = setUp()
    const grants = grantsOf(3)
    expect(await checksFor(grants.slice(0, 2).join('~'))).toBe(2)
    expect(await checksFor(grants.slice(0, 3).join('~'))).toBe(1)
    expect(await checksFor(grants.join('~'))).toBe(1)
    expect(await checksFor(rootGrant())).toBe(0)
    const sibling = derivedGrant(grants[1] ?? '', 2, { claims: { jti: 'sibling' } })
    // The issuer has said who its holder is before.
    expect(await checksFor([...grants.slice(0, 2), sibling].join('~'))).toBe(0)
  })

  describe('of a new chain through a known holder', () => {
    it('verifies the root, but not the statement about the holder', async () => {
      const { checksFor } = setUp()
      expect(await checksFor(chainOf(1, { 1: byNext }))).toBe(2)
      expect(await checksFor(another())).toBe(1)
    })

    it('asks again for the state of the key that signed the statement', async () => {
      const { keys, verifyChain, checksFor } = setUp()
      await checksFor(chainOf(1, { 1: byNext }))
      for (const state of ['retired', 'compromised', 'prepared'] as const) {
        keys.become({ state }, NEXT.kid)
        expect(await verifyChain(another())).toMatchObject({ reason: 'UNKNOWN_KEY', hop: 1 })
      }
      keys.become({ state: 'active', verify: () => false }, NEXT.kid)
      expect(await verifyChain(another())).toMatchObject({ reason: 'HOLDER_UNKNOWN', hop: 1 })
    })

    it.each<[string, GrantChange, string]>([
      ['another statement about the holder', { statement: { signer: holderKey(1) } }, 'HOLDER_UNKNOWN'],
      ['the key of another agent', { claims: { cnf: { jwk: holderKey(2).jwk } } }, 'HOLDER_KEY_MISMATCH'],
    ])('refuses %s', async (_name, change, reason) => {
      const { verifyChain, checksFor } = setUp()
      await checksFor(chainOf(1, { 1: byNext }))
      expect(await verifyChain(another(change))).toMatchObject({ reason, hop: 1 })
    })
  })

  it('remembers the genuine beginning of a chain that it refuses, but not the refused grant', async () => {
    const { checksFor } = setUp()
    const forged = chainOf(2, { 2: { statement: { signer: holderKey(1) } } })
    expect(await checksFor(forged)).toBe('HOLDER_UNKNOWN')
    expect(await checksFor(forged)).toBe('HOLDER_UNKNOWN')
    expect(await checksFor(chainOf(1))).toBe(0)
  })

  it('does not take a known grant for genuine at another place', async () => {
    const { checksFor } = setUp()
    const grants = grantsOf(3)
    await checksFor(grants.join('~'))
    expect(await checksFor(grants.toSpliced(1, 1).join('~'))).toBe('NOT_BY_HOLDER')
    expect(await checksFor(grants.toSpliced(0, 1).join('~'))).toBe('ROOT_EXPECTED')
    const otherRoot = rootGrant({ claims: { jti: 'other' } })
    expect(await checksFor(grants.toSpliced(0, 1, otherRoot).join('~'))).toBe('PARENT_MISMATCH')
  })

  it.each<[string, string, (text: string) => string]>([
    ['white space at the end', 'MALFORMED_GRANT', (text) => `${text} `],
    ['padding', 'MALFORMED_GRANT', (text) => `${text}=`],
    ['a damaged signature', 'NOT_BY_HOLDER', (text) => text.replace(/.{20}$/, 'A'.repeat(20))],
  ])('refuses a known chain with %s', async (_name, reason, change) => {
    const { checksFor } = setUp()
    await checksFor(chainOf(1))
    expect(await checksFor(change(chainOf(1)))).toBe(reason)
  })

  it.each([
    ['the root', GRANT_KEY.kid, 0],
    ['a statement', NEXT.kid, 1],
  ])('asks again for the state of the key of %s', async (_name, kid, hop) => {
    const { keys, verifyChain, checksFor } = setUp()
    const text = chainOf(1, { 1: byNext })
    expect(await checksFor(text)).toBe(2)
    keys.become({ state: 'retiring' }, kid)
    expect(await checksFor(text)).toBe(0)
    for (const state of ['retired', 'compromised', 'prepared'] as const) {
      keys.become({ state }, kid)
      expect(await verifyChain(text)).toMatchObject({ reason: 'UNKNOWN_KEY', hop })
    }
    keys.become({ state: 'active', verify: () => false }, kid)
    expect(await verifyChain(text)).toMatchObject({ ok: false, hop })
    keys.become(undefined, kid)
    expect(await verifyChain(text)).toMatchObject({ reason: 'UNKNOWN_KEY', hop })
  })

  it('remembers at most as many grants and statements as its capacity', async () => {
    const { checksFor } = setUp(2)
    expect(await checksFor(chainOf(3))).toBe(4)
    // The root and the first statement left first, and those that remain push each other out.
    expect(await checksFor(chainOf(3))).toBe(4)
    expect(await checksFor(chainOf(1))).toBe(2)
    expect(await checksFor(chainOf(1))).toBe(0)
  })
})
