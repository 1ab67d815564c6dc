import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change } from '../ledger/ledger.ts'

/** The time from which first epochs are counted. */
const BEGIN = '2026-01-01T00:00:00Z'
/**
 * The first epoch becomes at least this for each second since BEGIN, so it does not only follow from the backup. A
 * backup that is restored for the second time does not know the epochs after the first time, but the clock does. An
 * operator ends its tokens less often than twice a second over any longer time. 32 bits last 34 years.
 */
const EPOCHS_A_SECOND = 2
/** How much it rises at least: by more than an operator can have raised its epoch between two restores in a row. */
const STEP = 1_000

/** Result of endAllTokensOfDeployment. */
export interface Ended {
  /** Tokens whose operator epoch is below this epoch have ended. */
  readonly minimumEpoch: number
  readonly at: Date
}

/**
 * Ends every token of the deployment, and voids every challenge, code, refresh token and session. The administrator
 * calls it after a backup is restored, because all revocations, redemptions and registrations since that backup are
 * lost. Every operator continues from an epoch that no issued token can have, also an operator that registers again
 * under the same id.
 */
export function endAllTokensOfDeployment(prisma: PrismaClient, author: Author, reason: string): Promise<Ended> {
  return change(prisma, author, async (tx, audit) => {
    const rows = await tx.$queryRaw<{ firstEpoch: number; issuer: string }[]>`
      UPDATE deployment SET first_epoch = greatest(
        first_epoch + ${STEP}::int,
        ceil(extract(epoch FROM clock_timestamp() - ${BEGIN}::timestamptz) * ${EPOCHS_A_SECOND}::int)::int),
        refresh_key_id = NULL, wrapped_refresh_key = NULL, refresh_kek_id = NULL
      WHERE id = 1
      RETURNING first_epoch AS "firstEpoch", issuer`
    const [{ firstEpoch, issuer } = { firstEpoch: 0, issuer: '' }] = rows
    await tx.challengeKey.deleteMany()
    await tx.webSession.deleteMany()
    await audit({ action: 'deployment.end-all-tokens', subject: issuer, reason })
    return { minimumEpoch: firstEpoch, at: new Date() }
  })
}
