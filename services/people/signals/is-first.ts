import { KEEP_BEYOND_EXPIRY_S } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'

/**
 * Records that a signal of a provider is used, and tells whether it was used for the first time.
 *
 * @param until until when the signal could be accepted once more, in Unix milliseconds
 */
export async function isFirst(tx: Tx, providerId: string, jti: string, until: number): Promise<boolean> {
  const keepUntil = new Date(until + KEEP_BEYOND_EXPIRY_S * 1_000)
  const data = [{ issuer: `provider ${providerId}`, jti, keepUntil }]
  return (await tx.usedAssertion.createMany({ data, skipDuplicates: true })).count > 0
}
