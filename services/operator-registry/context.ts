import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { Gate } from '../platform/limits/gate.ts'
import type { Logger } from '../platform/log/log.ts'
import type { ResolveTxt } from './dns/resolve-txt.ts'

/** Settings of the operator registry. */
export interface RegistrySettings {
  /** Milliseconds after which an unproven registration is removed. */
  readonly pendingTtlMs: number
  /** Milliseconds for which a newcomer's proof must be the only one before it takes over a domain; 0 means no wait. */
  readonly takeoverDelayMs: number
  /** Milliseconds between two scheduled proofs of an owner, plus or minus 10 %. */
  readonly reverifyIntervalMs: number
  /** Scheduled proofs that must fail in a row before an operator lapses. */
  readonly reverifyFailures: number
  /** Unproven registrations that one domain may have. */
  readonly maxPendingPerDomain: number
  /** Unproven registrations that all domains together may have. */
  readonly maxPending: number
}

/** Dependencies that every part of the service shares. */
export interface Context {
  readonly prisma: PrismaClient
  /** Client with its own connections for lists and policies that operators read, so slow reads delay nothing else. */
  readonly reads: PrismaClient
  /** Unix milliseconds. */
  readonly now: () => number
  /** Uniform in [0, 1). Must be unpredictable, because it sets the times of the DNS looks during a takeover wait. */
  readonly random: () => number
  readonly log: Logger
  readonly issuer: string
  readonly resolveTxt: ResolveTxt
  /** Limits the DNS look-ups that unauthenticated callers cause. */
  readonly lookUpGate: Gate
  /** Whether names under `.test` are accepted, and confirmed without DNS. */
  readonly testDomains: boolean
  readonly settings: RegistrySettings
}
