import type { Clock, LogStanding, LogStore } from '../../../services/revocation/ports.ts'
import type { SettleDeps } from '../../../services/revocation/settle.ts'

/** Returns a store that changes each reading of the head and the members. */
export function reading(store: LogStore, change: (standing: LogStanding) => LogStanding): LogStore {
  return { ...store, standing: async (sequence) => change(await store.standing(sequence)) }
}

/** Reads the head before it writes the row of the lease. */
export function rowAfterHead(store: LogStore): LogStore {
  let joining: (() => Promise<string>) | undefined
  return {
    ...store,
    async join(incarnation, leaseMs) {
      joining = () => store.join(incarnation, leaseMs)
      return (await store.tail(0)).server
    },
    async tail(sequence) {
      const tail = await store.tail(sequence)
      const join = joining
      joining = undefined
      await join?.()
      return tail
    },
  }
}

function none<T extends { readonly logEpoch: number }>(position: T): T {
  return { ...position, logEpoch: 0 }
}

/** Makes all log epochs equal. */
export function withoutLogEpochs({ store, bus, signals, verifier }: SettleDeps): Partial<SettleDeps> {
  return {
    store: reading(store, (standing) => ({
      ...standing,
      head: none(standing.head),
      members: standing.members.map(none),
    })),
    bus: {
      ...bus,
      get isConnected() {
        return bus.isConnected
      },
      onAcknowledgement: (listener) => bus.onAcknowledgement((position) => listener(none(position))),
    },
    signals: {
      ...signals,
      onAcknowledgement: (listener) => signals.onAcknowledgement((position) => listener(none(position))),
    },
    verifier: verifier && {
      receive: verifier.receive,
      get acknowledged() {
        return verifier.acknowledged && none(verifier.acknowledged)
      },
    },
  }
}

/** Makes the head equal to the position in the renewal, even if the real head is another one. */
export function withoutHead(store: LogStore): LogStore {
  let named: LogStanding['head'] | undefined
  return {
    ...store,
    async snapshot(take) {
      named = await store.snapshot(take)
      return named
    },
    renew(incarnation, position) {
      named = { compactedThrough: 0, ...position }
      return store.renew(incarnation, position)
    },
    async tail(sequence) {
      const { server, head } = await store.tail(sequence)
      return { server, head: { ...head, ...named, compactedThrough: 0 }, records: [] }
    },
  }
}

const TICK_MS = 10

/** Returns clocks that show the time that a timer last saw. */
export function ticking(clock: Clock): Clock {
  const look = () => ({ monotonic: clock.monotonic(), wall: clock.wall() })
  let seen = look()
  const tick = async () => {
    for (;;) {
      await clock.sleep(TICK_MS)
      seen = look()
    }
  }
  void tick()
  return { monotonic: () => seen.monotonic, wall: () => seen.wall, sleep: (ms, signal) => clock.sleep(ms, signal) }
}
