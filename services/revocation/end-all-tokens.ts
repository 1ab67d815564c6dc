import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change } from '../ledger/ledger.ts'

/** How far the first epoch moves on: further than any can have moved since the backup that was restored. */
const STEP = 1_000_000

/** What has been ended. */
export interface Ended {
  /** Operator epoch below which no token stands. */
  readonly minimumEpoch: number
  readonly at: Date
}

/**
 * Ends every token of the deployment and voids every challenge. What was revoked, redeemed or registered after the backup is
 * lost: so all operators, and those that will register again under the same id, count from an epoch that no token can carry.
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
