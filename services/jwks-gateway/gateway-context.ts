import type { Resources } from '../chain/resource.ts'
import type { Rpc } from '../chain/rpc.ts'
import type { OperationDeps } from '../operations/routes.ts'
import type { StatusRefusals } from '../platform/errors/status-refusal.ts'
import type { Logger } from '../platform/log/log.ts'
import { type GatewayConfig, issuerPath } from './config.ts'

/** Dependencies of the gateway. */
export interface GatewayDeps extends OperationDeps {
  readonly rpc: Rpc
  readonly config: GatewayConfig
  readonly log: Logger
  /** The representations that methods have besides plain JSON, and which of them scripts of any origin may read. */
  readonly representations: Resources
  /** How a negative answer becomes a refusal for callers who prefer that. */
  readonly statusRefusals: StatusRefusals
  /** Counts a connection that was closed to keep the limits. */
  readonly connectionClosed: (port: string, reason: string) => void
}

/** The dependencies, and the values derived from them. */
export interface GatewayContext extends GatewayDeps {
  /** The issuer's path; empty if it has none. */
  readonly basePath: string
  /** Aborts when the gateway closes, which ends all streams. */
  readonly closing: AbortSignal
}

/** Adds the derived values. Throws Error for invalid settings. */
export function createContext(deps: GatewayDeps, closing: AbortSignal): GatewayContext {
  return { ...deps, closing, basePath: issuerPath(deps.config.baseUrl) }
}

/** Returns a path at the root and, if the issuer has a path, under that path. */
export function underIssuer({ basePath }: Pick<GatewayContext, 'basePath'>, path: string): readonly string[] {
  return [...new Set([path, `${basePath}${path}`])]
}
