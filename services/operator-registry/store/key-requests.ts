import type { KeyInvitation } from '@auth4agent/core/identity/key-invitation'
import type { RootKey } from '@auth4agent/core/identity/operator-manifest'
import type { KeyRequest } from '../../../gen/prisma/client.ts'
import { type Author, change, KEEP_BEYOND_EXPIRY_S } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Context } from '../context.ts'
import { invalidInvitation, notByRoot } from '../domain/refuse-invitation.ts'
import { readKeys } from './manifests.ts'
import { CAN_SET_KEYS } from './set-keys.ts'

/** How many requests of one operator may wait. */
const MAX_KEY_REQUESTS = 32
const LIFETIME_MS = 86_400_000

/** A request for a passkey that waits. */
export type StoredKeyRequest = Pick<KeyRequest, 'operatorId' | 'kid' | 'request' | 'submittedAt' | 'expiresAt'>

/** A request that answers an invitation. */
interface NewKeyRequest {
  readonly kid: string
  readonly request: string
  readonly invitation: KeyInvitation
  /** Throws ApiError unless one of these root keys has signed the invitation. */
  readonly demandRoot: (rootKeys: readonly RootKey[]) => void
}

/**
 * Stores a request, and uses its invitation up in the same transaction. The row of the operator is locked, so that two
 * processes count the same requests and see the same root keys.
 *
 * @throws ApiError INVALID_INVITATION, RATE_LIMITED
 */
export function storeKeyRequest(context: Context, author: Author, wanted: NewKeyRequest): Promise<StoredKeyRequest> {
  const { kid, request, invitation } = wanted
  const { operatorId } = invitation
  return change(context.prisma, author, async (tx, audit) => {
    const [row] = await tx.$queryRaw<unknown[]>`SELECT 1 FROM operators WHERE id = ${operatorId}::uuid FOR UPDATE`
    const operator = row === undefined ? null : await tx.operator.findUnique({ where: { id: operatorId } })
    if (operator === null || !CAN_SET_KEYS.some((status) => status === operator.status)) throw notByRoot()
    wanted.demandRoot((await readKeys(tx, context.issuer, operator)).rootKeys)
    const present = await tx.keyRequest.findUnique({ where: { operatorId_kid: { operatorId, kid } } })
    if (present?.request === request) return present
    await useInvitation(tx, invitation)
    const now = context.now()
    await tx.keyRequest.deleteMany({ where: { operatorId, expiresAt: { lte: new Date(now) } } })
    await demandRoom(tx, operatorId, now)
    const times = { submittedAt: new Date(now), expiresAt: new Date(now + LIFETIME_MS) }
    const stored = await tx.keyRequest.upsert({
      where: { operatorId_kid: { operatorId, kid } },
      create: { operatorId, kid, request, ...times },
      update: { request, ...times },
    })
    await audit({ action: 'key-request.put', subject: kid, operatorId, reason: invitation.label })
    return stored
  })
}

/** Uses an invitation up. A `jti` of an assertion has no blank, so an invitation never uses up an assertion. */
async function useInvitation(tx: Tx, { operatorId, jti, exp }: KeyInvitation): Promise<void> {
  const keepUntil = new Date((exp + KEEP_BEYOND_EXPIRY_S) * 1000)
  const used = { issuer: operatorId, jti: `invitation ${jti}`, keepUntil }
  const { count } = await tx.usedAssertion.createMany({ data: [used], skipDuplicates: true })
  if (count === 0) throw invalidInvitation('it has been used')
}

async function demandRoom(tx: Tx, operatorId: string, now: number): Promise<void> {
  const waiting = await tx.keyRequest.findMany({ where: { operatorId }, orderBy: { expiresAt: 'asc' } })
  const [oldest] = waiting
  if (oldest === undefined || waiting.length < MAX_KEY_REQUESTS) return
  const retryAfter = Math.ceil((oldest.expiresAt.getTime() - now) / 1000)
  throw new ApiError('RATE_LIMITED', `At most ${MAX_KEY_REQUESTS} requests for passkeys may wait`, { retryAfter })
}

/** Lists the requests that wait, oldest first. */
export function listKeyRequests(
  { reads, now }: Pick<Context, 'reads' | 'now'>,
  operatorId: string,
): Promise<StoredKeyRequest[]> {
  const where = { operatorId, expiresAt: { gt: new Date(now()) } }
  return reads.keyRequest.findMany({ where, orderBy: [{ submittedAt: 'asc' }, { kid: 'asc' }] })
}

/** Removes a request that waits. Does nothing if none waits. */
export function dropKeyRequest(
  { prisma }: Pick<Context, 'prisma'>,
  author: Author,
  { operatorId, kid }: { readonly operatorId: string; readonly kid: string },
): Promise<void> {
  return change(prisma, author, async (tx, audit) => {
    const { count } = await tx.keyRequest.deleteMany({ where: { operatorId, kid } })
    if (count > 0) await audit({ action: 'key-request.drop', subject: kid, operatorId })
  })
}

/** Removes the requests that have waited too long. */
export async function pruneKeyRequests({ prisma, now }: Pick<Context, 'prisma' | 'now'>): Promise<void> {
  await prisma.keyRequest.deleteMany({ where: { expiresAt: { lte: new Date(now()) } } })
}
