import { Gauge, type Registry } from 'prom-client'

/** What this process knows of an enabled foreign issuer. Times are in Unix milliseconds. */
export interface IssuerFacts {
  readonly issuer: string
  /** When the keys were fetched that are in use; undefined before the first fetch. */
  readonly keysAsOf: number | undefined
  /** When the knowledge of revocations was complete; undefined before that, or if the log is not followed. */
  readonly revocationsAsOf: number | undefined
  readonly followsLog: boolean
  /** When a new trust chain is looked for, 0 without any chain; undefined for an issuer that needs none. */
  readonly chainDueAt: number | undefined
}

/** What this process knows of a trust anchor. */
export interface AnchorFacts {
  readonly entityId: string
  /** Number of keys that the anchor published when it was last asked, and that are not pinned. */
  readonly unpinned: number
}

/**
 * Adds the metrics of the enabled foreign issuers. The label is the issuer, because the administrator alone adds
 * issuers, and at most 64.
 */
export function showIssuers(registry: Registry, read: () => readonly IssuerFacts[]): void {
  const gauge = (name: string, help: string, ageOf: (facts: IssuerFacts, now: number) => number | undefined) =>
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: ['issuer'],
        // Each worker follows by itself, so the worst one counts.
        aggregator: 'max',
        registers: [],
        collect() {
          this.reset()
          const now = Date.now()
          for (const facts of read()) {
            const ms = ageOf(facts, now)
            if (ms !== undefined) this.set({ issuer: facts.issuer }, ms / 1_000)
          }
        },
      }),
    )
  gauge(
    'auth4agent_issuer_keys_age_seconds',
    'Age of the keys of an enabled foreign issuer. Infinite before they were fetched.',
    ({ keysAsOf }, now) => now - (keysAsOf ?? Number.NEGATIVE_INFINITY),
  )
  gauge(
    'auth4agent_issuer_revocations_age_seconds',
    "Age of what is known of a foreign issuer's revocations by its log. Infinite while the log cannot be followed.",
    ({ followsLog, revocationsAsOf }, now) =>
      followsLog ? now - (revocationsAsOf ?? Number.NEGATIVE_INFINITY) : undefined,
  )
  gauge(
    'auth4agent_issuer_chain_overdue_seconds',
    'Time for which no new trust chain of a foreign issuer was found although it was due. Infinite without a chain.',
    ({ chainDueAt }, now) =>
      chainDueAt === undefined ? undefined : Math.max(0, now - (chainDueAt || Number.NEGATIVE_INFINITY)),
  )
}

/** Adds the metric of the trust anchors. The label is the anchor, because the administrator alone adds anchors. */
export function showAnchors(registry: Registry, read: () => readonly AnchorFacts[]): void {
  registry.registerMetric(
    new Gauge({
      name: 'auth4agent_trust_anchor_unpinned_keys',
      help: 'Keys that a trust anchor published when it was last asked, and that are not pinned.',
      labelNames: ['anchor'],
      aggregator: 'max',
      registers: [],
      collect() {
        this.reset()
        for (const { entityId, unpinned } of read()) this.set({ anchor: entityId }, unpinned)
      },
    }),
  )
}
