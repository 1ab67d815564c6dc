import { Prisma, type PrismaClient, type User } from '../../../gen/prisma/client.ts'
import type { AuditAction } from '../../ledger/audit-action.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { lockActiveOperator } from '../../ledger/lock-operator.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { UserPage } from '../users/domain/parse-user-page.ts'

/** Names a user. */
export interface UserKey {
  readonly operatorId: string
  readonly subject: string
}

/** Names a user, and says why it is changed. */
export interface NamedUser extends UserKey {
  readonly reason: string
}

/**
 * Ends all tokens of a user. The refresh token of the provider is erased, because the user must sign in again, which
 * brings another one.
 */
const ENDED = {
  epoch: { increment: 1 },
  version: { increment: 1 },
  providerToken: null,
  providerTokenKey: null,
  checkedAt: null,
  askedAt: null,
} as const

/**
 * What removing a user writes: only the subject, the status and the raised epoch stay. A trigger writes the epoch to
 * the revocation log. The database's clock counts, because the database keeps the row until its tokens have expired.
 */
export const REMOVED = Prisma.sql`status = 'removed', epoch = epoch + 1, version = version + 1, removed_at = now(),
  disabled_at = NULL, provider_id = NULL, provider_edge = NULL, tenant = '', sub = '', name = '', groups = '{}',
  provider_token = NULL, provider_token_key = NULL, checked_at = NULL, asked_at = NULL,
  signed_out_at = clock_timestamp()`

/**
 * Disables a user. A trigger writes the raised epoch to the revocation log. Changes nothing for a user that is
 * disabled already.
 *
 * @throws ApiError USER_NOT_FOUND
 */
export function disableUser(prisma: PrismaClient, author: Author, named: NamedUser, at: Date): Promise<User> {
  return changeUser(prisma, author, { named, action: 'user.disable', from: 'active' }, (tx, key) =>
    writeDisabled(tx, key, at),
  )
}

/**
 * Lets a disabled user sign in again. The epoch stays raised, so no earlier token is valid again.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, USER_NOT_FOUND
 */
export function enableUser(prisma: PrismaClient, author: Author, named: NamedUser): Promise<User> {
  return changeUser(prisma, author, { named, action: 'user.enable', from: 'disabled' }, async (tx, key) => {
    await lockActiveOperator(tx, named.operatorId)
    return tx.user.update({
      where: keyOf(key),
      data: { status: 'active', disabledAt: null, version: { increment: 1 } },
    })
  })
}

/**
 * Ends all tokens of a user and erases the person. Changes nothing for a user that is removed already, so that a call
 * can be repeated.
 *
 * @throws ApiError USER_NOT_FOUND
 */
export function removeUser(prisma: PrismaClient, author: Author, named: NamedUser): Promise<User> {
  const { operatorId, subject } = named
  return change(prisma, author, async (tx, audit) => {
    const row = await lockUser(tx, named)
    if (row.status === 'removed') return row
    await writeRemoved(tx, { operatorId, subject })
    await audit({ action: 'user.remove', subject, operatorId })
    return tx.user.findUniqueOrThrow({ where: keyOf(named) })
  })
}

/** Disables a user that is locked. */
export async function writeDisabled(tx: Tx, key: UserKey, at: Date): Promise<User> {
  // Otherwise a refresh token or a code from before would be good again when the user is enabled.
  await endConnections(tx, key)
  return tx.user.update({ where: keyOf(key), data: { status: 'disabled', disabledAt: at, ...ENDED } })
}

/** Removes a user that is locked. */
export async function writeRemoved(tx: Tx, { operatorId, subject }: UserKey): Promise<void> {
  await tx.consent.deleteMany({ where: { operatorId, subject } })
  await tx.$executeRaw`UPDATE users SET ${REMOVED} WHERE operator_id = ${operatorId}::uuid AND subject = ${subject}`
}

/** Ends the sessions, the connections and the tokens of a user that is locked. The user may sign in again. */
export async function writeSignedOut(tx: Tx, key: UserKey): Promise<void> {
  const { operatorId, subject } = key
  await endConnections(tx, key)
  await tx.webSession.deleteMany({ where: { operatorId, subject } })
  await tx.user.update({ where: keyOf(key), data: ENDED })
  await writeSignOutTime(tx, key)
}

/** Makes sign-ins fail whose answer the provider may have given before it signed the user out. */
export async function writeSignOutTime(tx: Tx, { operatorId, subject }: UserKey): Promise<void> {
  await tx.$executeRaw`
    UPDATE users SET signed_out_at = clock_timestamp()
    WHERE operator_id = ${operatorId}::uuid AND subject = ${subject}`
}

/**
 * Ends the connections of a user, and voids its codes. The consents stay, under new ids: a code from before names the
 * earlier one, and a connection that is about to begin refers to it.
 */
async function endConnections(tx: Tx, { operatorId, subject }: UserKey): Promise<void> {
  // First, because it waits for connections that begin now, and moves them.
  await tx.$executeRaw`
    UPDATE consents SET id = gen_random_uuid() WHERE operator_id = ${operatorId}::uuid AND subject = ${subject}`
  await tx.connection.deleteMany({ where: { consent: { operatorId, subject } } })
}

/** Lists users by subject, one more than the size of the page if another page follows. */
export function listUsers(prisma: PrismaClient, operatorId: string, page: UserPage): Promise<User[]> {
  const { size, after, statuses } = page
  return prisma.user.findMany({
    where: { operatorId, status: { in: [...statuses] }, ...(after !== undefined && { subject: { gt: after } }) },
    orderBy: { subject: 'asc' },
    take: size + 1,
  })
}

interface StatusChange {
  readonly named: NamedUser
  readonly action: AuditAction
  /** The status that is changed. A user with the other one is left as it is. */
  readonly from: 'active' | 'disabled'
}

function changeUser(
  prisma: PrismaClient,
  author: Author,
  { named, action, from }: StatusChange,
  write: (tx: Tx, key: UserKey) => Promise<User>,
): Promise<User> {
  const { operatorId, subject, reason } = named
  return change(prisma, author, async (tx, audit) => {
    const row = await lockUser(tx, named)
    if (row.status === 'removed') throw new ApiError('USER_NOT_FOUND')
    if (row.status !== from) return row
    const after = await write(tx, { operatorId, subject })
    await audit({ action, subject, operatorId, reason })
    return after
  })
}

/** Locks a user, so that its changes and sign-ins happen one after the other. Throws ApiError USER_NOT_FOUND. */
async function lockUser(tx: Tx, key: UserKey): Promise<User> {
  const user = await findUser(tx, key)
  if (user === undefined) throw new ApiError('USER_NOT_FOUND')
  return user
}

/** Locks a user. Returns undefined if there is none. */
export async function findUser(tx: Tx, key: UserKey): Promise<User | undefined> {
  const { operatorId, subject } = key
  await tx.$queryRaw`
    SELECT 1 FROM users WHERE operator_id = ${operatorId}::uuid AND subject = ${subject} FOR NO KEY UPDATE`
  return (await tx.user.findUnique({ where: keyOf(key) })) ?? undefined
}

function keyOf({ operatorId, subject }: UserKey) {
  return { operatorId_subject: { operatorId, subject } }
}
