import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import type { FeedEvent, RevocationFeed } from '@auth4agent/verifier'

/** A revocation log in memory. */
export interface HandLog {
  /** Appends a record with the given members. All other members of the record are right. */
  append(part?: Partial<RevocationRecord>): FeedEvent
  /** Returns a heartbeat with the log's head. */
  head(part?: Partial<LogPosition>): FeedEvent
  readonly position: LogPosition
  logEpoch: number
}

/** Creates an empty log, or one that has lost its first records. */
export function handLog(position: LogPosition = { logEpoch: 1, sequence: 0, hash: '' }): HandLog {
  let last = position
  return {
    logEpoch: position.logEpoch,
    get position() {
      return { ...last, logEpoch: this.logEpoch }
    },
    append(part = {}) {
      const record = {
        logEpoch: this.logEpoch,
        sequence: last.sequence + 1,
        kind: 'token',
        operatorId: '',
        subject: 'nobody',
        minimumEpoch: 0,
        expiresAt: Date.now() + 3_600_000,
        recordedAt: Date.now(),
        previousHash: last.hash,
        ...part,
      }
      const whole = { ...record, hash: part.hash ?? recordHash(record) }
      last = { logEpoch: whole.logEpoch, sequence: whole.sequence, hash: whole.hash }
      return { kind: 'record', record: whole }
    },
    head(part = {}) {
      return { kind: 'head', position: { ...this.position, ...part }, observedAt: Date.now() }
    },
  }
}

/** One connection of a feed that the test controls. */
export interface Connection {
  readonly from: LogPosition | undefined
  readonly untilHead: boolean
  send(...events: readonly FeedEvent[]): void
  end(error?: Error): void
}

/** Creates a feed that the test controls. */
export function handFeed(): { readonly feed: RevocationFeed; next(): Promise<Connection> } {
  const connections: Connection[] = []
  const waiting: ((connection: Connection) => void)[] = []
  const offer = (connection: Connection) => {
    const first = waiting.shift()
    if (first === undefined) connections.push(connection)
    else first(connection)
  }
  return {
    feed: {
      open(from, _signal, untilHead = false) {
        const stream = new ReadableStream<FeedEvent>({
          start(controller) {
            offer({
              from,
              untilHead,
              send: (...events) => events.forEach((event) => controller.enqueue(event)),
              end: (error) => (error === undefined ? controller.close() : controller.error(error)),
            })
          },
        })
        return stream.values({ preventCancel: true })
      },
    },
    next: async () => connections.shift() ?? new Promise((resolve) => waiting.push(resolve)),
  }
}
