import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { Gate } from '../platform/limits/gate.ts'
import type { Logger } from '../platform/log/log.ts'
import type { ResolveTxt } from './dns/resolve-txt.ts'

/** Rules of a deployment that its owner may change. */
export interface RegistrySettings {
  /** Milliseconds a registration waits for its proof before it is removed. */
  readonly pendingTtlMs: number
  /** Milliseconds a newcomer's proof must have stood alone before it takes a domain over from its owner; 0 is at once. */
  readonly takeoverDelayMs: number
  /** Milliseconds between two proofs of an owner, give or take a tenth. */
  readonly reverifyIntervalMs: number
  /** Scheduled proofs in a row that must fail before an operator lapses. */
  readonly reverifyFailures: number
  /** Unproven registrations kept for one domain, and in all. */
  readonly maxPendingPerDomain: number
  readonly maxPending: number
}

/** What every part of the service works with. */
export interface Context {
  readonly prisma: PrismaClient
  /** On connections of its own, for what operators read: however slow that is, nothing else waits for it. */
  readonly reads: PrismaClient
  /** Unix milliseconds. */
  readonly now: () => number
  /** Uniform in [0, 1), and nobody can foresee it: it says when the next look at a contested domain is. */
  readonly random: () => number
  readonly log: Logger
  readonly issuer: string
  readonly resolveTxt: ResolveTxt
  /** Bounds the look-ups that anybody can cause. */
  readonly lookUpGate: Gate
  /** Whether names under `.test` are confirmed without DNS; refused otherwise. */
  readonly testDomains: boolean
  readonly settings: RegistrySettings
}
