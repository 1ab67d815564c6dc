import type { LogPosition } from '@auth4agent/core/revocation/revocation-log'
import { LAST_RECORDS } from '../../../services/revocation/log-store.ts'
import type { Lease, LogStore, LogTail } from '../../../services/revocation/ports.ts'
import type { Signals } from './bus.ts'
import type { Process } from './clocks.ts'
import type { Database, Link } from './database.ts'
import { beginLogEpoch, type Image, updateMember } from './image.ts'

/** Creates the statements of log-store.ts. Each runs at one moment on the simulated primary. */
export function createStatements(database: Database, process: Process, link: Link, signals: Signals): LogStore {
  const { read, write } = database
  return {
    tail: (sequence) => read(process, link, (image) => tailOf(image, sequence)),
    standing: (sequence) =>
      read(process, link, (image) => {
        return { ...tailOf(image, sequence), members: [...image.members.values()], isReplicated: true }
      }),
    snapshot: async (take) => {
      const { head, log } = await read(process, link, ({ head, log }) => ({ head, log }))
      take(log)
      return head
    },
    confirm: () => write(process, link, ({ server }) => server),
    head: () => read(process, link, ({ head }) => head),
    recordsAfter: (sequence, limit) =>
      read(process, link, ({ log }) => log.filter((record) => record.sequence > sequence).slice(0, limit)),
    join: (incarnation, leaseMs) =>
      write(process, link, ({ server, members }) => {
        if (members.has(incarnation)) throw new Error('duplicate key')
        members.set(incarnation, { incarnation, leaseMs, renewals: 0, logEpoch: 0, acknowledged: 0 })
        return server
      }),
    renew: (incarnation, position) =>
      write(process, link, (image) => (updateMember(image, incarnation, position, 1) ? image.server : undefined)),
    neighbours: (incarnation) => read(process, link, (image) => neighboursOf(image, incarnation)),
    acknowledge: (incarnation, { logEpoch, sequence }: LogPosition) =>
      write(process, link, (image) => {
        if (!updateMember(image, incarnation, { logEpoch, sequence, hash: '' }, 0)) return
        signals.acknowledgement({ incarnation, logEpoch, sequence })
      }),
    remove: (incarnation, renewals) =>
      write(process, link, ({ members }) => {
        if (members.get(incarnation)?.renewals === (renewals ?? members.get(incarnation)?.renewals))
          members.delete(incarnation)
      }),
  }
}

/** Begins a new log epoch only if the database was promoted, and never waits for the standby. */
function tailOf(image: Image, sequence: number): LogTail {
  beginLogEpoch(image)
  const { server, head, log } = image
  const least = Math.max(sequence, head.sequence - LAST_RECORDS)
  return { server, head, records: log.filter((record) => record.sequence > least) }
}

/** The number of leases that each log follower watches: fewer than there are, in most runs. */
const NEIGHBOURS = 2

function neighboursOf({ members }: Image, incarnation: string): readonly Lease[] {
  const sorted = [...members.values()].toSorted((one, other) => (one.incarnation < other.incarnation ? -1 : 1))
  const place = sorted.findIndex((member) => member.incarnation === incarnation)
  return [...sorted.slice(place + 1), ...sorted.slice(0, place)].slice(0, NEIGHBOURS)
}
