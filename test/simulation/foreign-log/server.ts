import type { FeedError, FeedEvent, RevocationFeed } from '@auth4agent/core/revocation/feed'
import type { LogPosition } from '@auth4agent/core/revocation/revocation-log'
import type { Random } from '../revocation/random.ts'
import { type Branch, type Deployment, positionOf } from './deployment.ts'

/** What goes wrong between the database of the other deployment and this one. Each lasts until it is ended. */
export interface Weather {
  /** The server's database, or a proxy, stands still: heads repeat an old reading. */
  isFrozen: boolean
  /** Bytes arrive only when this is over. */
  isStalled: boolean
  /** Bytes arrive so many milliseconds late. */
  delayMs: number
  /** A server serves an old copy, of which it reads heads anew: so many records are missing. */
  rewoundBy: number
  /** New connections get the answer that an earlier one got, from a cache. It is older than clocks may differ. */
  replays: boolean
  /** The server's clock is ahead by this, in milliseconds. */
  clockAheadMs: number
  /** How often a record is lost, or arrives with another subject. */
  losses: number
  garbles: number
  /** The history that is served, if it is not the main one: the other half of a split brain. */
  split: Branch | undefined
  /** Whether servers go on from any position, even one that their history does not have. */
  isCareless: boolean
}

export const FAIR: Weather = {
  isFrozen: false,
  isStalled: false,
  delayMs: 0,
  rewoundBy: 0,
  replays: false,
  clockAheadMs: 0,
  losses: 0,
  garbles: 0,
  split: undefined,
  isCareless: false,
}

const HEARTBEAT_MS = 1_000
const STEP_MS = 250

/** How far clocks may differ. A cache that keeps an answer for less than that is not noticed. */
export const SKEW_MS = 10_000

/** The feed of a deployment's log as this deployment gets it, through weather. */
export function createFeed(
  deployment: Deployment,
  weather: Weather,
  random: Random,
  FeedErrorClass: typeof FeedError,
): RevocationFeed {
  /** What an earlier connection has got, for replays. */
  let recorded: { readonly at: number; readonly events: readonly FeedEvent[] } = { at: 0, events: [] }

  const view = () => {
    const branch = weather.split ?? deployment.main
    return { branch, length: Math.max(0, branch.records.length - weather.rewoundBy) }
  }
  const readHead = (): FeedEvent => {
    const { branch, length } = view()
    const position = deployment.readHead(branch, length)
    return { kind: 'head', position, observedAt: Date.now() + weather.clockAheadMs }
  }
  /** A clock that is ahead hides how old an answer is, so a cache keeps only other answers here. */
  const isHonest = () => !weather.replays && weather.clockAheadMs === 0
  const checkPosition = (from: LogPosition): void => {
    const { branch, length } = view()
    const isKnown = positionOf(branch, from.sequence).hash === from.hash && from.sequence <= length
    if (!isKnown && !weather.isCareless)
      throw new FeedErrorClass('The log lacks this position', { mustBeginAgain: true })
  }
  async function* live(from: LogPosition | undefined, signal: AbortSignal): AsyncGenerator<FeedEvent> {
    let sent = from?.sequence ?? 0
    let hasBegun = from !== undefined
    let head: FeedEvent | undefined
    let dueAt = 0
    const events: { readonly event: FeedEvent; readonly at: number }[] = []
    const put = (event: FeedEvent) => events.push({ event, at: Date.now() + weather.delayMs })
    for (;;) {
      const { branch, length } = view()
      if (!weather.isFrozen || head === undefined) {
        for (const record of branch.records.slice(sent, length)) {
          sent = record.sequence
          // A reading may begin anywhere, because old records are compacted. So a loss of the first ones is no loss.
          if (hasBegun && random.chance(weather.losses)) continue
          hasBegun = true
          const isGarbled = random.chance(weather.garbles)
          put({ kind: 'record', record: isGarbled ? { ...record, subject: 'nobody' } : record })
        }
      }
      if (Date.now() >= dueAt) {
        if (!weather.isFrozen || head === undefined) head = readHead()
        put(head)
        dueAt = Date.now() + HEARTBEAT_MS
      }
      if (!weather.isStalled) {
        const late = events.findIndex(({ at }) => at > Date.now())
        for (const { event } of events.splice(0, late === -1 ? events.length : late)) {
          if (event.kind === 'head') deployment.sentEpoch = event.position.logEpoch
          yield event
        }
      }
      if (signal.aborted) return
      await sleep(STEP_MS)
    }
  }
  async function* replay(): AsyncGenerator<FeedEvent> {
    yield* recorded.events
    await sleep(HEARTBEAT_MS)
  }
  return {
    async *open(from, signal) {
      if (from !== undefined) checkPosition(from)
      const isOld = recorded.events.length > 0 && Date.now() - recorded.at > SKEW_MS + HEARTBEAT_MS
      if (weather.replays && isOld) {
        yield* replay()
        return
      }
      const taken: FeedEvent[] = []
      for await (const event of live(from, signal)) {
        // A cache keeps the beginning of an answer, up to its first head.
        if (from === undefined && !taken.some(({ kind }) => kind === 'head')) {
          taken.push(event)
          if (event.kind === 'head' && isHonest()) recorded = { at: Date.now(), events: [...taken] }
        }
        yield event
      }
    },
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}
