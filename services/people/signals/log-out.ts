import type { IdentityProvider, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { lockSid, rememberEndedSid } from '../store/ended-sids.ts'
import { findUser, type UserKey, writeSignedOut, writeSignOutTime } from '../store/users.ts'
import { userSubject } from '../users/domain/user-subject.ts'
import type { Logout } from './domain/read-logout.ts'
import { isFirst } from './is-first.ts'

/** A verified logout, and the provider at which it was. */
export interface ProviderLogout extends Logout {
  readonly provider: Pick<IdentityProvider, 'id' | 'name' | 'operatorId' | 'issuer' | 'onLogout'>
  /** Until when the token could be accepted once more, in Unix milliseconds. */
  readonly until: number
}

/**
 * Ends the sessions that a logout at the provider names. If the operator wants that, also everything that acts for
 * their user: triggers write what ends to the revocation log. Does nothing for a logout that was received before.
 *
 * @throws ApiError SIGNAL_NOT_ACCEPTED if tokens must end, and the logout names no user that the server can find
 */
export async function logOut(prisma: PrismaClient, author: Author, logout: ProviderLogout): Promise<void> {
  const { provider, jti, until } = logout
  const { id, name, operatorId, onLogout } = provider
  const by: Author = { ...author, principal: { kind: 'provider', id } }
  await change(prisma, by, async (tx, audit) => {
    const session = logout.sid === undefined ? undefined : { providerId: id, sid: logout.sid }
    if (session !== undefined) await lockSid(tx, session)
    const subject = subjectOf(logout) ?? (await subjectOfSession(tx, logout))
    if (subject === undefined) {
      if (onLogout !== 'tokens') return session && rememberEndedSid(tx, session)
      throw new ApiError('SIGNAL_NOT_ACCEPTED', 'The logout token must have a sub, because no session here has its sid')
    }
    const key = { operatorId, subject }
    const user = await findUser(tx, key)
    if (user?.status !== 'active' || !(await isFirst(tx, id, jti, until))) return
    if (onLogout === 'tokens') await writeSignedOut(tx, key)
    else {
      // Also without a session: one may be about to begin.
      await writeSignOutTime(tx, key)
      if ((await endSessions(tx, key, logout)) === 0) return
    }
    await audit({ action: 'user.signal', subject, operatorId, reason: `logout; provider ${name}` })
  })
}

function subjectOf({ provider, sub }: ProviderLogout): string | undefined {
  const { operatorId, issuer } = provider
  return sub === undefined ? undefined : userSubject({ operatorId, issuer, tenant: '', claim: 'sub', sub })
}

/** A session at a provider is of one person. */
async function subjectOfSession(tx: Tx, { provider, sid }: ProviderLogout): Promise<string | undefined> {
  if (sid === undefined) return undefined
  const row = await tx.webSession.findFirst({ where: { providerId: provider.id, sid }, select: { subject: true } })
  return row?.subject
}

/** Ends the named session, and those of which the provider has not said which session they are; or all of a user. */
async function endSessions(tx: Tx, key: UserKey, { provider, sid }: ProviderLogout): Promise<number> {
  const where = { ...key, providerId: provider.id, ...(sid !== undefined && { sid: { in: [sid, ''] } }) }
  return (await tx.webSession.deleteMany({ where })).count
}
