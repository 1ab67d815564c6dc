import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { ResolveTxt } from '../platform/dns/resolve-txt.ts'
import type { FairPlaces } from '../platform/limits/fair-places.ts'
import type { Logger } from '../platform/log/log.ts'

/** Settings of the operator registry. */
export interface RegistrySettings {
  /** Milliseconds after which an unproven registration is removed. */
  readonly pendingTtlMs: number
  /**
   * Milliseconds for which DNS must have only the newcomer's record before it takes over a domain; 0 means no wait.
   */
  readonly takeoverDelayMs: number
  /** Milliseconds between two scheduled looks at an owner's proof, plus or minus 10 %. */
  readonly reverifyIntervalMs: number
  /** Number of clear failures in a row that make an operator lapse. */
  readonly reverifyFailures: number
  /** Maximum number of unproven registrations of one domain. */
  readonly maxPendingPerDomain: number
  /** Maximum number of unproven registrations of all domains together. */
  readonly maxPending: number
}

/** Dependencies of the operator registry. */
export interface Context {
  readonly prisma: PrismaClient
  /** Client with its own connections for lists and policies that operators read, so slow reads delay nothing else. */
  readonly reads: PrismaClient
  /** Returns the time in Unix milliseconds. */
  readonly now: () => number
  /**
   * Returns a random number, uniform in [0, 1). The number must be unpredictable, because it sets the times of the DNS
   * looks during a takeover wait.
   */
  readonly random: () => number
  readonly log: Logger
  readonly issuer: string
  readonly resolveTxt: ResolveTxt
  /** Shares the DNS look-ups that unauthenticated callers cause, by source. */
  readonly lookUpPlaces: FairPlaces
  /** Whether the server accepts names under `.test` and confirms them without DNS. */
  readonly testDomains: boolean
  readonly settings: RegistrySettings
}

/** Logs that the record of an operator names a key that is no root key of the operator. */
export function warnOfFreeze(
  { log }: Context,
  operator: { readonly operatorId: string; readonly domain: string },
): void {
  log.warn(operator, 'the DNS record names a key that is no root key of the operator, so the operator is frozen')
}
