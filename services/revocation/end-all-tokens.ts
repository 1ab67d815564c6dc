import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change } from '../ledger/ledger.ts'

/** How much the first epoch rises: by more than any epoch can have risen since the backup that was restored. */
const STEP = 1_000_000

/** Result of endAllTokensOfDeployment. */
export interface Ended {
  /** Tokens whose operator epoch is below this epoch have ended. */
  readonly minimumEpoch: number
  readonly at: Date
}

/**
 * Ends every token of the deployment and voids every challenge. The administrator calls it after a backup is restored,
 * because all revocations, redemptions and registrations since that backup are lost. Every operator continues from an
 * epoch that no issued token can have, also an operator that registers again under the same id.
 */
export function endAllTokensOfDeployment(prisma: PrismaClient, author: Author, reason: string): Promise<Ended> {
  return change(prisma, author, async (tx, audit) => {
    const { firstEpoch, issuer } = await tx.deployment.update({
      where: { id: 1 },
      data: { firstEpoch: { increment: STEP } },
    })
    await tx.challengeKey.deleteMany()
    await audit({ action: 'deployment.end-all-tokens', subject: issuer, reason })
    return { minimumEpoch: firstEpoch, at: new Date() }
  })
}
