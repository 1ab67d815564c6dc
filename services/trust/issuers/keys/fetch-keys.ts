import type { Issuer, PrismaClient } from '../../../../gen/prisma/client.ts'
import { fetchChainKeySet } from '../../../federation/chains/chain-key-set.ts'
import type { GetCurrentChain } from '../../../federation/chains/current-chain.ts'
import { type Author, systemAuthor } from '../../../ledger/ledger.ts'
import { shareWork } from '../../../platform/limits/share-work.ts'
import type { Logger } from '../../../platform/log/log.ts'
import type { Outbound } from '../../../platform/outbound/outbound.ts'
import { type WakeableJob, wakeableJob } from '../../../platform/schedule/wakeable-job.ts'
import { fetchKeySet, readKeySet, whyOf } from './fetch-key-set.ts'
import { claimDueIssuers, type KeyFetch, recordKeyProblem, recordKeys } from './store-keys.ts'

/** Dependencies of createKeyFetcher. */
export interface KeyFetchDeps {
  readonly prisma: PrismaClient
  readonly outbound: Pick<Outbound, 'get'>
  readonly currentChain: GetCurrentChain
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
}

const JOB = 'issuer-keys'
/** Milliseconds between two looks for issuers that are due. */
const INTERVAL_MS = 5_000
/** Number of issuers whose keys one pass fetches at the same time. */
const BATCH = 8
/** A set is fetched again after this part of its max-age, between the two limits in milliseconds. */
const FRESH_PART = 0.8
const PAUSE = { min: 30_000, max: 300_000 } as const
/** Assumed for a set that does not say how long it stays fresh, in seconds. */
const USUAL_MAX_AGE_S = 75

/** Fetches the keys of all issuers that are due. Several processes may run it, and each issuer is fetched by one. */
export interface KeyFetcher extends WakeableJob {
  /**
   * Resolves when keys are stored that were fetched within the last `ageMs` milliseconds. Rejects if they cannot be
   * fetched.
   */
  renew(issuerId: string, ageMs: number): Promise<void>
}

/** Creates the fetcher of this process. */
export function createKeyFetcher(deps: KeyFetchDeps): KeyFetcher {
  const { prisma, now, log } = deps
  const fetchNow = shareWork(async (id) => {
    const issuer = await prisma.issuer.findUnique({ where: { id } })
    if (issuer !== null) await fetchOne(deps, systemAuthor(JOB), issuer)
  })
  const fetchDue = async () => {
    const author = systemAuthor(JOB)
    for (;;) {
      const due = await claimDueIssuers(prisma, now(), BATCH)
      const fetch = (issuer: Issuer) =>
        fetchOne(deps, author, issuer).catch((error: unknown) => reportFailure(deps, issuer, error))
      await Promise.all(due.map(fetch))
      if (due.length < BATCH) return
    }
  }
  return {
    ...wakeableJob({ name: JOB, intervalMs: INTERVAL_MS, run: fetchDue }, log),
    async renew(id, ageMs) {
      const row = await prisma.issuer.findUnique({ where: { id }, select: { keysAsOf: true } })
      const fetchedAt = row?.keysAsOf?.getTime() ?? Number.NEGATIVE_INFINITY
      if (now() - fetchedAt >= ageMs) await fetchNow(id)
    },
  }
}

/** Fetches the keys of one issuer and records them. */
async function fetchOne(deps: KeyFetchDeps, author: Author, issuer: Issuer): Promise<void> {
  const { prisma, now, log } = deps
  const began = now()
  const fetched = await fetchSet(deps, author, issuer)
  const changes = await recordKeys(prisma, author, issuer.id, { ...fetched, began, dueAt: dueAt(fetched, now()) })
  const { withdrawn = [], refused = [] } = changes ?? {}
  if (withdrawn.length > 0) log.warn({ issuer: issuer.issuer, kids: withdrawn }, 'an issuer has withdrawn keys')
  if (refused.length > 0) log.warn({ issuer: issuer.issuer, refused }, 'keys of an issuer are refused')
}

type Fetched = Omit<KeyFetch, 'began' | 'dueAt'> & { readonly chainDueAt?: number }

/** An issuer of a federation has only the keys to which its chain leads. */
async function fetchSet(
  { prisma, outbound, currentChain, now }: KeyFetchDeps,
  author: Author,
  issuer: Issuer,
): Promise<Fetched> {
  if (issuer.anchor === null) return fetchKeySet(outbound, issuer, now)
  const { id, chain, dueAt: chainDueAt } = await currentChain(author, issuer.issuer, issuer.anchor)
  const set = await fetchChainKeySet(outbound, chain, now)
  // A new chain may lead to another place, where the date of the last set means nothing.
  const { keysDate } = await prisma.issuer.findUniqueOrThrow({ where: { id: issuer.id }, select: { keysDate: true } })
  return { ...readKeySet({ ...issuer, keysDate }, set, now()), chainId: id, chainDueAt }
}

/** Never rejects, so that an error with one issuer delays no other. */
async function reportFailure({ prisma, log }: KeyFetchDeps, { id, issuer }: Issuer, error: unknown): Promise<void> {
  const why = whyOf(error)
  try {
    // An error of the database says nothing about the issuer. The claim ends by itself.
    if (why === undefined) throw error
    await recordKeyProblem(prisma, id, why)
    log.warn({ issuer, why, error }, 'the keys of an issuer could not be fetched')
  } catch (failure) {
    log.error({ issuer, error: failure }, 'a fetch of the keys of an issuer ended with an error')
  }
}

/** A trust chain may be due earlier than the keys. */
function dueAt({ maxAgeS = USUAL_MAX_AGE_S, chainDueAt = Number.POSITIVE_INFINITY }: Fetched, now: number): number {
  const pause = Math.min(PAUSE.max, maxAgeS * FRESH_PART * 1000, chainDueAt - now)
  return now + Math.max(PAUSE.min, pause)
}
