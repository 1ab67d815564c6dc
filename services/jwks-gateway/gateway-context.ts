import type { Resources } from '../calls/resource.ts'
import type { Rpc } from '../calls/rpc.ts'
import type { OperationDeps } from '../operations/routes.ts'
import type { StatusRefusals } from '../platform/errors/status-refusal.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Tracing } from '../platform/trace/tracing.ts'
import { type GatewayConfig, issuerPath } from './config.ts'

/** Dependencies of the gateway. */
export interface GatewayDeps extends OperationDeps {
  readonly rpc: Rpc
  readonly config: GatewayConfig
  readonly log: Logger
  /** Undefined while tracing is off. */
  readonly tracing?: Tracing | undefined
  /**
   * For some methods: the representations besides plain JSON, and whether scripts of any origin may read the answers.
   */
  readonly representations: Resources
  /** For some methods: a function that makes a refusal of a negative answer, for callers that prefer a refusal. */
  readonly statusRefusals: StatusRefusals
  /** Counts a connection that the gateway closed because of a limit. */
  readonly connectionClosed: (port: string, reason: string) => void
}

/** The dependencies, and the values derived from them. */
export interface GatewayContext extends GatewayDeps {
  /** The path of the issuer's URL, or an empty string if the URL has no path. */
  readonly basePath: string
  /** Aborts when the gateway closes, which ends all streams. */
  readonly closing: AbortSignal
}

/** Adds the derived values. Throws Error for invalid settings. */
export function createContext(deps: GatewayDeps, closing: AbortSignal): GatewayContext {
  return { ...deps, closing, basePath: issuerPath(deps.config.baseUrl) }
}

/** Returns the public URL of a path, which may or may not begin with the issuer's path. */
export function publicUrl({ config, basePath }: Pick<GatewayContext, 'config' | 'basePath'>, path: string): string {
  return config.baseUrl + (basePath !== '' && path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path)
}

/** Returns the given path and, if the issuer has a path, also the given path below the issuer's path. */
export function underIssuer({ basePath }: Pick<GatewayContext, 'basePath'>, path: string): readonly string[] {
  return [...new Set([path, `${basePath}${path}`])]
}
