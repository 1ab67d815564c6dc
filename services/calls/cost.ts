import { MAX_DEPTH } from '@auth4agent/core/delegation/grant-types'
import type { RequestBody } from '../ledger/principal.ts'
import type { Limiter, LimitName, Rates } from '../platform/limits/limits.ts'

/** A key against which a call counts. */
export interface CountedKey {
  readonly by: 'source' | 'subject'
  readonly key: string
}

/** Bytes of a request that cost nothing besides the first unit, and those that cost one unit more. */
const USUAL_REQUEST = 4 * 1024
const REQUEST_BYTES_A_UNIT = 2 * 1024
/** Bytes of an answer that cost one unit more. */
const BYTES_A_UNIT = 32 * 1024

/**
 * Returns the cost of a token or a chain of grants: one unit for each grant, because each can cost two signature
 * checks. Nothing longer than the longest chain is verified.
 */
export function costOfChain(text: string): number {
  return text.split('~', MAX_DEPTH + 1).length
}

/** Returns the units that a large request costs besides the first: it must be read before the caller is known. */
export function costOfRequest(body: RequestBody | undefined): number {
  const bytes = body?.bytes().length ?? 0
  return Math.max(0, Math.floor((bytes - USUAL_REQUEST) / REQUEST_BYTES_A_UNIT))
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
