import { randomUUID } from 'node:crypto'
import type { PushMetrics } from '../../platform/metrics/push-metrics.ts'
import type { Job } from '../../platform/schedule/scheduler.ts'
import { wakeableJob } from '../../platform/schedule/wakeable-job.ts'
import type { Wakes } from '../wakes.ts'
import { type Claimed, claimStreams } from './claims.ts'
import { findUnknownNews, markNews } from './mark-news.ts'
import { moveIdleStreams, readPushLag } from './move-idle.ts'
import { type ServeDeps, serveStream } from './serve-stream.ts'

/** Options of createPush. */
export interface PushOptions extends Omit<ServeDeps, 'owner' | 'closing' | 'log' | 'metrics'> {
  readonly wakes: Pick<Wakes, 'onWake'>
  readonly metrics: PushMetrics
  readonly log: Parameters<typeof wakeableJob>[1] & ServeDeps['log']
  /** How many streams this process serves at the same time: in all, and of one operator. */
  /** Replaces the age at which idle streams are moved, in milliseconds. */
  readonly moveAfterMs?: number
  readonly places?: { readonly all: number; readonly operator: number }
}

/** The part of a process that pushes security events. */
export interface Push {
  readonly jobs: readonly Job[]
  /** Ends the deliveries that wait for their turn. The outbound of the options must be closed before. */
  close(): Promise<void>
}

const PLACES = { all: 32, operator: 4 } as const
/** Milliseconds between two looks for streams that are due, besides the wakes. */
const LOOK_MS = 5_000
/** Milliseconds between two runs that move idle streams. Records are kept for more than an hour. */
const IDLE_MS = 20_000
/** How old the next record of an idle stream is when it is moved, in milliseconds. */
const MOVE_AFTER_MS = 600_000

/**
 * Creates the part of a process that pushes security events (RFC 8935). Every process claims the streams that are due
 * and serves each for a while. A slow receiver holds only places of its own operator.
 */
export function createPush(options: PushOptions): Push {
  const { db, metrics, log, wakes, places = PLACES, moveAfterMs = MOVE_AFTER_MS } = options
  const closing = new AbortController()
  const deps: ServeDeps = { ...options, owner: randomUUID(), closing: closing.signal }
  const serving = new Map<Claimed, Promise<void>>()
  const timers = new Set<NodeJS.Timeout>()

  const wakeAfter = (ms: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      looks.wake()
    }, ms)
    timers.add(timer.unref())
  }
  const serve = async (claimed: Claimed): Promise<void> => {
    const delayMs = await serveStream(deps, claimed)
    serving.delete(claimed)
    if (closing.signal.aborted) return
    if (delayMs > 0) wakeAfter(delayMs)
    looks.wake()
  }
  const look = async (): Promise<void> => {
    const free = places.all - serving.size
    if (closing.signal.aborted) return
    await markNews(db.pool)
    if (free <= 0) return
    const groups = Object.groupBy(serving.keys(), ({ operatorId }) => operatorId)
    const running = Object.fromEntries(Object.entries(groups).map(([id, group]) => [id, group?.length ?? 0]))
    const wanted = { owner: deps.owner, places: free, perOperator: places.operator, running }
    for (const claimed of await claimStreams(db.pool, wanted)) serving.set(claimed, serve(claimed))
  }
  const looks = wakeableJob({ name: 'push', intervalMs: LOOK_MS, run: look }, log)
  const moveIdle = async (): Promise<void> => {
    await markNews(db.pool)
    await findUnknownNews(db.pool)
    await moveIdleStreams(db.pool, moveAfterMs)
    metrics.lag(await readPushLag(db.pool))
  }
  const idle = wakeableJob({ name: 'idle-streams', intervalMs: IDLE_MS, run: moveIdle }, log)
  const stopWakes = wakes.onWake(() => looks.wake())
  // Before compaction runs for the first time, because the server may have been down for longer than records are kept.
  idle.wake()
  looks.wake()
  return {
    jobs: [looks, idle],
    async close() {
      closing.abort()
      stopWakes()
      for (const timer of timers) clearTimeout(timer)
      await Promise.all([looks.idle(), idle.idle()])
      await Promise.all(serving.values())
    },
  }
}
