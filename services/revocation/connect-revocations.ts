import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { TokenIdentity, TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type pg from 'pg'
import type { Bus } from '../platform/bus/bus.ts'
import type { ClockGuard } from '../platform/db/clock-guard.ts'
import type { Database } from '../platform/db/database.ts'
import type { Durability } from '../platform/db/durability.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Logger } from '../platform/log/log.ts'
import type { RevocationMetrics } from '../platform/metrics/revocation-metrics.ts'
import type { Span } from '../platform/trace/span.ts'
import type { Tracing } from '../platform/trace/tracing.ts'
import type { EndedToken } from './check-memory.ts'
import { checkAtDatabase, checkTrustAtDatabase, findEndedKeys } from './check-token.ts'
import { createCheckTokens } from './check-tokens.ts'
import { createCountAnswer } from './count-answers.ts'
import { createLogFollower, type LogFollower } from './log-follower.ts'
import { listenToLog } from './log-signals.ts'
import { createLogStore } from './log-store.ts'
import type { Clock, LogStore } from './ports.ts'
import { createRevocationBus } from './revocation-bus.ts'
import { createSettle } from './settle.ts'
import { onTracedRecord, traceBatches, traceRecords } from './trace-records.ts'

/** Answers whether tokens are still valid. */
export interface TokenStatus {
  /**
   * Returns the reason why a genuine token is not valid, or undefined for a valid token. The answer includes every
   * revocation whose call returned before this call began.
   * @throws ApiError UNAVAILABLE when neither memory nor the database can answer
   */
  check(token: TokenIdentity): Promise<Verdict | undefined>
  /**
   * Returns the first of several genuine tokens that is not valid, or undefined if all are valid. The answer includes
   * the same revocations as `check`.
   * @throws ApiError UNAVAILABLE when neither memory nor the database can answer
   */
  checkAll(tokens: readonly TokenIdentity[]): Promise<EndedToken | undefined>
  /**
   * Returns why a decision about trust has ended, or undefined if it has not. The answer includes the same revocations
   * as `check`.
   * @throws ApiError UNAVAILABLE when neither memory nor the database can answer
   */
  checkTrust(basis: TrustBasis): Promise<Verdict | undefined>
  /**
   * Returns those of the keys that are retired or compromised. No token that such a key signed is valid. The answer
   * includes the same revocations as `check`.
   * @throws ApiError UNAVAILABLE when neither memory nor the database can answer
   */
  endedKeys(kids: readonly string[]): Promise<ReadonlySet<string>>
}

/** A process's connection to the revocation log. */
export interface Revocations {
  readonly store: LogStore
  readonly tokenStatus: TokenStatus
  /**
   * Resolves when every log follower of the deployment refuses the tokens that were ended before the call. Rejects in
   * a process that was opened without `endsTokens`.
   */
  settle(span?: Span): Promise<string | undefined>
  /** Calls the listener when there may be new records, with the span of the call whose record this is. */
  onWake(listener: (span?: Span) => void): void
  /** The lease under which this process answers verifications from memory. Undefined if it never does so. */
  readonly lease: Pick<LogFollower, 'holdsLease' | 'sequence'> | undefined
  /** Whether this process has begun to follow the log, if it follows it. Before that, each verification is slow. */
  readonly hasBegun: boolean
  /** Gives up the lease and stops listening to the database. */
  stop(): Promise<void>
}

/** Options of connectRevocations. */
export interface RevocationsOptions {
  /**
   * Connections for leases and waits only. If these queued behind other work, a log follower that has lost its lease
   * could not get one again.
   */
  readonly pool: pg.Pool
  /** Connections for verifications that the database must answer. */
  readonly checkPool: pg.Pool
  readonly database: Database
  /** A bus that seals its messages. */
  readonly bus: Bus
  /** Length of the lease, in milliseconds. If undefined, the database answers every verification. */
  readonly leaseMs: number | undefined
  /** Whether this process answers verifications. */
  readonly verifies: boolean
  /** Whether this process serves watchers. */
  readonly isWatched: boolean
  /** Whether this process ends tokens, so that `settle` may be called. */
  readonly endsTokens: boolean
  readonly clock: Clock
  readonly durability: Pick<Durability, 'demand'>
  /** Compares the process's clock with the database's. If they differ too much, no verification is answered. */
  readonly clockGuard: ClockGuard
  readonly log: Logger
  readonly metrics: Pick<RevocationMetrics, 'settled' | 'checked'>
  /** Undefined while tracing is off. */
  readonly tracing?: Tracing | undefined
}

/** The clocks of this process. */
export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  sleep: (ms, signal) => delay(ms, undefined, { ...(signal && { signal }) }).catch(() => undefined),
}

