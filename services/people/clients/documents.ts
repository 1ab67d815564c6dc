import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { shareWork } from '../../platform/limits/share-work.ts'
import type { ClientDocument } from './domain/read-document.ts'
import { type DocumentDeps, fetchDocument } from './fetch-document.ts'

/** Dependencies of createClientDocuments. */
interface Deps extends DocumentDeps {
  /** Returns monotonic milliseconds. */
  readonly monotonic: () => number
  /**
   * Counts a document that a source makes this server fetch.
   *
   * @throws ApiError RATE_LIMITED, from the function
   */
  readonly limitDocuments: (source: string) => void
}

/** The documents of URL clients. Both functions throw ApiError CLIENT_NOT_ACCEPTED, UNAVAILABLE, RATE_LIMITED. */
export interface ClientDocuments {
  /** Returns a document, which is fetched if there is no fresh copy of it. */
  find(clientId: string, source: string): Promise<ClientDocument>
  /** Returns a document as it is now. */
  fetch(clientId: string, source: string): Promise<ClientDocument>
}

interface Copy {
  readonly document: ClientDocument
  /** Monotonic milliseconds. */
  readonly freshUntil: number
}

/** Copies of so many documents are kept. */
const MAX_COPIES = 1_000
/** How long a copy is used, in milliseconds, and how long if the client's server does not say. */
const FRESH = { min: 60_000, usual: 300_000, max: 86_400_000 }

/**
 * Keeps copies of the documents of URL clients. A failed fetch leaves no trace, so it counts for nobody else. One
 * fetch of a URL is under way at a time.
 */
export function createClientDocuments({ monotonic, limitDocuments, ...deps }: Deps): ClientDocuments {
  const copies = new Map<string, Copy>()
  const fetchOne = shareWork(async (clientId) => {
    const begun = monotonic()
    const { document, maxAgeS } = await fetchDocument(deps, clientId)
    const freshMs = maxAgeS === undefined ? FRESH.usual : Math.min(FRESH.max, Math.max(FRESH.min, maxAgeS * 1000))
    keepNewest(copies, clientId, { document, freshUntil: begun + freshMs }, MAX_COPIES)
    return document
  })
  const fetch: ClientDocuments['fetch'] = async (clientId, source) => {
    limitDocuments(source)
    return fetchOne(clientId)
  }
  return {
    fetch,
    async find(clientId, source) {
      const copy = copies.get(clientId)
      return copy !== undefined && monotonic() < copy.freshUntil ? copy.document : fetch(clientId, source)
    },
  }
}
