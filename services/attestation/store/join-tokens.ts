import { randomBytes } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { isUuid, uuidv7 } from '@auth4agent/core/encoding/uuid'
import type { JoinToken, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { lockActiveOperator } from '../../ledger/lock-operator.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { digestOfSecret, SECRET_BYTES } from '../types/join-token/create-join-token.ts'
import { getAttestor } from './attestors.ts'

/** Dependencies of createJoinToken. */
export interface JoinTokenStore {
  readonly prisma: PrismaClient
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** An attestor as a request names it. */
export interface NamedAttestor {
  readonly operatorId: string
  readonly name: string
}

/** Most join tokens of an attestor that have not expired. */
const MAX_TOKENS = 1000

/**
 * Creates a join token. The row has only the digest of the secret.
 *
 * @param ttl seconds
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, ATTESTOR_NOT_FOUND, INVALID_ARGUMENT, TOO_MANY_RULES
 */
export function createJoinToken(
  { prisma, now }: JoinTokenStore,
  author: Author,
  { operatorId, name }: NamedAttestor,
  { label, ttl }: { readonly label: string; readonly ttl: number },
): Promise<{ readonly row: JoinToken; readonly secret: string }> {
  return change(prisma, author, async (tx, audit) => {
    await lockActiveOperator(tx, operatorId)
    const { id: attestorId, type } = await getAttestor(tx, operatorId, name)
    if (type !== 'join-token')
      throw new ApiError('INVALID_ARGUMENT', 'name must name an attestor of the type join-token')
    const createdAt = new Date(now())
    if ((await tx.joinToken.count({ where: { attestorId, expiresAt: { gt: createdAt } } })) >= MAX_TOKENS) {
      throw new ApiError(
        'TOO_MANY_RULES',
        `An attestor must have at most ${MAX_TOKENS} join tokens that have not expired`,
      )
    }
    const secret = randomBytes(SECRET_BYTES)
    const id = uuidv7(createdAt.getTime(), randomBytes(10))
    const expiresAt = new Date(createdAt.getTime() + ttl * 1000)
    const row = await tx.joinToken.create({
      data: { id, attestorId, digest: digestOfSecret(secret), label, createdAt, expiresAt },
    })
    await audit({ action: 'join-token.create', subject: id, operatorId, reason: `${name}; ${label}` })
    return { row, secret: encodeBase64url(secret) }
  })
}

/**
 * Lists the join tokens of an attestor that have not expired, oldest first.
 *
 * @throws ApiError ATTESTOR_NOT_FOUND
 */
export async function listJoinTokens(
  { prisma, now }: JoinTokenStore,
  { operatorId, name }: NamedAttestor,
): Promise<JoinToken[]> {
  const { id: attestorId } = await getAttestor(prisma, operatorId, name)
  return prisma.joinToken.findMany({
    where: { attestorId, expiresAt: { gt: new Date(now()) } },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    take: MAX_TOKENS,
  })
}

/**
 * Deletes a join token. An agent that has enrolled with it stays.
 *
 * @throws ApiError ATTESTOR_NOT_FOUND, JOIN_TOKEN_NOT_FOUND
 */
export function deleteJoinToken(
  prisma: PrismaClient,
  author: Author,
  { operatorId, name }: NamedAttestor,
  id: string,
): Promise<void> {
  return change(prisma, author, async (tx, audit) => {
    const { id: attestorId } = await getAttestor(tx, operatorId, name)
    const { count } = isUuid(id) ? await tx.joinToken.deleteMany({ where: { id, attestorId } }) : { count: 0 }
    if (count === 0) throw new ApiError('JOIN_TOKEN_NOT_FOUND')
    await audit({ action: 'join-token.delete', subject: id, operatorId, reason: name })
  })
}
