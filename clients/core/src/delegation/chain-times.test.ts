import { expect, it } from 'vitest'
import { verifyGrantChain } from '../../../../services/revocation/verify-grant-chain.ts'
import { CHAIN_ISSUER, chainOf, countingKeys, ISSUED } from '../../../../test/support/grant-chains.ts'
import { checkChainTimes } from './chain-times.ts'
import type { GrantReason } from './refusal.ts'

/**
 * The root is valid from 0 to 3600 s, each grant below 60 s less at both ends, and its statement from 90 to 3550 s.
 */
const SPAN = { iat: ISSUED + 90, exp: ISSUED + 3550 }
const TEXT = chainOf(2, { 1: { statement: { claims: SPAN } } })
const SKEW = 10

type Row = readonly [row: number, reason: GrantReason | undefined, name: string, atS: number, hop: number | undefined]
const ROWS: readonly Row[] = [
  [21, 'GRANT_NOT_YET_VALID', 'before all grants', -11, 0],
  [21, 'GRANT_NOT_YET_VALID', 'before the first child', 49, 1],
  [21, 'GRANT_NOT_YET_VALID', 'before the statement about the holder of the first child', 79, 1],
  [21, 'GRANT_NOT_YET_VALID', 'before the last child', 109, 2],
  [0, undefined, 'at the first moment, with a clock that is late', 110, undefined],
  [0, undefined, 'at the last moment, with a clock that is ahead', 3489, undefined],
  [23, 'GRANT_EXPIRED', 'when the last child expires', 3490, 2],
  [23, 'GRANT_EXPIRED', 'when the first child expires', 3550, 1],
  [23, 'GRANT_EXPIRED', 'when the root expires', 3610, 0],
  [23, 'GRANT_EXPIRED', 'when the clock is not a number', Number.NaN, 0],
  [23, 'GRANT_EXPIRED', 'when the clock is infinite', Number.POSITIVE_INFINITY, 0],
]

it.each(ROWS)('checkChainTimes decides row %i, %s: %s', async (_row, reason, _name, atS, hop) => {
  const verified = await verifyGrantChain(TEXT, { issuer: CHAIN_ISSUER, keys: countingKeys() })
  const refusal = verified.ok ? checkChainTimes(verified.chain, ISSUED + atS, SKEW) : verified
  expect(refusal).toEqual(reason && expect.objectContaining({ ok: false, reason, hop }))
})

it('checkChainTimes refuses a chain whose holder statement has expired before its grant', async () => {
  const verified = await verifyGrantChain(TEXT, { issuer: CHAIN_ISSUER, keys: countingKeys() })
  if (!verified.ok) throw new Error(verified.rule)
  const hops = verified.chain.hops.map((hop) => ({ ...hop, exp: ISSUED + 9_999 }))
  const refusal = checkChainTimes({ ...verified.chain, hops }, ISSUED + 3560, SKEW)
  expect(refusal).toMatchObject({ reason: 'GRANT_EXPIRED', hop: 1 })
})
