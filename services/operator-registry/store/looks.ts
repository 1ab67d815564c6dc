import { type Author, change } from '../../ledger/ledger.ts'
import type { Context } from '../context.ts'
import { nextLookDelay, unwatchedMs } from '../domain/takeover-looks.ts'
import { endWait, lockDomain } from './operators.ts'

/** A newcomer that waits for a domain, and at whose domain a look is due. */
export interface DueLook {
  readonly id: string
  readonly domain: string
  readonly thumbprint: string
  /** Identifies the wait, so that a look never counts for another one. */
  readonly takeoverAt: Date
}

interface DueRow extends DueLook {
  readonly nextLookAt: Date
}

/**
 * Claims the looks that were due at `at` (Unix milliseconds), at most `limit`, by fixing the time of the next one: no other
 * instance makes them too. A look that is claimed and never recorded does not count.
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
 * Counts a look that saw the newcomer's record alone, for the wait that it was claimed in. Otherwise ends the newcomer's
 * wait, and `failure` says why in its audit.
 *
 * @returns whether the newcomer goes on waiting.
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
