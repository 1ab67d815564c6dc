import type { HttpPortConfig } from '../http-port/config.ts'

/** A span in seconds: what is used unless asked otherwise, and what can be asked for. */
interface Lifetime {
  readonly default: number
  readonly min: number
  readonly max: number
}

/** What the discovery document tells of the protocol, in seconds. */
interface ProtocolFacts {
  readonly challengeTtlS: Lifetime
  readonly tokenTtlS: Lifetime
  readonly clockSkewS: number
  /** Longest life of an operator's assertion. */
  readonly assertionTtlMaxS: number
}

/** How the gateway listens and what it says of itself. */
export interface GatewayConfig extends HttpPortConfig {
  /** Largest request body in bytes. */
  readonly bodyLimit: number
  /** How long the caller of a stream may read nothing of it, in milliseconds; 30 seconds unless told. */
  readonly maxStallMs?: number
  readonly protocol: ProtocolFacts
}

const ISSUER_PATH = /^(\/[A-Za-z0-9._~-]+)*$/

/** The issuer's path, empty when it has none. Throws Error for one that cannot be a route. */
export function issuerPath(baseUrl: string): string {
  const { pathname } = new URL(baseUrl)
  const path = pathname === '/' ? '' : pathname
  if (!ISSUER_PATH.test(path))
    throw new Error(`the path of the base URL ${baseUrl} holds characters that need encoding`)
  return path
}
