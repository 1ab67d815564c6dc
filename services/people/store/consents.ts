import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { Connection, Consent, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { cutTimedPage, parsePageSize, parseTimedToken, type TimedPage } from '../../platform/requests/page.ts'

/** A consent with its connections. */
export interface ConsentWithConnections extends Consent {
  readonly connections: readonly Connection[]
}

/** Which consents to list. An empty text leaves nothing out. */
interface Wanted {
  readonly subject: string
  readonly clientId: string
  readonly audience: string
  readonly pageSize: number
  readonly pageToken: string
}

const WITH_CONNECTIONS = { connections: { orderBy: { createdAt: 'asc' } } } as const

/** Tells whether an operator has a say in a consent: it is that of the user, or it owns the audience. */
export function isSideOf({ operatorId, ownerId }: Pick<Consent, 'operatorId' | 'ownerId'>, id: string): boolean {
  return operatorId === id || ownerId === id
}

/**
 * Lists the consents in which an operator has a say, newest first.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_PAGE_TOKEN
 */
export async function listConsents(
  prisma: PrismaClient,
  operator: string,
  { subject, clientId, audience, pageSize, pageToken }: Wanted,
): Promise<TimedPage<ConsentWithConnections>> {
  const size = parsePageSize(pageSize)
  const after = parseTimedToken(pageToken)
  const where = {
    ...(subject !== '' && { subject }),
    ...(clientId !== '' && { clientId }),
    ...(audience !== '' && { audience }),
    ...(after && { OR: [{ givenAt: { lt: after.at } }, { givenAt: after.at, id: { lt: after.id } }] }),
  }
  const read = (side: { operatorId: string } | { ownerId: string; operatorId: { not: string } }) =>
    prisma.consent.findMany({
      where: { ...where, ...side },
      include: WITH_CONNECTIONS,
      orderBy: [{ givenAt: 'desc' }, { id: 'desc' }],
      take: size + 1,
    })
  // Each side has an index in this order. One statement for both would read all rows of the operator.
  const sides = await Promise.all([
    read({ operatorId: operator }),
    read({ ownerId: operator, operatorId: { not: operator } }),
  ])
  const rows = sides.flat().toSorted(isLater)
  return cutTimedPage(rows.slice(0, size + 1), size, ({ givenAt, id }) => ({ at: givenAt, id }))
}

function isLater(left: Consent, right: Consent): number {
  const byTime = right.givenAt.getTime() - left.givenAt.getTime()
  if (byTime !== 0) return byTime
  return left.id < right.id ? 1 : -1
}

/** Lists the consents of a user, newest first. A user has at most 200. */
export function listConsentsOfUser(
  prisma: PrismaClient,
  { operatorId, subject }: Pick<Consent, 'operatorId' | 'subject'>,
): Promise<ConsentWithConnections[]> {
  const orderBy = [{ givenAt: 'desc' as const }, { id: 'desc' as const }]
  return prisma.consent.findMany({ where: { operatorId, subject }, include: WITH_CONNECTIONS, orderBy })
}

/**
 * Withdraws a consent: a trigger writes its edge, and those of its connections, to the revocation log.
 *
 * @param maySay tells whether the author has a say in the consent. All others are not found
 * @throws ApiError CONSENT_NOT_FOUND
 */
export function withdrawConsent(
  prisma: PrismaClient,
  author: Author,
  id: string,
  maySay: (consent: Consent) => boolean,
): Promise<ConsentWithConnections> {
  return change(prisma, author, async (tx, audit) => {
    const where = { id }
    const row = isUuid(id) ? await tx.consent.findUnique({ where, include: WITH_CONNECTIONS }) : null
    if (row === null || !maySay(row)) throw new ApiError('CONSENT_NOT_FOUND')
    if ((await tx.consent.deleteMany({ where })).count === 0) throw new ApiError('CONSENT_NOT_FOUND')
    const { operatorId, ownerId, subject, clientId, capabilities } = row
    const reason = `user ${subject}; client ${clientId}; capabilities ${JSON.stringify(capabilities)}`
    const operators = [...new Set([operatorId, ownerId])]
    await audit(
      ...operators.map((each) => ({ action: 'consent.withdraw', subject: id, operatorId: each, reason }) as const),
    )
    return row
  })
}
