import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { shareWork } from '../../platform/limits/share-work.ts'
import type { Outbound } from '../../platform/outbound/outbound.ts'
import { permits, toAnchor } from '../anchors/known-anchor.ts'
import type { FetchStatement } from '../domain/collect-statements.ts'
import { type ChainRefusal, refuseChain } from '../domain/refusal.ts'
import { type Resolution, resolveChains } from '../domain/resolve-chains.ts'
import { type FoundChain, listAnchors, noteUnpinned } from './chain-store.ts'

/** What a search has brought. */
export type Search = Pick<Resolution, 'deadEnds' | 'unpinned'> &
  ({ readonly ok: true; readonly found: FoundChain } | ChainRefusal)

/** Searches for the chain of a subject, under all anchors in the order of preference or under only one. */
export type FindChain = (subject: string, onlyAnchor?: string) => Promise<Search>

const ACCEPT = ['application/entity-statement+jwt'] as const
/** After this time nothing more is fetched, so that the answer comes within the deadline of a request. */
const SEARCH_MS = 7_000

/** Dependencies of createFindChain. */
export interface FindChainDeps {
  readonly prisma: PrismaClient
  readonly outbound: Pick<Outbound, 'get'>
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/**
 * Creates the search. At most one search of a kind for a subject is under way in this process. Searches that are asked
 * for meanwhile share the next one.
 */
export function createFindChain({ prisma, outbound, now }: FindChainDeps): FindChain {
  const fetch = createFetch(outbound)
  const search = shareWork(async (key): Promise<Search> => {
    const cut = key.indexOf(' ')
    const [subject, only] = [key.slice(0, cut), key.slice(cut + 1)]
    const anchors = (await listAnchors(prisma))
      .filter((anchor) => (only === '' || anchor.entityId === only) && permits(anchor, subject))
      .map(toAnchor)
    if (anchors.length === 0) {
      const text = `A trust anchor must be recorded that permits ${subject}`
      return { ...refuseChain(undefined, { rule: 'CHAIN_NOT_FOUND', text }), deadEnds: [], unpinned: new Map() }
    }
    const foundAt = now()
    const resolution = await resolveChains(subject, anchors, { fetch, now, signal: AbortSignal.timeout(SEARCH_MS) })
    const { deadEnds, unpinned } = resolution
    await noteUnpinned(prisma, unpinned)
    if (!resolution.ok) return { ...resolution, deadEnds, unpinned }
    const { statements, chain } = resolution
    return { ok: true, deadEnds, unpinned, found: { subject, anchorId: chain.anchor, statements, foundAt } }
  })
  // An entity identifier has no space. A search under one anchor never gets the result of a search under all.
  return (subject, onlyAnchor = '') => search(`${subject} ${onlyAnchor}`)
}

/** Fetches a statement. The outbound module follows no redirect, and accepts exactly this media type. */
function createFetch(outbound: Pick<Outbound, 'get'>): FetchStatement {
  return async (url, limits) => {
    const { body } = await outbound.get(url, { accept: ACCEPT, ...limits })
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  }
}
