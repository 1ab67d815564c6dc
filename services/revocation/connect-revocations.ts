import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type pg from 'pg'
import type { Bus } from '../platform/bus/bus.ts'
import type { ClockGuard } from '../platform/db/clock-guard.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Logger } from '../platform/log/log.ts'
import type { RevocationMetrics } from '../platform/metrics/revocation-metrics.ts'
import { checkAtDatabase, findEndedKeys } from './check-token.ts'
import { createLogFollower, type LogFollower } from './log-follower.ts'
import { listenToLog } from './log-signals.ts'
import { createLogStore } from './log-store.ts'
import type { Clock, LogStore } from './ports.ts'
import { createRevocationBus } from './revocation-bus.ts'
import { createSeenSubjects } from './seen-subjects.ts'
import { createSettle } from './settle.ts'

/** Tells which tokens stand. */
export interface TokenStatus {
  /**
   * Why a genuine token does not stand, or undefined: by everything that was ended by a call which returned before this one
   * began. Throws UNAVAILABLE when neither memory nor database can tell.
   */
  check(token: TokenIdentity): Promise<Verdict | undefined>
  /** Which of these keys sign nothing that stands, by the same calls. Throws UNAVAILABLE. */
  endedKeys(kids: readonly string[]): Promise<ReadonlySet<string>>
}

/** What every process has of the revocation log. */
export interface Revocations {
  readonly store: LogStore
  readonly tokenStatus: TokenStatus
  /**
   * Resolves once every verifier of the deployment refuses what was ended before the call; only where the process may end
   * tokens.
   */
  settle(): Promise<void>
  /** Calls the listener when there may be new records. */
  onWake(listener: () => void): void
  /** What this process answers verifications by, where it does so from memory. */
  readonly lease: Pick<LogFollower, 'holdsLease' | 'sequence'> | undefined
  /** Gives the lease back and closes what was opened here. */
  stop(): Promise<void>
}

/** What connects a process to the revocation log. */
export interface RevocationsOptions {
  /** For leases and waits alone: they must not stand behind other work, or a verifier that lost its lease stays without. */
  readonly pool: pg.Pool
  /** For verifications without a lease. */
  readonly checkPool: pg.Pool
  readonly url: string
  /** Sealed. */
  readonly bus: Bus
  /** In milliseconds; undefined: answer every verification from the database. */
  readonly leaseMs: number | undefined
  /** Whether this process answers verifications. */
  readonly verifies: boolean
  /** Whether it has watchers. */
  readonly isWatched: boolean
  /** Whether it ends tokens, and waits until others know. */
  readonly endsTokens: boolean
  readonly clock: Clock
  /** Compares the process's clock with the database's: a wrong one answers no verification. */
  readonly clockGuard: ClockGuard
  readonly log: Logger
  readonly metrics: Pick<RevocationMetrics, 'settled' | 'checked'>
}

/** The clocks of this process. */
export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  sleep: (ms, signal) => delay(ms, undefined, { ...(signal && { signal }) }).catch(() => undefined),
}

async function endsNothing(): Promise<never> {
  throw new Error('this process ends no tokens')
}

/** Opens the log for a process: following it, asking it, and waiting until others have followed. */
export function connectRevocations(options: RevocationsOptions): Revocations {
  const { pool, checkPool, url, clock, leaseMs, verifies, isWatched, endsTokens, log, metrics, clockGuard } = options
  const store = createLogStore(pool, `${hostname()} ${process.pid}`, clockGuard)
  const bus = createRevocationBus(options.bus, randomUUID())
  const hears = { records: verifies || isWatched, acknowledgements: endsTokens }
  const signals = listenToLog(url, hears, log)
  const core = { store, bus, signals, clock }
  const verifier =
    verifies && leaseMs !== undefined
      ? createLogFollower({ ...core, leaseMs, newIncarnation: randomUUID, log })
      : undefined
  verifier?.start()
  const seen = createSeenSubjects()
  const checkToken = async (token: TokenIdentity): Promise<Verdict | undefined> => {
    const incarnation = verifier?.incarnation
    const isSeen = seen.has(incarnation, token)
    const known = verifier === undefined ? 'unknown' : verifier.check(token)
    const isKnown = known !== 'unknown' && (known !== undefined || isSeen)
    metrics.checked(isKnown ? 'memory' : 'database')
    if (isKnown) return known
    const verdict = await checkAtDatabase(checkPool, token, clockGuard)
    if (verdict === undefined) seen.add(incarnation, token)
    return verdict
  }
  return {
    store,
    settle: endsTokens ? createSettle({ ...core, verifier, observe: metrics.settled }) : endsNothing,
    tokenStatus: {
      async check(token) {
        const verdict = await checkToken(token)
        const problem = clockGuard.problem()
        if (problem !== undefined) throw new ApiError('UNAVAILABLE', problem, { retryAfter: 1 })
        return verdict
      },
      async endedKeys(kids) {
        const known = verifier === undefined ? 'unknown' : verifier.endedKeys(kids)
        return known === 'unknown' ? findEndedKeys(checkPool, kids) : known
      },
    },
    onWake(listener) {
      bus.onRecord(listener)
      signals.onRecord(listener)
    },
    lease: verifier,
    async stop() {
      await verifier?.stop()
      await signals.close()
    },
  }
}
