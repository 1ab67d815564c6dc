import { type Author, change } from '../../ledger/ledger.ts'
import type { Context } from '../context.ts'
import { nextLookDelay, unwatchedMs } from '../domain/takeover-looks.ts'
import { endWait, lockDomain } from './operators.ts'

/** A newcomer that waits for a takeover and whose next look is due. */
export interface DueLook {
  readonly id: string
  readonly domain: string
  readonly thumbprint: string
  /** End of the takeover delay. It identifies the wait, so that a look never counts for another wait. */
  readonly takeoverAt: Date
}

interface DueRow extends DueLook {
  readonly nextLookAt: Date
}

/**
 * Claims at most `limit` looks that were due at `at` (Unix milliseconds). For each it sets the time of the next look,
 * so that no other process makes the same look. A late look prolongs its wait. A look that is claimed but never
 * recorded does not count.
 */
export function claimDueLooks(context: Context, at: number, limit: number): Promise<DueLook[]> {
  const { prisma, now, random, testDomains, settings } = context
  return prisma.$transaction(async (tx) => {
    const rows = await tx.$queryRaw<DueRow[]>`
      SELECT "id"::text, "domain", "root_key_thumbprint" AS "thumbprint", "takeover_at" AS "takeoverAt",
        "next_look_at" AS "nextLookAt"
      FROM "operators"
      WHERE "next_look_at" <= ${new Date(at)} AND "takeover_at" IS NOT NULL
        AND NOT (${testDomains} AND "domain" LIKE '%.test')
      ORDER BY "next_look_at" LIMIT ${limit} FOR UPDATE SKIP LOCKED`
    const claimed: DueLook[] = []
    for (const { id, domain, thumbprint, takeoverAt: before, nextLookAt: due } of rows) {
      const unwatched = unwatchedMs(settings.takeoverDelayMs, now() - due.getTime())
      const takeoverAt = new Date(before.getTime() + unwatched)
      const nextLookAt = new Date(now() + nextLookDelay(settings.takeoverDelayMs, random()))
      await tx.operator.update({ where: { id }, data: { takeoverAt, nextLookAt } })
      claimed.push({ id, domain, thumbprint, takeoverAt })
    }
    return claimed
  })
}

/**
 * Counts a look that found only the newcomer's record, if the newcomer is still in the wait for which the look was
 * claimed. With a `failure`, ends the newcomer's wait instead and writes the failure to the newcomer's audit.
 *
 * @returns whether the newcomer still waits.
 */
export function recordLook(
  { prisma }: Context,
  author: Author,
  look: DueLook,
  failure: string | undefined,
): Promise<boolean> {
  return change(prisma, author, async (tx, audit) => {
    const { operators } = await lockDomain(tx, look.domain)
    const takeoverAt = operators.find(({ id }) => id === look.id)?.takeoverAt ?? null
    if (takeoverAt === null) return false
    if (failure !== undefined) {
      await endWait(tx, audit, look.id, failure)
      return false
    }
    if (takeoverAt.getTime() === look.takeoverAt.getTime()) {
      await tx.operator.update({ where: { id: look.id }, data: { takeoverLooks: { increment: 1 } } })
    }
    return true
  })
}
