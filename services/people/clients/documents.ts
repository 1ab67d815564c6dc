import { type Copies, createCopies } from './copies.ts'
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

/** The documents of URL clients. Its functions throw ApiError CLIENT_NOT_ACCEPTED, UNAVAILABLE, RATE_LIMITED. */
export type ClientDocuments = Copies<ClientDocument>

const DAY_MS = 86_400_000

/** Keeps copies of the documents of URL clients, each for at most a day. */
export function createClientDocuments({ monotonic, limitDocuments, ...deps }: Deps): ClientDocuments {
  const fetchOne = async (clientId: string) => {
    const { document, maxAgeS } = await fetchDocument(deps, clientId)
    return { value: document, maxAgeS }
  }
  return createCopies({ monotonic, limit: limitDocuments, maxMs: DAY_MS, fetchOne })
}
