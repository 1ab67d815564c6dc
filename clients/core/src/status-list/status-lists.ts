import { keepNewest } from '../platform/keep-newest.ts'
import { type Moment, msSince, NEVER, present } from '../platform/moment.ts'
import type { VerificationKey } from '../token/access-token.ts'
import {
  readStatusListToken,
  type StatusList,
  type StatusListFault,
  type StatusListRules,
} from './status-list-token.ts'

/** The status lists of one issuer that are used at present. */
export interface StatusLists {
  /** Changes with each list that is read. */
  readonly version: number
  /** Returns a list that may be used now. If half its time has passed, it is fetched again in the background. */
  peek(uri: string, now?: Moment): StatusList | undefined
  /** Returns the newest list that was read, although it may be too old to show that a token is valid. */
  last(uri: string): StatusList | undefined
  /** Resolves with a list that may be used now. Fetches it if necessary. Rejects if there is none. */
  find(uri: string): Promise<StatusList>
  /** The age of the oldest list that may be used now, in milliseconds; undefined without any. */
  ageMs(now?: Moment): number | undefined
}

/** Options of {@link createStatusLists}. */
export interface StatusListsOptions extends Pick<StatusListRules, 'issuer' | 'algs' | 'findKey' | 'skewS'> {
  /** Fetches the text of a list. It limits the size and the time. */
  readonly fetchText: (uri: string) => Promise<string>
  /** Tells whether a key that has signed a list may still be used. */
  readonly holds: (key: VerificationKey, now: Moment) => boolean
  /** How old a list may be, counted from its `iat`, whatever its `ttl` says. In milliseconds. */
  readonly maxAgeMs: number
  /** How many lists are kept: of others, the one that was used least recently is forgotten. */
  readonly capacity: number
  /** Returns the current time. By default, that of the platform. */
  readonly now?: (() => Moment) | undefined
  /** Called for each fetch that fails. */
  readonly onProblem?: ((error: unknown) => void) | undefined
  /** Called for each list that was read. */
  readonly onSuccess?: (() => void) | undefined
}

/**
 * The error for a list that is not used. `why` is a fault of its text, or
 *
 * - `STALE`: the list was too old when it came. The issuer must sign it anew more often.
 * - `ROLLBACK`: the list is older than the one before.
 */
class StatusListError extends Error {
  override readonly name = 'StatusListError'
  readonly why: StatusListFault | 'STALE' | 'ROLLBACK'

  constructor(uri: string, why: StatusListError['why']) {
    super(`The status list ${uri} is refused: ${why}`)
    this.why = why
  }
}

interface Entry {
  list: StatusList | undefined
  /** When the fetch of the list began, and for how many milliseconds from then it may be used. */
  begun: Moment
  usableMs: number
  fetching: Promise<StatusList> | undefined
  failedAt: Moment
  failure: unknown
}

/** After a fetch that failed, the next one begins no sooner. */
const RETRY_MS = 1_000
/** A list is fetched again after this part of the time for which it may be used, so that few callers wait. */
const RENEW_AFTER = 0.5

/**
 * Keeps the status lists of an issuer. A list may be used until its `iat` + `ttl`, until its `exp`, and until it is
 * `maxAgeMs` old, whichever comes first. So a token that has ended is refused at the latest `ttl` + clock skew after a
 * list was signed that did not show it. A list is used only while its key may be used, and never after a newer one was
 * read. Each list has one fetch at a time.
 *
 * @example
 * ```ts
 * import { createStatusLists } from '@auth4agent/core/status-list/status-lists'
 *
 * const limits = { skewS: 10, maxAgeMs: 300_000, capacity: 32 }
 * const lists = createStatusLists({ issuer, algs, findKey, holds, fetchText, ...limits })
 * const { idx, uri } = claims.status.status_list
 * const isValid = (await lists.find(uri)).statusAt(idx) === 0
 * ```
 */
export function createStatusLists(options: StatusListsOptions): StatusLists {
  const { holds, capacity, now = present } = options
  const entries = new Map<string, Entry>()
  let version = 0
  const isUsable = ({ list, begun, usableMs }: Entry, at: Moment) =>
    list !== undefined && msSince(begun, at) < usableMs && holds(list.key, at)

  const fetchList = async (uri: string, entry: Entry): Promise<StatusList> => {
    const begun = now()
    try {
      const list = await readList(options, uri)
      // The clock of the issuer may be ahead, which must not let the list be used for longer.
      const lifeMs = Math.min(list.ttlS * 1_000, options.maxAgeMs)
      const usableMs = Math.min(lifeMs, list.iat * 1_000 + lifeMs - begun.wall, list.exp * 1_000 - begun.wall)
      if (usableMs <= 0) throw new StatusListError(uri, 'STALE')
      if (entry.list !== undefined && list.iat < entry.list.iat) throw new StatusListError(uri, 'ROLLBACK')
      Object.assign(entry, { list, begun, usableMs, failedAt: NEVER, failure: undefined })
      version += 1
      options.onSuccess?.()
      return list
    } catch (error) {
      Object.assign(entry, { failedAt: now(), failure: error })
      options.onProblem?.(error)
      throw error
    } finally {
      entry.fetching = undefined
    }
  }
  const fetchShared = (uri: string, entry: Entry): Promise<StatusList> => {
    if (entry.fetching === undefined && msSince(entry.failedAt, now()) < RETRY_MS) return Promise.reject(entry.failure)
    entry.fetching ??= fetchList(uri, entry)
    return entry.fetching
  }
  const use = (uri: string): Entry => {
    const entry = entries.get(uri) ?? newEntry()
    keepNewest(entries, uri, entry, capacity)
    return entry
  }
  return {
    get version() {
      return version
    },
    last: (uri) => entries.get(uri)?.list,
    peek(uri, at = now()) {
      const entry = entries.get(uri)
      if (entry === undefined || !isUsable(entry, at)) return undefined
      if (msSince(entry.begun, at) > entry.usableMs * RENEW_AFTER) fetchShared(uri, use(uri)).catch(() => undefined)
      return entry.list
    },
    async find(uri) {
      const entry = use(uri)
      if (!isUsable(entry, now())) await fetchShared(uri, entry)
      // The fetch may have taken longer than the list may be used.
      if (entry.list === undefined || !isUsable(entry, now())) throw new StatusListError(uri, 'STALE')
      return entry.list
    },
    ageMs(at = now()) {
      const ages = [...entries.values()].flatMap((entry) =>
        entry.list !== undefined && isUsable(entry, at) ? [at.wall - entry.list.iat * 1_000] : [],
      )
      return ages.length === 0 ? undefined : Math.max(0, ...ages)
    },
  }
}

function newEntry(): Entry {
  return { list: undefined, begun: NEVER, usableMs: 0, fetching: undefined, failedAt: NEVER, failure: undefined }
}

async function readList(options: StatusListsOptions, uri: string): Promise<StatusList> {
  const { issuer, algs, findKey, skewS, now = present } = options
  const text = await options.fetchText(uri)
  const read = await readStatusListToken(text, { uri, issuer, algs, findKey, skewS, nowS: () => now().wall / 1_000 })
  if (!read.ok) throw new StatusListError(uri, read.why)
  return read.list
}
