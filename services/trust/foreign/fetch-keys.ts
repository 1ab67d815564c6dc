import type { Issuer, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, systemAuthor } from '../../ledger/ledger.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { Outbound } from '../../platform/outbound/outbound.ts'
import { fetchKeySet, whyOf } from './fetch-key-set.ts'
import { claimDueIssuers, recordKeyProblem, recordKeys } from './store-keys.ts'

/** Dependencies of fetchDueKeys. */
export interface KeyFetchDeps {
  readonly prisma: PrismaClient
  readonly outbound: Pick<Outbound, 'get'>
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
}

/** Number of issuers whose keys one pass fetches at the same time. */
const BATCH = 8
/** A set is fetched again after this part of its max-age, between the two limits in milliseconds. */
const FRESH_PART = 0.8
const PAUSE = { min: 30_000, max: 300_000 } as const
/** Assumed for a set that does not say how long it stays fresh, in seconds. */
const USUAL_MAX_AGE_S = 75

/**
 * Fetches the keys of all issuers that are due. Several processes may call this function at the same time; each issuer
 * is fetched by one of them.
 */
export async function fetchDueKeys(deps: KeyFetchDeps): Promise<void> {
  const author = systemAuthor('issuer-keys')
  for (;;) {
    const due = await claimDueIssuers(deps.prisma, deps.now(), BATCH)
    await Promise.all(due.map((issuer) => fetchOne(deps, author, issuer)))
    if (due.length < BATCH) return
  }
}

/** Fetches the keys of one issuer. Never rejects, so that an error with one issuer delays no other. */
async function fetchOne(deps: KeyFetchDeps, author: Author, issuer: Issuer): Promise<void> {
  const { prisma, outbound, now, log } = deps
  const began = now()
  try {
    const fetched = await fetchKeySet(outbound, issuer, now)
    const changes = await recordKeys(prisma, author, issuer.id, { ...fetched, began, dueAt: now() + pauseMs(fetched) })
    const { withdrawn = [], refused = [] } = changes ?? {}
    if (withdrawn.length > 0) log.warn({ issuer: issuer.issuer, kids: withdrawn }, 'an issuer has withdrawn keys')
    if (refused.length > 0) log.warn({ issuer: issuer.issuer, refused }, 'keys of an issuer are refused')
  } catch (error) {
    await reportFailure(deps, issuer, error)
  }
}

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

function pauseMs({ maxAgeS = USUAL_MAX_AGE_S }: { readonly maxAgeS: number | undefined }): number {
  return Math.min(PAUSE.max, Math.max(PAUSE.min, maxAgeS * FRESH_PART * 1000))
}
