import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { AGENT, DEPLOYMENT, event, head, KEY, lastEventId, OPERATOR, positionOf, TOKEN } from './log-records.ts'

/** The first lines of every stream. */
const RETRY = 'retry: 1000\n\n'

/** The state of a watcher after its connections. */
interface Known {
  /** Whether the watcher must forget its position and read the log from the beginning. */
  readonly begin_again: boolean
  /** The position from which the watcher continues; null if it begins without a position. */
  readonly position: object | null
  /** The Last-Event-ID of the watcher's next connection; null if it sends none. */
  readonly last_event_id: string | null
  /** Whether a head has confirmed everything that the watcher has read. */
  readonly is_whole: boolean
}

/** The texts that streams contain, by their names. Several streams contain the same text. */
export class Events {
  readonly texts: Record<string, string> = { retry: RETRY }

  /** Keeps a text under a name, and returns the name. */
  add(name: string, text: string): string {
    this.texts[name] = text
    return name
  }

  /** Adds the events of all records of the log. */
  log(): [one: string, two: string, three: string, four: string, five: string] {
    const add = (record: RevocationRecord) => this.add(`record ${record.sequence}`, event(record))
    return [add(TOKEN), add(AGENT), add(OPERATOR), add(KEY), add(DEPLOYMENT)]
  }

  /** Adds the event of a head. */
  head(at: LogPosition): string {
    return this.add(`head ${at.sequence} of log epoch ${at.logEpoch}`, head(at))
  }
}

/** Names the texts of one connection: the first lines of every stream, then the others. */
export const stream = (...names: readonly string[]) => ['retry', ...names]

/** The state of a watcher that continues from a position. */
export const knows = (at: LogPosition, is_whole = true): Known => ({
  begin_again: false,
  position: positionOf(at),
  last_event_id: lastEventId(at),
  is_whole,
})

/** The state of a watcher that has refused what it read. */
export const broken: Known = { begin_again: true, position: null, last_event_id: null, is_whole: false }

/** Makes a case: the connections of a watcher, and its state after the last one. */
export const followed = (name: string, expect: Known, ...connections: readonly (readonly string[])[]) => ({
  name,
  connections,
  expect,
})
