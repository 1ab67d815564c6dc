import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import type { Acknowledgement, LogSignals, RevocationBus } from '../../../services/revocation/ports.ts'
import type { Process } from './clocks.ts'
import type { Link, Span } from './database.ts'
import type { Events } from './events.ts'
import type { Random } from './random.ts'

/** The faults of a message channel. */
export interface Weather {
  /**
   * The probabilities that a message is lost, is doubled, or is late. Each copy of a message is late or not by itself.
   */
  loss: number
  duplication: number
  lateness: number
  late: Span
}

/** The connection of one process to the bus. */
export interface BusLink {
  isCut: boolean
  /** Whether the process believes that it is connected. It may be wrong. */
  isConnected: boolean
}

interface Messages {
  record: { readonly record: RevocationRecord; readonly replyTo: string }
  signal: number
  acknowledgement: Acknowledgement
}

interface Endpoint {
  readonly name: string
  readonly process: Process
  readonly hears: () => boolean
  readonly listeners: { readonly [K in keyof Messages]: ((message: Messages[K]) => void)[] }
}

const PROMPT: Span = [0.05, 1]

/** Delivers a message to every endpoint that can receive. An endpoint may get the message late, twice or never. */
function createMedium(events: Events, random: Random, weather: Weather) {
  const endpoints: Endpoint[] = []
  const carry = <K extends keyof Messages>(to: Endpoint, kind: K, message: Messages[K]) => {
    const [least, most] = random.chance(weather.lateness) ? weather.late : PROMPT
    events.after(random.between(least, most), () => {
      if (!to.hears()) return
      to.process.deliver(() => {
        for (const listener of to.listeners[kind]) listener(message)
      })
    })
  }
  return {
    attach(process: Process, hears: () => boolean): Endpoint {
      const name = String(endpoints.length)
      const endpoint: Endpoint = { name, process, hears, listeners: { record: [], signal: [], acknowledgement: [] } }
      endpoints.push(endpoint)
      return endpoint
    },
    send<K extends keyof Messages>(kind: K, message: Messages[K], only?: string): void {
      for (const [index, to] of endpoints.entries()) {
        if (only !== undefined && only !== String(index)) continue
        if (to.process.isDead || to.listeners[kind].length === 0) continue
        if (!random.chance(weather.loss)) carry(to, kind, message)
        if (random.chance(weather.duplication)) carry(to, kind, message)
      }
    },
  }
}

/** The notifications of the database to its listeners. */
export interface Signals {
  record(sequence: number): void
  acknowledgement(acknowledgement: Acknowledgement): void
  attach(process: Process, link: Link): LogSignals
}

/** Creates a simulation of LISTEN and NOTIFY. */
export function createSignals(events: Events, random: Random, weather: Weather): Signals {
  const medium = createMedium(events, random, weather)
  return {
    record: (sequence) => medium.send('signal', sequence),
    acknowledgement: (acknowledgement) => medium.send('acknowledgement', acknowledgement),
    attach(process, link) {
      const { listeners } = medium.attach(process, () => !link.isCut)
      return {
        onRecord: (listener) => void listeners.signal.push(listener),
        onAcknowledgement: (listener) => void listeners.acknowledgement.push(listener),
      }
    },
  }
}

/** Creates a bus without any guarantee. */
export function createBus(events: Events, random: Random, weather: Weather) {
  const medium = createMedium(events, random, weather)
  return {
    attach(process: Process, link: BusLink): RevocationBus {
      const { name, listeners } = medium.attach(process, () => !link.isCut)
      return {
        get isConnected() {
          return link.isConnected
        },
        publishRecord(record) {
          if (!link.isCut) medium.send('record', { record, replyTo: name })
        },
        publishAcknowledgement(acknowledgement, replyTo) {
          if (!link.isCut) medium.send('acknowledgement', acknowledgement, replyTo)
        },
        onRecord: (listener) => void listeners.record.push(({ record, replyTo }) => listener(record, replyTo)),
        onAcknowledgement: (listener) => void listeners.acknowledgement.push(listener),
      }
    },
  }
}
