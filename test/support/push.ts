import { onTestFinished } from 'vitest'
import type { Db } from '../../services/platform/db/db.ts'
import { createPush, type PushOptions } from '../../services/signals/push/push.ts'
import { createWakes } from '../../services/signals/wakes.ts'
import { silentLog } from './database.ts'
import { openOutbound } from './outside-server.ts'
import { nextSetsOf } from './signals.ts'

/**
 * Starts the part of a process that pushes events. `failAfterDelivery` cuts it off from the database after so many.
 */
export function startPush(
  db: Db,
  {
    failAfterDelivery = Number.POSITIVE_INFINITY,
    places,
    turnMs,
  }: Pick<PushOptions, 'places' | 'turnMs'> & { failAfterDelivery?: number } = {},
) {
  const { outbound } = openOutbound()
  const counts = { delivered: 0, failed: 0 }
  const lags: number[] = []
  const wakes = createWakes()
  const pool = new Proxy(db.pool, {
    get(target, name) {
      if (name === 'query' && counts.delivered >= failAfterDelivery) return () => Promise.reject(new Error('cut off'))
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const push = createPush({
    db: { prisma: db.prisma, pool },
    vault: { open: () => Buffer.from('Bearer secret') },
    outbound,
    readNextSets: nextSetsOf(db),
    metrics: {
      delivered: () => void (counts.delivered += 1),
      failed: () => void (counts.failed += 1),
      lag: (seconds) => void lags.push(seconds),
    },
    log: silentLog,
    now: Date.now,
    wakes,
    turnMs,
    ...(places !== undefined && { places }),
  })
  const run = async (name: string) => push.jobs.find((job) => job.name === name)?.run()
  const close = async () => {
    await outbound.close()
    await push.close()
  }
  onTestFinished(close)
  return { counts, lags, wake: wakes.wake, look: () => run('push'), moveIdle: () => run('idle-streams'), close }
}
