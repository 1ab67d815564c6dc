import { randomUUID } from 'node:crypto'
import type { Client, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { lockActiveOperator, lockOperator } from '../../ledger/lock-operator.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { decodeToken, pageTokenAfter, parsePageSize } from '../../platform/requests/page.ts'
import { clientKindOf, firstEdgeOf } from '../clients/domain/client-id.ts'

/** Dependencies of the functions that change clients. */
interface ClientStore {
  readonly prisma: PrismaClient
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** A client of an operator. */
type ClientKey = Pick<Client, 'operatorId' | 'clientId'>

/** The largest number of allowed clients of an operator, and of all with the blocked ones. */
const MAX_CLIENTS = { allowed: 1_000, all: 10_000 } as const

/**
 * Allows a client. Changes nothing when it is allowed already. A client that was blocked has another edge than before.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, TOO_MANY_CLIENTS
 */
export function allowClient(store: ClientStore, author: Author, key: ClientKey, name: string): Promise<Client> {
  const { operatorId, clientId } = key
  return change(store.prisma, author, async (tx, audit) => {
    await lockActiveOperator(tx, operatorId)
    const before = await readRow(tx, key)
    if (before?.status === 'allowed') return before
    await checkRoom(tx, operatorId, before)
    await audit({ action: 'client.put', subject: clientId, operatorId, reason: name })
    const data = { status: 'allowed', name, putAt: new Date(store.now()) } as const
    return before === undefined
      ? tx.client.create({ data: { ...key, ...data, edgeId: firstEdgeOf(operatorId, clientId) } })
      : tx.client.update({ where: whereOf(key), data })
  })
}

/**
 * Tells whether allowClient would change nothing, ahead of the work before it. allowClient decides again.
 *
 * @throws ApiError TOO_MANY_CLIENTS
 */
export async function isAllowed(prisma: PrismaClient, key: ClientKey): Promise<boolean> {
  const before = await readRow(prisma, key)
  if (before?.status === 'allowed') return true
  await checkRoom(prisma, key.operatorId, before)
  return false
}

/**
 * Blocks a client, whether or not the operator has allowed it. A trigger writes its edge to the revocation log.
 * Changes nothing when it is blocked already.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, TOO_MANY_CLIENTS
 */
export function blockClient({ prisma, now }: ClientStore, author: Author, key: ClientKey): Promise<Client> {
  const { operatorId, clientId } = key
  return change(prisma, author, async (tx, audit) => {
    await lockOperator(tx, operatorId)
    const before = await readRow(tx, key)
    if (before?.status === 'blocked') return before
    await audit({ action: 'client.block', subject: clientId, operatorId })
    const putAt = new Date(now())
    if (before === undefined) {
      await checkRoomForAny(tx, operatorId)
      // Tokens of a client that an audience admits without a row have this edge. The update below ends it.
      const edgeId = firstEdgeOf(operatorId, clientId)
      await tx.client.create({ data: { ...key, status: 'allowed', edgeId, name: '', putAt } })
    }
    return tx.client.update({ where: whereOf(key), data: { status: 'blocked', edgeId: randomUUID(), putAt } })
  })
}

/** A page of clients. */
interface ClientPage {
  readonly clients: readonly Client[]
  /** Empty on the last page. */
  readonly nextPageToken: string
}

/**
 * Lists the clients of an operator by client id.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_PAGE_TOKEN
 */
export async function listClients(
  prisma: PrismaClient,
  operatorId: string,
  { pageSize, pageToken }: { readonly pageSize: number; readonly pageToken: string },
): Promise<ClientPage> {
  const size = parsePageSize(pageSize)
  const after = parseToken(pageToken)
  const rows = await prisma.client.findMany({
    where: { operatorId, ...(after !== undefined && { clientId: { gt: after } }) },
    orderBy: { clientId: 'asc' },
    take: size + 1,
  })
  const clients = rows.slice(0, size)
  const last = rows.length > size ? clients.at(-1) : undefined
  return { clients, nextPageToken: last === undefined ? '' : pageTokenAfter(last.clientId) }
}

function parseToken(token: string): string | undefined {
  if (token === '') return undefined
  const clientId = decodeToken(token)
  if (clientKindOf(clientId) === undefined) throw new ApiError('INVALID_PAGE_TOKEN')
  return clientId
}

async function readRow(prisma: Pick<Tx, 'client'>, key: ClientKey): Promise<Client | undefined> {
  return (await prisma.client.findUnique({ where: whereOf(key) })) ?? undefined
}

function whereOf({ operatorId, clientId }: ClientKey) {
  return { operatorId_clientId: { operatorId, clientId } }
}

async function checkRoom(prisma: Pick<Tx, 'client'>, operatorId: string, before: Client | undefined): Promise<void> {
  if ((await prisma.client.count({ where: { operatorId, status: 'allowed' } })) >= MAX_CLIENTS.allowed) {
    throw new ApiError('TOO_MANY_CLIENTS', `An operator must have at most ${MAX_CLIENTS.allowed} allowed clients`)
  }
  if (before === undefined) await checkRoomForAny(prisma, operatorId)
}

async function checkRoomForAny(prisma: Pick<Tx, 'client'>, operatorId: string): Promise<void> {
  if ((await prisma.client.count({ where: { operatorId } })) < MAX_CLIENTS.all) return
  throw new ApiError('TOO_MANY_CLIENTS', `An operator must have at most ${MAX_CLIENTS.all} clients in its list`)
}
