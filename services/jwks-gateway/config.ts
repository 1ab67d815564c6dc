import type { HttpPortConfig } from '../http-port/config.ts'

/** A lifetime in seconds: the default, and the smallest and largest value that a caller may request. */
interface Lifetime {
  readonly default: number
  readonly min: number
  readonly max: number
}

/** The times, in seconds, that the discovery document publishes. */
interface ProtocolFacts {
  readonly challengeTtlS: Lifetime
  readonly tokenTtlS: Lifetime
  readonly clockSkewS: number
  /** The longest lifetime of an operator assertion. */
  readonly assertionTtlMaxS: number
}

/** Settings of the gateway: how it listens, its limits, and the times in its discovery document. */
export interface GatewayConfig extends HttpPortConfig {
  /** The largest request body, in bytes. */
  readonly bodyLimit: number
  /** The time in milliseconds after which a stream is cut if its caller reads nothing. The default is 30,000. */
  readonly maxStallMs?: number
  readonly protocol: ProtocolFacts
  /** Whether this server confirms names under `.test` without DNS. The front page then uses such a name. */
  readonly testDomains?: boolean
  /** Whether clients may register themselves. */
  readonly openRegistration?: boolean
}

const ISSUER_PATH = /^(\/[A-Za-z0-9._~-]+)*$/

/**
 * Returns the path of the issuer's URL, or an empty string if the URL has no path. Throws Error if the path ends with
 * a slash or has other characters than letters, digits, `-`, `.`, `_`, `~` and `/`.
 */
export function issuerPath(baseUrl: string): string {
  const { pathname } = new URL(baseUrl)
  const path = pathname === '/' ? '' : pathname
  if (!ISSUER_PATH.test(path))
    throw new Error(
      `The path of the base URL ${baseUrl} may have only letters, digits and -._~/, and no slash at its end`,
    )
  return path
}
