import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { KeyVault } from '../../keys/index.ts'
import type { Db } from '../../platform/db/db.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { PushMetrics } from '../../platform/metrics/push-metrics.ts'
import type { Outbound } from '../../platform/outbound/outbound.ts'
import type { NextSet, ReadNextSets } from '../events/next-sets.ts'
import { openAuthorization } from '../store/authorization.ts'
import { LOST, pauseStream } from '../store/pause-stream.ts'
import { advance } from '../store/progress.ts'
import { type Stream, toStream } from '../store/stream.ts'
import { backoffMs } from './backoff.ts'
import { type Claimed, releaseClaim, renewClaim } from './claims.ts'
import { type Outcome, pushSet } from './push-set.ts'

/** What serving a stream needs. */
export interface ServeDeps {
  readonly db: Pick<Db, 'prisma' | 'pool'>
  readonly vault: Pick<KeyVault, 'open'>
  readonly outbound: Pick<Outbound, 'deliver'>
  readonly readNextSets: ReadNextSets
  readonly metrics: Pick<PushMetrics, 'delivered' | 'failed'>
  readonly log: Pick<Logger, 'warn' | 'info'>
  /** Unix milliseconds. */
  readonly now: () => number
  /** This process, as the owner of its claims. */
  readonly owner: string
  /** Aborts when the process stops. */
  readonly closing: AbortSignal
  /** Replaces how long a stream may deliver before others get its place, in milliseconds. */
  readonly turnMs?: number | undefined
}

/** What becomes of a stream: when it is due again, and how often it has failed in a row. */
interface Served {
  readonly failures: number
  readonly delayMs: number
  /** Why the last attempt has failed, for the receiver's operator; absent if none has failed. */
  readonly why?: string
}

/** Events that are read at once. */
const BATCH = 16
/** How many events a stream delivers before others get its place. */
const TURN = 256
/** How long it may deliver before that, in milliseconds. A slow receiver must not hold its place. */
const TURN_MS = 10_000
/** How long a stream waits that this server itself cannot serve, in milliseconds. */
const OWN_TROUBLE_MS = 5_000

/**
 * Delivers the events of a claimed stream one after another, until there are no more, until one is not accepted, or
 * until others get its place. Then it gives the claim back. Returns when the stream is due again, in milliseconds.
 */
export async function serveStream(deps: ServeDeps, claimed: Claimed): Promise<number> {
  const { db, owner, log } = deps
  let served: Served = { failures: 0, delayMs: OWN_TROUBLE_MS }
  try {
    served = await serve(deps, claimed.id)
  } catch (error) {
    log.warn({ stream: claimed.id, error }, 'the events of a stream cannot be pushed now')
  }
  await releaseClaim(db.pool, owner, claimed.id, served).catch(() => undefined)
  return served.delayMs
}

async function serve(deps: ServeDeps, id: string): Promise<Served> {
  let isFirst = true
  const endsAt = performance.now() + (deps.turnMs ?? TURN_MS)
  for (let delivered = 0; delivered < TURN; ) {
    const stream = await readClaimed(deps.db.prisma, id)
    if (stream === undefined) return { failures: 0, delayMs: 0 }
    const next = await deps.readNextSets(stream, { limit: BATCH })
    if ('lost' in next) {
      await pauseStream({ prisma: deps.db.prisma, now: deps.now }, stream, LOST)
      continue
    }
    const batch = await deliverBatch(deps, stream, next.sets, endsAt)
    if (batch.ended !== undefined) return batch.ended
    delivered += next.sets.length
    const { at } = batch
    const isBehind = next.through.sequence > at.cursor.sequence || next.through.part > at.cursor.part
    if (isBehind) await advance(deps.db.pool, at, { cursor: next.through, acknowledged: [], pendingJtis: [] })
    // A stream that is due but has nothing to deliver waits for a newer version, which knows the next record.
    if (!next.more) return { failures: 0, delayMs: isFirst && next.sets.length === 0 && !isBehind ? OWN_TROUBLE_MS : 0 }
    isFirst = false
  }
  return { failures: 0, delayMs: 0 }
}

async function readClaimed(prisma: PrismaClient, id: string): Promise<Stream | undefined> {
  const row = await prisma.signalStream.findUnique({ where: { id } })
  return row === null ? undefined : toStream(row)
}

/** Where a batch has left a stream. `ended` says that the stream must not go on now. */
interface Batch {
  readonly at: Stream
  readonly ended?: Served
}

async function deliverBatch(deps: ServeDeps, stream: Stream, sets: readonly NextSet[], endsAt: number): Promise<Batch> {
  const { db, vault, outbound, owner, closing } = deps
  const { endpointUrl: url, operatorId } = stream
  const endpoint = { url, operatorId, authorization: openAuthorization(vault, stream) }
  let at = stream
  for (const set of sets) {
    const isOver = closing.aborted || performance.now() > endsAt
    if (isOver || !(await renewClaim(db.pool, owner, at))) return { at, ended: { failures: 0, delayMs: 0 } }
    const outcome = await pushSet(outbound, endpoint, await set.sign())
    if (outcome.kind !== 'delivered') {
      const ended = await settle(deps, at, set, outcome)
      return { at, ended }
    }
    deps.metrics.delivered()
    const moved = await step(deps, at, set)
    if (moved === undefined) return { at, ended: { failures: 0, delayMs: 0 } }
    at = moved
  }
  return { at }
}

/** Stores that an event is delivered. Returns undefined if another process has moved the stream. */
async function step({ db }: ServeDeps, stream: Stream, { position }: NextSet): Promise<Stream | undefined> {
  const progress =
    'cursor' in position
      ? { cursor: position.cursor, acknowledged: [], pendingJtis: [] }
      : { cursor: stream.cursor, acknowledged: stream.acknowledged, pendingJtis: [position.pendingJti] }
  if (!(await advance(db.pool, stream, progress))) return undefined
  const pending = stream.pending.filter(({ jti }) => !progress.pendingJtis.includes(jti))
  return { ...stream, cursor: progress.cursor, acknowledged: progress.acknowledged, pending, failures: 0 }
}

/** Decides what becomes of a stream whose event was not delivered. */
async function settle(
  deps: ServeDeps,
  stream: Stream,
  set: NextSet,
  outcome: Exclude<Outcome, { kind: 'delivered' }>,
): Promise<Served> {
  const { db, log, metrics, now } = deps
  if (outcome.kind === 'held') return { failures: stream.failures, delayMs: outcome.delayMs }
  metrics.failed()
  if (outcome.kind === 'refused') {
    log.info({ stream: stream.id, err: outcome.err }, 'a receiver has refused a security event')
    const why = `refused: ${outcome.err}`
    if (stream.status !== 'enabled') {
      // The receiver does not want to know that its stream is paused. Meanwhile it may have enabled the stream.
      await step(deps, stream, set)
      return { failures: 0, delayMs: 0, why }
    }
    const reason = `The receiver refused an event with ${outcome.err}: enable the stream to send it again`
    await pauseStream({ prisma: db.prisma, now }, stream, { reason, beginsAnew: false })
    return { failures: 0, delayMs: 0, why }
  }
  const failures = stream.failures + 1
  if (failures === 1) log.info({ stream: stream.id, why: outcome.why }, 'a security event could not be delivered')
  return { failures, delayMs: backoffMs(failures, Math.random()), why: outcome.why }
}
