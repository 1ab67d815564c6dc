import type { HttpPortConfig } from '../http-port/config.ts'

/** A time in seconds: the default, and the bounds of the values that a caller may ask for. */
interface Lifetime {
  readonly default: number
  readonly min: number
  readonly max: number
}

/** What the discovery document says about the protocol. Times are in seconds. */
interface ProtocolFacts {
  readonly challengeTtlS: Lifetime
  readonly tokenTtlS: Lifetime
  readonly clockSkewS: number
  /** The longest lifetime of an operator assertion. */
  readonly assertionTtlMaxS: number
}

/** How the gateway listens, and what it says about itself. */
export interface GatewayConfig extends HttpPortConfig {
  /** The largest request body, in bytes. */
  readonly bodyLimit: number
  /** For how long the reader of a stream may read nothing, in milliseconds; 30,000 by default. */
  readonly maxStallMs?: number
  readonly protocol: ProtocolFacts
}

const ISSUER_PATH = /^(\/[A-Za-z0-9._~-]+)*$/

/** Returns the issuer's path; empty if it has none. Throws Error for a path that cannot be a route. */
export function issuerPath(baseUrl: string): string {
  const { pathname } = new URL(baseUrl)
  const path = pathname === '/' ? '' : pathname
  if (!ISSUER_PATH.test(path))
    throw new Error(`The path of the base URL ${baseUrl} must not contain characters that need encoding`)
  return path
}
