import type { IdentityProvider, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change, KEEP_BEYOND_EXPIRY_S } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { findUser, type UserKey, writeDisabled, writeRemoved, writeSignedOut } from '../store/users.ts'
import { userSubject } from '../users/domain/user-subject.ts'
import type { EndedUser, Ending } from './domain/read-event.ts'

/** A verified signal that ends a user. */
export interface Signal extends EndedUser {
  readonly provider: Pick<IdentityProvider, 'id' | 'name' | 'operatorId' | 'issuer'>
  readonly jti: string
  /** Until when the signal could be accepted once more, in Unix milliseconds. */
  readonly until: number
}

const WRITES: Readonly<Record<Ending, (tx: Tx, key: UserKey, at: Date) => Promise<unknown>>> = {
  disable: writeDisabled,
  remove: writeRemoved,
  'sign-out': writeSignedOut,
}

/**
 * Ends a user as its identity provider says. Triggers write what ends to the revocation log. Does nothing about a
 * person who is no user here, and nothing for a signal that was received before: a provider may send it again, and
 * gets the same answer (RFC 8935 section 2).
 */
export async function endBySignal(prisma: PrismaClient, author: Author, signal: Signal, at: Date): Promise<void> {
  const { provider, sub, ending, event, jti, until } = signal
  const { id, name, operatorId, issuer } = provider
  const key = { operatorId, subject: userSubject({ operatorId, issuer, tenant: '', claim: 'sub', sub }) }
  const by: Author = { ...author, principal: { kind: 'provider', id } }
  await change(prisma, by, async (tx, audit) => {
    const user = await findUser(tx, key)
    if (user === undefined || !isOpen(ending, user.status)) return
    // Only for a user whom it ends, so that nobody can fill the database with signals about strangers.
    if (!(await isFirst(tx, id, jti, until))) return
    await WRITES[ending](tx, key, at)
    await audit({ action: 'user.signal', subject: key.subject, operatorId, reason: `${event}; provider ${name}` })
  })
}

/** Tells whether there is anything left that the signal ends. */
function isOpen(ending: Ending, status: 'active' | 'disabled' | 'removed'): boolean {
  return status === 'active' || (status === 'disabled' && ending === 'remove')
}

async function isFirst(tx: Tx, providerId: string, jti: string, until: number): Promise<boolean> {
  const keepUntil = new Date(until + KEEP_BEYOND_EXPIRY_S * 1_000)
  const data = [{ issuer: `provider ${providerId}`, jti, keepUntil }]
  return (await tx.usedAssertion.createMany({ data, skipDuplicates: true })).count > 0
}
