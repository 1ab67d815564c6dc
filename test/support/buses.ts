import type { Bus, BusEvent } from '../../services/platform/bus/bus.ts'
import { createNatsBus } from '../../services/platform/bus/nats-bus.ts'
import type { NatsOptions } from '../../services/platform/bus/nats-dial.ts'
import { parseNatsUrl } from '../../services/platform/bus/nats-url.ts'
import { createLogger } from '../../services/platform/log/log.ts'
import { until } from './until.ts'

/** A bus, with its log lines and its counts of events. */
export interface WatchedBus {
  readonly bus: Bus
  /** Returns how often an event was counted. */
  count(event: BusEvent): number
  /** Returns the log lines of the bus from level debug up. */
  logs(): string
  /** Waits until the bus is connected. */
  connected(): Promise<void>
  /** Collects the texts that arrive on a topic, in order. */
  listen(topic: string): readonly string[]
  /** Publishes a text. */
  say(topic: string, text: string): void
}

/**
 * Returns a function that starts buses over NATS at `url` (a comma-separated list), and a function that closes all.
 */
export function createBuses() {
  const open: Bus[] = []
  return {
    start(url: string, options: Partial<NatsOptions> & { readonly issuer?: string } = {}): WatchedBus {
      const lines: string[] = []
      const counts = new Map<BusEvent, number>()
      const servers = url.split(',').map((text) => {
        const server = parseNatsUrl(text)
        if (server === undefined) throw new Error(`Each entry must be a URL of NATS, but one is "${text}"`)
        return server
      })
      const bus = createNatsBus({
        servers,
        issuer: 'https://auth.example.com',
        name: 'test',
        pingIntervalMs: 5_000,
        log: createLogger('debug', (line) => lines.push(line)),
        count: (event) => counts.set(event, (counts.get(event) ?? 0) + 1),
        ...options,
      })
      open.push(bus)
      return watch(bus, lines, counts)
    },
    async close() {
      await Promise.all(open.map((bus) => bus.close()))
    },
  }
}

function watch(bus: Bus, lines: readonly string[], counts: ReadonlyMap<BusEvent, number>): WatchedBus {
  return {
    bus,
    count: (event) => counts.get(event) ?? 0,
    logs: () => lines.join(''),
    async connected() {
      await until(async () => bus.isConnected, Boolean)
    },
    listen(topic) {
      const heard: string[] = []
      bus.subscribe(topic, (payload) => heard.push(Buffer.from(payload).toString()))
      return heard
    },
    say: (topic, text) => bus.publish(topic, Buffer.from(text)),
  }
}
