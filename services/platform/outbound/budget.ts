import { createLimiter, type Rate } from '../limits/limits.ts'
import { createShares } from '../limits/shares.ts'
import { OutboundError } from './outbound-error.ts'

/** What all hosts together, and one host, may be asked for. */
export interface BudgetRules {
  /** Requests under way at the same time. */
  readonly max: number
  /** The part of the free places that one host may have, so that slow hosts leave places for others. */
  readonly part: number
  /** Requests to one host. */
  readonly rate: Rate
}

/**
 * Requests end within seconds. One host alone gets 16 places: an issuer whose tokens are looked up by introspection
 * needs many.
 */
export const REQUESTS: BudgetRules = { max: 128, part: 1 / 7, rate: { perMinute: 3_000, burst: 300 } }
/** Security events of one receiver follow each other, and many of them wait after it was away. */
export const PUSHES: BudgetRules = { max: 64, part: 1 / 7, rate: { perMinute: 12_000, burst: 400 } }
/** Streams stay open for hours: one for each issuer and process, and one more while it is replaced. */
export const STREAMS: BudgetRules = { max: 256, part: 1 / 63, rate: { perMinute: 60, burst: 20 } }

/** Takes one place for a host and returns the function that frees it. Throws OutboundError with BUSY. */
export type Budget = (host: string) => () => void

/**
 * Creates a budget. It protects other servers from a flood that callers of this server cause, and this server from
 * hosts that are slow.
 * @param now monotonic milliseconds
 */
export function createBudget({ max, part, rate }: BudgetRules, now: () => number): Budget {
  const enter = createShares({ max, part, keptMs: 0 })
  const waitFor = createLimiter<'outbound'>(now)
  return (host) => {
    const place = enter(host)
    if (place === undefined) throw new OutboundError('BUSY', `Too many requests to ${host}, or to all hosts, are open`)
    const leave = () => place.giveBack(false)
    if (waitFor('outbound', 'subject', host, rate) === 0) return leave
    leave()
    throw new OutboundError('BUSY', `${host} gets more requests than ${rate.perMinute} a minute`)
  }
}
