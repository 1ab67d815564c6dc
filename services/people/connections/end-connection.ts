import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { Connection, Consent, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** Which connection ends, and how. */
interface Ending {
  readonly id: string
  /** Why, as a part of the audit's reason. */
  readonly why?: string
  /** Tells whether the author may end the connections of this consent. */
  readonly mayEnd: (consent: Consent) => boolean
}

/**
 * Ends a connection of a client, because the client wants that, or because two have its refresh token. Does nothing if
 * the client has no such connection.
 */
export async function endConnectionOfClient(
  prisma: PrismaClient,
  author: Author,
  { clientId, ...ending }: Omit<Ending, 'mayEnd'> & { readonly clientId: string },
): Promise<void> {
  const mayEnd = (consent: Consent) => consent.clientId === clientId
  await change(prisma, author, (tx, audit) => end(tx, audit, { ...ending, mayEnd }))
}

/**
 * Ends a connection for somebody who has a say in its consent.
 *
 * @throws ApiError CONNECTION_NOT_FOUND
 */
export function endConnection(
  prisma: PrismaClient,
  author: Author,
  id: string,
  maySay: (consent: Consent) => boolean,
): Promise<Connection> {
  return change(prisma, author, async (tx, audit) => {
    const ended = await end(tx, audit, { id, mayEnd: maySay })
    if (ended === undefined) throw new ApiError('CONNECTION_NOT_FOUND')
    return ended
  })
}

/** A trigger writes the edge of the connection to the revocation log. */
async function end(tx: Tx, audit: Audit, { id, why, mayEnd }: Ending): Promise<Connection | undefined> {
  const where = { id }
  const row = isUuid(id) ? await tx.connection.findUnique({ where, include: { consent: true } }) : null
  if (row === null || !mayEnd(row.consent)) return undefined
  if ((await tx.connection.deleteMany({ where })).count === 0) return undefined
  const { operatorId, ownerId, subject, clientId, audience } = row.consent
  const about = [`user ${subject}`, `client ${clientId}`, `audience ${JSON.stringify([audience])}`]
  const reason = [...about, ...(why === undefined ? [] : [why])].join('; ')
  const operators = [...new Set([operatorId, ownerId])]
  await audit(
    ...operators.map((each) => ({ action: 'connection.end', subject: id, operatorId: each, reason }) as const),
  )
  return row
}
