import type { Resources } from '../chain/resource.ts'
import type { Rpc } from '../chain/rpc.ts'
import type { OperationDeps } from '../operations/routes.ts'
import type { StatusRefusals } from '../platform/errors/status-refusal.ts'
import type { Logger } from '../platform/log/log.ts'
import { type GatewayConfig, issuerPath } from './config.ts'

/** What the gateway works with. */
export interface GatewayDeps extends OperationDeps {
  readonly rpc: Rpc
  readonly config: GatewayConfig
  readonly log: Logger
  /** What methods answer beside plain JSON, and which of them any script may read. */
  readonly representations: Resources
  /** How answers that say no are refused to callers who prefer that. */
  readonly statusRefusals: StatusRefusals
  /** Counts a connection that was closed to stay within the limits. */
  readonly connectionClosed: (port: string, reason: string) => void
}

/** The dependencies with what follows from them. */
export interface GatewayContext extends GatewayDeps {
  /** The issuer's path; empty when it has none. */
  readonly basePath: string
  /** Aborts when the gateway closes: streams end then. */
  readonly closing: AbortSignal
}

/** Adds what follows from the dependencies. Throws Error for settings that cannot be. */
export function createContext(deps: GatewayDeps, closing: AbortSignal): GatewayContext {
  return { ...deps, closing, basePath: issuerPath(deps.config.baseUrl) }
}

/** A path at the root, and under the issuer's path where the issuer has one. */
export function underIssuer({ basePath }: Pick<GatewayContext, 'basePath'>, path: string): readonly string[] {
  return [...new Set([path, `${basePath}${path}`])]
}