async function endsNothing(): Promise<never> {
  throw new Error('This process was opened without endsTokens, so it cannot settle')
}

/**
 * Connects a process to the revocation log. The process can then follow the log, check tokens, and wait until all log
 * followers have applied the log.
 */
export function connectRevocations(options: RevocationsOptions): Revocations {
  const {
    pool,
    checkPool,
    database,
    clock,
    leaseMs,
    verifies,
    isWatched,
    endsTokens,
    log,
    metrics,
    clockGuard,
    tracing,
  } = options
  const store = createLogStore(pool, `${hostname()} ${process.pid}`, clockGuard)
  const bus = createRevocationBus(options.bus, randomUUID())
  const hears = { records: verifies || isWatched, acknowledgements: endsTokens }
  const signals = listenToLog(database, hears, log)
  const core = { store, bus: traceRecords(bus, tracing, clock), signals, clock }
  const onCaughtUp = tracing && traceBatches(tracing, clock)
  const verifier =
    verifies && leaseMs !== undefined
      ? createLogFollower({ ...core, leaseMs, newIncarnation: randomUUID, log, onCaughtUp })
      : undefined
  verifier?.start()
  const count = createCountAnswer(store)
  const checkTokens = createCheckTokens({
    verifier,
    ask: (tokens) => checkAtDatabase(checkPool, tokens, clockGuard),
    count,
    onChecked: metrics.checked,
  })
  const checkBasis = async (basis: TrustBasis): Promise<Verdict | undefined> => {
    const recall = () => (verifier === undefined ? 'unknown' : verifier.checkTrust(basis))
    const known = recall()
    metrics.checked(known === 'unknown' ? 'database' : 'memory')
    if (known !== 'unknown') return known
    const asked = checkTrustAtDatabase(checkPool, basis, clockGuard)
    return count<Verdict | undefined>(asked, recall, (remembered, told) => remembered ?? told)
  }
  const guarded = async <T>(answer: Promise<T>): Promise<T> => {
    const known = await answer
    const problem = clockGuard.problem()
    if (problem !== undefined) throw new ApiError('UNAVAILABLE', problem, { retryAfter: 1 })
    return known
  }
  const checkAll = (tokens: readonly TokenIdentity[]) => guarded(checkTokens(tokens))
  return {
    store,
    settle: endsTokens
      ? createSettle({ ...core, verifier, durability: options.durability, observe: metrics.settled })
      : endsNothing,
    tokenStatus: {
      checkAll,
      check: async (token) => (await checkAll([token]))?.verdict,
      checkTrust: (basis) => guarded(checkBasis(basis)),
      async endedKeys(kids) {
        const recall = () => (verifier === undefined ? 'unknown' : verifier.endedKeys(kids))
        const known = recall()
        if (known !== 'unknown') return known
        return count(findEndedKeys(checkPool, kids), recall, (remembered, told) => remembered.union(told))
      },
    },
    onWake(listener) {
      onTracedRecord(bus, tracing, listener)
      signals.onRecord(() => listener())
    },
    lease: verifier,
    get hasBegun() {
      return verifier?.hasBegun ?? true
    },
    async stop() {
      await verifier?.stop()
      await signals.close()
    },
  }
}
