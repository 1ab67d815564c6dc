import type { Rate, Rates } from './limits.ts'

/** Rates of work, in addition to those of calls. */
export interface WorkRates {
  /** Refusals of one caller that get a record in the audit. */
  readonly refusals: Rate
  /** Tokens and grants of all agents of one operator: many at once, as when a fleet starts, and fewer all day long. */
  readonly tokens: Rate
  /** New attestation results of all agents of one operator. */
  readonly results: Rate
  /** Key events of all agents of one operator. One agent can sign fewer in its life than the burst. */
  readonly events: Rate
  /**
   * Records of the past that all watchers of one caller get. A record costs about 15 µs, so one that reads the log
   * again and again takes at most a sixth of a processor, after its burst.
   */
  readonly replays: Rate
  /** Documents of clients that one source address, or one operator, makes a process fetch. */
  readonly documents: Rate
  /** Codes of devices that one person may type, and one source address. They have no factor. */
  readonly userCodesOfUser: Rate
  readonly userCodesOfSource: Rate
}

/** Returns the rates of work, multiplied by the factor of scaleRates. */
export function scaleWorkRates(factor: number): WorkRates {
  return {
    refusals: { perMinute: 60 * factor, burst: Math.max(1, 600 * factor) },
    events: { perMinute: 60 * factor, burst: Math.max(1, 10_000 * factor) },
    results: { perMinute: 600 * factor, burst: Math.max(1, 20_000 * factor) },
    tokens: { perMinute: 3_000 * factor, burst: Math.max(1, 100_000 * factor) },
    replays: { perMinute: 600_000 * factor, burst: Math.max(1, 200_000 * factor) },
    documents: { perMinute: 20 * factor, burst: Math.max(1, 20 * factor) },
    userCodesOfUser: { perMinute: 5, burst: 5 },
    userCodesOfSource: { perMinute: 50 / 60, burst: 50 },
  }
}

/**
 * Returns all rates, multiplied by one factor. A deployment sets only this factor, so the proportions are fixed. A
 * burst is never less than 1.
 */
export function scaleRates(factor: number): Rates {
  const rate = (perMinute: number, burst: number) => ({
    perMinute: perMinute * factor,
    burst: Math.max(1, burst * factor),
  })
  return {
    read: { source: rate(1_200, 200), subject: rate(1_200, 200) },
    register: { source: rate(20, 20), subject: rate(120, 60) },
    confirm: { source: rate(60, 20), subject: rate(20, 10) },
    challenge: { source: rate(6_000, 1_000), subject: rate(600, 100) },
    token: { source: rate(6_000, 1_000), subject: rate(600, 100) },
    verify: { source: rate(60_000, 10_000), subject: rate(60_000, 10_000) },
    // Lower than verify: each call needs a look-up, a signature and a row.
    introspect: { source: rate(12_000, 2_000), subject: rate(12_000, 2_000) },
    manage: { source: rate(600, 200), subject: rate(600, 200) },
    // Apart from `manage`, so that nobody's other changes use up the calls that take authority away.
    urgent: { source: rate(600, 200), subject: rate(600, 200) },
    // A watcher for which the server has no stream polls the log every one or two seconds.
    watch: { source: rate(6_000, 1_000), subject: rate(1_200, 200) },
    // A picture of 500 operators can need a third of a second.
    graph: { source: rate(60, 10), subject: rate(60, 10) },
    // Each sign-in lets the server ask an identity provider.
    'sign-in': { source: rate(30, 30), subject: rate(30, 30) },
    // Providers in one cloud send from the same few addresses, so a source may send more than one provider may.
    signal: { source: rate(6_000, 1_000), subject: rate(600, 200) },
    // One that needs a client's document lets the server ask somebody too, which is counted apart.
    authorize: { source: rate(60, 60), subject: rate(60, 60) },
    // Each request of a device is a row that a stranger writes. The source is the stricter one.
    device: { source: rate(10, 10), subject: rate(600, 100) },
    // A gateway counts here each call that it forwards. The process that serves the call counts it in the call's own
    // group. So the gateway need not be stricter than any group: this rate is the highest of the others.
    forward: { source: rate(60_000, 10_000), subject: rate(60_000, 10_000) },
  }
}
