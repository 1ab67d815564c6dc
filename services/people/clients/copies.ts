import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { shareWork } from '../../platform/limits/share-work.ts'

/** An answer of a client's server, and how long it stays fresh. */
interface Fetched<T> {
  readonly value: T
  /** Seconds; undefined if the answer does not say. */
  readonly maxAgeS: number | undefined
}

interface Deps<T> {
  /** Returns monotonic milliseconds. */
  readonly monotonic: () => number
  /**
   * Counts a request that a source makes this server send.
   *
   * @throws ApiError RATE_LIMITED, from the function
   */
  readonly limit: (source: string) => void
  /** The longest time that a copy is used, in milliseconds. */
  readonly maxMs: number
  readonly fetchOne: (url: string) => Promise<Fetched<T>>
}

/** Copies of documents or keys of clients, by URL. The functions throw the errors of the fetch and of the limit. */
export interface Copies<T> {
  /** Returns a fresh copy, or fetches one. A copy that is not `enough` is fetched again, at most twice a minute. */
  find(url: string, source: string, enough?: (value: T) => boolean): Promise<T>
  /** Fetches the present answer. */
  fetch(url: string, source: string): Promise<T>
  /** Returns a fresh copy, and asks nobody. */
  known(url: string): T | undefined
}

interface Copy<T> {
  readonly value: T
  /** Monotonic milliseconds. */
  readonly begun: number
  readonly freshUntil: number
}

/** So many copies are kept. */
const MAX_COPIES = 1_000
/** How long a copy is used at least, in milliseconds, and how long if the client's server does not say. */
const FRESH = { min: 60_000, usual: 300_000 }
/** Anybody can name something that no copy has, so not each time causes a fetch. */
const AGAIN_MS = 30_000

/**
 * Keeps copies of documents or keys of clients. A failed fetch leaves no trace, so it counts for nobody else. One
 * fetch of a URL is under way at a time.
 */
export function createCopies<T>({ monotonic, limit, maxMs, fetchOne }: Deps<T>): Copies<T> {
  const copies = new Map<string, Copy<T>>()
  const shared = shareWork(async (url) => {
    const begun = monotonic()
    const { value, maxAgeS } = await fetchOne(url)
    const freshMs = maxAgeS === undefined ? FRESH.usual : Math.min(maxMs, Math.max(FRESH.min, maxAgeS * 1000))
    keepNewest(copies, url, { value, begun, freshUntil: begun + freshMs }, MAX_COPIES)
    return value
  })
  const fetch = async (url: string, source: string) => {
    limit(source)
    return shared(url)
  }
  const freshCopy = (url: string) => {
    const copy = copies.get(url)
    return copy !== undefined && monotonic() < copy.freshUntil ? copy : undefined
  }
  return {
    fetch,
    known: (url) => freshCopy(url)?.value,
    async find(url, source, enough = () => true) {
      const copy = freshCopy(url)
      const isGood = copy !== undefined && (enough(copy.value) || monotonic() < copy.begun + AGAIN_MS)
      return isGood ? copy.value : fetch(url, source)
    },
  }
}
