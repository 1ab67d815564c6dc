import { SignalService } from '../../gen/proto/auth4agent/v1/signals_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import { createBound } from '../platform/limits/bound.ts'
import { limitKeys } from '../platform/limits/limit-keys.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import type { SignalsOptions } from './config.ts'
import { createReadNextSets } from './events/read-next-sets.ts'
import { managementRoutes } from './management/routes.ts'
import { signalPolicies } from './policy.ts'
import { pollEvents } from './poll/poll-events.ts'
import { createPush } from './push/push.ts'
import { listenForWakes } from './wakes.ts'

/** The signals part of the server: streams of security events. */
export interface Signals {
  readonly module: ServiceModule<typeof SignalService>
  readonly jobs: readonly Job[]
  close(): Promise<void>
}

/** How many polls may wait for an event in this process: in all, and of one operator. */
const WAITING = { all: 128, operator: 8 } as const
/**
 * How many tokens the polls of one operator get from this process. A token is signed each time that it is sent, and
 * 100 RSA signatures need about 40 ms of CPU.
 */
const SET_RATE = { perMinute: 6_000, burst: 2_000 }
const MAX_WAIT_MS = 30_000
/** How much earlier than a call must end a poll stops to wait, in milliseconds. */
const ANSWER_MS = 2_000

/** Creates the signals part of the server, which manages streams, pushes events and answers polls. */
export function createSignals(options: SignalsOptions): Signals {
  const { keys, database, log, outbound, requestTimeoutMs } = options
  const wakes = listenForWakes(database, log)
  const signer = keys.signalSigners.securityEvent
  const readNextSets = createReadNextSets({ ...options, pool: options.db.pool, signer })
  const push = createPush({ ...options, readNextSets, wakes, vault: keys.vault })
  const deps = {
    ...options,
    readNextSets,
    wakes,
    waiting: createBound(WAITING.all, WAITING.operator),
    limitSets: limitKeys('watch', SET_RATE),
    waitMs: Math.max(0, Math.min(MAX_WAIT_MS, requestTimeoutMs - ANSWER_MS)),
  }
  return {
    module: {
      service: SignalService,
      handlers: {
        ...managementRoutes(deps),
        pollEvents: (request, call) => pollEvents(deps, request, call),
        async getSecurityEventKeys() {
          const published = await keys.securityEventKeys()
          return { keys: published.map(({ kid, alg, jwk }) => Object.assign({ alg, use: 'sig', kid }, jwk)) }
        },
      },
      policies: signalPolicies,
    },
    jobs: push.jobs,
    async close() {
      await outbound.close()
      await push.close()
      await wakes.close()
    },
  }
}
