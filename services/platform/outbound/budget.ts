import { createBound } from '../limits/bound.ts'
import { createLimiter, type Rate } from '../limits/limits.ts'
import { OutboundError } from './outbound-error.ts'

/** What all hosts together, and one host, may be asked for. */
export interface BudgetRules {
  /** Requests under way at the same time. */
  readonly total: number
  readonly perHost: number
  /** Requests to one host. */
  readonly rate: Rate
}

/** Requests end within seconds. An issuer whose tokens are looked up by introspection needs many of them. */
export const REQUESTS: BudgetRules = { total: 128, perHost: 16, rate: { perMinute: 3_000, burst: 300 } }
/** Security events of one receiver follow each other, and many of them wait after it was away. */
export const PUSHES: BudgetRules = { total: 64, perHost: 8, rate: { perMinute: 12_000, burst: 400 } }
/** Streams stay open for hours: one for each issuer and process, and one more while it is replaced. */
export const STREAMS: BudgetRules = { total: 256, perHost: 4, rate: { perMinute: 60, burst: 20 } }

/** Takes one place for a host and returns the function that frees it. Throws OutboundError with BUSY. */
export type Budget = (host: string) => () => void

/**
 * Creates a budget. It protects other servers from a flood that callers of this server cause, and this server from
 * hosts that are slow.
 * @param now monotonic milliseconds
 */
export function createBudget({ total, perHost, rate }: BudgetRules, now: () => number): Budget {
  const enter = createBound(total, perHost)
  const waitFor = createLimiter<'outbound'>(now)
  return (host) => {
    const leave = enter(host)
    if (leave === undefined) throw new OutboundError('BUSY', `Too many requests to ${host}, or to all hosts, are open`)
    if (waitFor('outbound', 'subject', host, rate) === 0) return leave
    leave()
    throw new OutboundError('BUSY', `${host} gets more requests than ${rate.perMinute} a minute`)
  }
}
