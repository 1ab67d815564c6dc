import { randomUUID } from 'node:crypto'
import type { Prisma, PrismaClient } from '../../../gen/prisma/client.ts'
import type { KeyVault } from '../../keys/index.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { openAuthorization, sealAuthorization } from './authorization.ts'
import { lockStream } from './lock-stream.ts'
import { holdDispatch, readHead } from './read-head.ts'
import { type DeliveryMethod, type Stream, toStream } from './stream.ts'

/** Dependencies of the functions that change streams. */
export interface StreamStore {
  readonly prisma: PrismaClient
  readonly vault: Pick<KeyVault, 'seal' | 'open'>
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** How a stream delivers, as the receiver wants it. */
type WantedDelivery =
  | { readonly method: 'push'; readonly endpointUrl: string; readonly authorization: string | undefined }
  | { readonly method: 'poll' }

/** The properties of a stream that its receiver chooses. */
export interface Terms {
  readonly delivery: WantedDelivery
  readonly eventsRequested: readonly string[]
  readonly description: string
}

/** The largest number of streams of one operator, and of all. */
export const MAX_STREAMS = { operator: 16, deployment: 10_000 } as const
/** Key of the advisory lock under which streams are created, so that their number is exact. */
const CREATE_LOCK = 0x73736673

/** Creates a stream that begins at the head of the log. Throws ApiError STREAM_LIMIT. */
export function createStream(store: StreamStore, author: Author, operatorId: string, terms: Terms): Promise<Stream> {
  return change(store.prisma, author, async (tx, audit) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${CREATE_LOCK}::bigint)`
    await checkRoom(tx, operatorId)
    await holdDispatch(tx)
    const id = randomUUID()
    const row = await tx.signalStream.create({
      data: {
        id,
        operatorId,
        description: terms.description,
        eventsRequested: [...terms.eventsRequested],
        ...deliveryColumns(store, id, terms.delivery),
        ...(await readHead(tx)),
        createdAt: new Date(store.now()),
        updatedAt: new Date(store.now()),
      },
    })
    await audit({ action: 'stream.create', subject: id, operatorId, reason: terms.delivery.method })
    return toStream(row)
  })
}

async function checkRoom(tx: Tx, operatorId: string): Promise<void> {
  if ((await tx.signalStream.count({ where: { operatorId } })) >= MAX_STREAMS.operator)
    throw new ApiError('STREAM_LIMIT', `An operator must have at most ${MAX_STREAMS.operator} streams`)
  if ((await tx.signalStream.count()) >= MAX_STREAMS.deployment)
    throw new ApiError('STREAM_LIMIT', `This server has at most ${MAX_STREAMS.deployment} streams`)
}

/**
 * Changes the terms of a stream. `termsOf` gets the stream as it is, and its Authorization header.
 *
 * @throws ApiError STREAM_NOT_FOUND, and the errors of `termsOf`
 */
export function changeTerms(
  store: StreamStore,
  author: Author,
  { operatorId, id }: StreamName,
  termsOf: (stream: Stream, authorization: string | undefined) => Terms,
): Promise<Stream> {
  return withStream(store, author, { operatorId, id }, async (_tx, audit, stream) => {
    const terms = termsOf(stream, openAuthorization(store.vault, stream))
    const { method } = terms.delivery
    await audit({ action: 'stream.update', subject: id, operatorId, reason: method })
    return {
      description: terms.description,
      eventsRequested: [...terms.eventsRequested],
      ...deliveryColumns(store, id, terms.delivery),
      ...(method === stream.deliveryMethod ? {} : { acknowledged: [] }),
      failures: 0,
      nextAttemptAt: null,
    }
  })
}

/** The stream of an operator. */
export interface StreamName {
  readonly operatorId: string
  readonly id: string
}

/**
 * Locks a stream, and writes the columns that `work` returns.
 *
 * @throws ApiError STREAM_NOT_FOUND, and the errors of `work`
 */
export function withStream(
  store: Pick<StreamStore, 'prisma' | 'now'>,
  author: Author,
  { operatorId, id }: StreamName,
  work: (tx: Tx, audit: Audit, stream: Stream) => Promise<Prisma.SignalStreamUpdateInput>,
): Promise<Stream> {
  return change(store.prisma, author, async (tx, audit) => {
    const stream = await lockStream(tx, operatorId, id)
    if (stream === undefined) throw new ApiError('STREAM_NOT_FOUND')
    const columns = await work(tx, audit, stream)
    const data = { ...columns, updatedAt: new Date(store.now()) }
    return toStream(await tx.signalStream.update({ where: { id }, data }))
  })
}

/** Deletes a stream with its subjects. Throws ApiError STREAM_NOT_FOUND. */
export async function deleteStream(
  { prisma }: Pick<StreamStore, 'prisma'>,
  author: Author,
  { operatorId, id }: StreamName,
): Promise<void> {
  await change(prisma, author, async (tx, audit) => {
    const { count } = await tx.signalStream.deleteMany({ where: { id, operatorId } })
    if (count === 0) throw new ApiError('STREAM_NOT_FOUND')
    await audit({ action: 'stream.delete', subject: id, operatorId })
  })
}

type DeliveryColumns = Pick<
  Prisma.SignalStreamUncheckedCreateInput,
  'endpointUrl' | 'wrappedAuthorization' | 'kekId'
> & { readonly deliveryMethod: DeliveryMethod }

function deliveryColumns({ vault }: Pick<StreamStore, 'vault'>, id: string, delivery: WantedDelivery): DeliveryColumns {
  const none = { wrappedAuthorization: null, kekId: null }
  if (delivery.method === 'poll') return { deliveryMethod: 'poll', endpointUrl: '', ...none }
  const { endpointUrl, authorization } = delivery
  if (authorization === undefined) return { deliveryMethod: 'push', endpointUrl, ...none }
  const { wrapped, kekId } = sealAuthorization(vault, id, authorization)
  return { deliveryMethod: 'push', endpointUrl, wrappedAuthorization: wrapped, kekId }
}
