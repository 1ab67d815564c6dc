import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import type { LogPosition } from '@auth4agent/core/revocation/revocation-log'
import type { MadeList } from './make-list.ts'

/** Serves the status lists of one process. */
export interface Lists {
  /**
   * Returns a list. It contains every end of a token whose call had returned a second ago, or three times as long ago
   * as the list takes to make.
   *
   * @returns undefined if there is no such list
   * @throws ApiError UNAVAILABLE when the list is too old and cannot be made again
   */
  get(id: string): Promise<ServedList | undefined>
}

/** A list, and how long it may be cached. */
interface ServedList extends MadeList {
  /** Seconds until the list is made again, even if nothing changes. */
  readonly maxAgeS: number
}

/** Dependencies of createLists. */
export interface ListsDeps {
  /** Makes a list. Returns undefined if there is no such list. */
  readonly make: (id: string) => Promise<MadeList | undefined>
  /** Tells whether there is such a list, at a fraction of the cost. Anybody can ask for any id. */
  readonly exists: (id: string) => Promise<boolean>
  /** For how long a verifier may believe a list, in seconds. */
  readonly ttlS: number
  /** Reads the head of the revocation log. */
  readonly head: () => Promise<LogPosition>
  /** Returns the time of a clock that is never set, in milliseconds. */
  readonly monotonic: () => number
  /** Receives how long a list took to make, in seconds. */
  readonly made: (seconds: number) => void
}

/** Shortest time between two readings of the head, and between two makings of a list, in milliseconds. */
const REST_MS = 1_000
/** A list that takes longer to make is made in the background, in milliseconds. Callers would give up before. */
const MAX_WAIT_MS = 5_000
/** Lists that a process keeps. Each takes at most 350 KB. */
const MAX_KEPT = 64
/** Lists that a process makes at the same time. Each needs a connection and 256 KiB. */
const MAX_MAKING = 2

interface Kept {
  readonly list: MadeList
  readonly head: LogPosition
  /** When the list is made again, even if nothing changes. */
  readonly dueAt: number
  /** Until when the list is served without a look at the log. */
  readonly restUntil: number
  /** Until when the list is served while the next one is made; not at all if that is quick. */
  readonly servedUntil: number
}

/**
 * Creates the lists. A list is made when somebody asks for it. All who ask meanwhile share it. It is made again when
 * the revocation log has a new record or half its `ttl` has passed: some ends have no record here, such as the
 * retirement of a key and what ends at another deployment. Making takes at most a third of the time of one list, so
 * many changes cannot keep the database busy.
 */
export function createLists(deps: ListsDeps): Lists {
  const { ttlS, monotonic } = deps
  const kept = new Map<string, Kept>()
  const making = new Map<string, Promise<Kept | undefined>>()
  const readHead = shareReadings(deps)
  const inTurn = limitWorks(MAX_MAKING)

  const make = async (id: string): Promise<Kept | undefined> => {
    const begunAt = monotonic()
    // Before the statuses: a record that is added meanwhile makes the list due.
    const head = await deps.head()
    const list = await deps.make(id)
    kept.delete(id)
    if (list === undefined) return undefined
    const took = monotonic() - begunAt
    deps.made(took / 1000)
    const rest = Math.max(REST_MS, 3 * took)
    // If a list takes longer than half of ttl, the next making must not follow at once. Yet no list may expire here.
    const dueAt = begunAt + Math.max(ttlS * 500, Math.min(rest, ttlS * 750))
    // A tenth of ttl is left for the caller.
    const servedUntil = took > MAX_WAIT_MS ? begunAt + ttlS * 900 : begunAt
    const result = { list, head, dueAt, restUntil: begunAt + rest, servedUntil }
    keepNewest(kept, id, result, MAX_KEPT)
    return result
  }
  const makeShared = (id: string): Promise<Kept | undefined> => {
    const known = making.get(id)
    if (known !== undefined) return known
    // Without taking a turn from the lists that exist.
    const isThere = kept.has(id) || deps.exists(id)
    const made = Promise.resolve(isThere)
      .then((exists) => (exists ? inTurn(() => make(id)) : undefined))
      .finally(() => making.delete(id))
    making.set(id, made)
    return made
  }
  const isDue = async ({ head, dueAt, restUntil }: Kept): Promise<boolean> => {
    const now = monotonic()
    if (now >= dueAt) return true
    if (now < restUntil) return false
    const { logEpoch, sequence } = await readHead()
    return logEpoch !== head.logEpoch || sequence !== head.sequence
  }
  const currentOf = async (id: string): Promise<Kept | undefined> => {
    const before = kept.get(id)
    if (before !== undefined && !(await isDue(before))) return before
    const made = makeShared(id)
    if (before === undefined || monotonic() >= before.servedUntil) return made
    // It is made again by the next caller if this fails.
    made.catch(() => undefined)
    return before
  }
  return {
    async get(id) {
      const current = await currentOf(id)
      if (current === undefined) return undefined
      const restMs = current.dueAt - monotonic()
      return { ...current.list, maxAgeS: Math.max(0, Math.floor(restMs / 1000)) }
    },
  }
}

/** Shares readings of the head, so that requests for lists cost at most one reading in REST_MS. */
function shareReadings({ head, monotonic }: ListsDeps): () => Promise<LogPosition> {
  let reading: Promise<LogPosition> | undefined
  let begunAt = 0
  return () => {
    if (reading !== undefined && monotonic() < begunAt + REST_MS) return reading
    begunAt = monotonic()
    const begun = head()
    reading = begun
    begun.catch(() => {
      if (reading === begun) reading = undefined
    })
    return begun
  }
}

/** Lets only some works run at the same time. The others wait for their turn. */
function limitWorks(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
