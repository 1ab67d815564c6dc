import { MAX_DEPTH } from '@auth4agent/core/delegation/grant-types'
import type { Limiter, LimitName, Rates } from '../platform/limits/limits.ts'

/** A key against which a call counts. */
export interface CountedKey {
  readonly by: 'source' | 'subject'
  readonly key: string
}

/** Bytes of an answer that cost one unit more. */
const BYTES_A_UNIT = 32 * 1024

/**
 * Returns the cost of a token or a chain of grants: one unit for each grant, because each can cost two signature
 * checks. Nothing longer than the longest chain is verified.
 */
export function costOfChain(text: string): number {
  return text.split('~', MAX_DEPTH + 1).length
}

/** Returns the units that a large answer costs besides the first. */
export function costOfBytes(bytes: number): number {
  return Math.floor(bytes / BYTES_A_UNIT)
}

/** Counts units of a call after its first. It refuses no call but later ones. */
export function chargeUnits(
  { limiter, rates }: { readonly limiter: Limiter; readonly rates: Rates },
  group: LimitName,
  keys: readonly CountedKey[],
  units: number,
): void {
  if (units <= 0) return
  for (const { by, key } of keys) {
    limiter(group, by, key, { ...rates[group][by], burst: Number.POSITIVE_INFINITY }, units)
  }
}
