import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change } from '../ledger/ledger.ts'

/** Added to the first epoch: more than any epoch can have risen since the backup that was restored. */
const STEP = 1_000_000

/** Result of endAllTokensOfDeployment. */
export interface Ended {
  /** Tokens with an operator epoch below this one are ended. */
  readonly minimumEpoch: number
  readonly at: Date
}

/**
 * Ends every token of the deployment and voids every challenge. It is called after a backup was restored: all
 * revocations, redemptions and registrations since the backup are lost. So every operator, also one that registers
 * again under the same id, continues from an epoch that no issued token can have.
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
