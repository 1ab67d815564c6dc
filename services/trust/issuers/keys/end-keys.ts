import { change, systemAuthor } from '../../../ledger/ledger.ts'
import type { EndingDeps } from '../domains/end-edges.ts'

/** The most ended keys of one issuer that are remembered. Beyond it, those that ended first are forgotten. */
const MAX_REMEMBERED = 1_000
/** The `kid` of a key of another deployment: a thumbprint (RFC 7638). */
const KID = /^[\w-]{43}$/

/**
 * Ends keys of another deployment for good. The log keeps the record of a compromised key for 65 minutes only. After
 * that an old JWKS, from a cache or replayed, would bring the key back.
 */
export async function endKeys({ db, now }: EndingDeps, issuerId: string, subjects: readonly string[]): Promise<void> {
  const kids = subjects.filter((subject) => KID.test(subject)).slice(-MAX_REMEMBERED)
  const known = await db.prisma.issuerEndedKey.findMany({ where: { issuerId, kid: { in: kids } } })
  const added = kids.filter((kid) => known.every((row) => row.kid !== kid))
  if (added.length === 0) return
  await change(db.prisma, systemAuthor('foreign-log'), async (tx, audit) => {
    const { issuer } = await tx.issuer.findUniqueOrThrow({ where: { id: issuerId }, select: { issuer: true } })
    const data = added.map((kid) => ({ issuerId, kid, endedAt: new Date(now()) }))
    const { count } = await tx.issuerEndedKey.createMany({ data, skipDuplicates: true })
    if (count === 0) return
    // One record for all, so that a log that ends keys all the time fills no audit.
    const [first = ''] = added
    const reason = added.length === 1 ? '' : `and ${added.length - 1} more`
    await audit({ action: 'issuer.end-key', subject: `${issuer} ${first}`, reason })
    await tx.$executeRaw`
      DELETE FROM "issuer_ended_keys" WHERE "issuer_id" = ${issuerId}::uuid AND "kid" NOT IN (
        SELECT "kid" FROM "issuer_ended_keys" WHERE "issuer_id" = ${issuerId}::uuid
        ORDER BY "ended_at" DESC, "kid" LIMIT ${MAX_REMEMBERED}
      )`
  })
}
