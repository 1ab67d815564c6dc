import type { Job } from '../../platform/schedule/scheduler.ts'
import { wakeableJob } from '../../platform/schedule/wakeable-job.ts'
import { createDomainProver, type ProverDeps } from './domains/prove-domains.ts'
import { createKeyFetcher, type KeyFetchDeps } from './keys/fetch-keys.ts'

/** The work that keeps the rows about foreign issuers current. */
export interface ForeignJobs {
  readonly jobs: readonly Job[]
  /** Begins to fetch the keys of the issuers that are due, without waiting for them. */
  wakeKeys(): void
  /**
   * Resolves when keys of an issuer are stored that were fetched within the last `ageMs` milliseconds. Rejects if they
   * cannot be fetched.
   */
  renewKeys(issuerId: string, ageMs: number): Promise<void>
  /** Begins to prove by DNS that an admitted issuer speaks for a domain, without waiting for the proof. */
  proveNow(issuerId: string, domain: string): void
  /** Resolves when no run of a job is under way. */
  idle(): Promise<void>
}

/** Milliseconds between two looks for work that is due. */
const INTERVAL_MS = 5_000

/** Creates the jobs. They run when a scheduler runs them, or when they are woken. */
export function createForeignJobs(deps: KeyFetchDeps & ProverDeps): ForeignJobs {
  const { log } = deps
  const fetcher = createKeyFetcher(deps)
  const prover = createDomainProver(deps)
  const keys = wakeableJob({ name: 'issuer-keys', intervalMs: INTERVAL_MS, run: () => fetcher.fetchDue() }, log)
  const domains = wakeableJob({ name: 'issuer-domains', intervalMs: INTERVAL_MS, run: () => prover.runPass() }, log)
  return {
    jobs: [keys, domains],
    wakeKeys: () => keys.wake(),
    renewKeys: (issuerId, ageMs) => fetcher.renew(issuerId, ageMs),
    proveNow(issuerId, domain) {
      prover.prefer(issuerId, domain)
      domains.wake()
    },
    async idle() {
      await Promise.all([keys.idle(), domains.idle()])
    },
  }
}
