import type { Ports } from '../../compose/listener.ts'
import type { Config } from '../../configuration/config.ts'
import type { Secrets } from '../../configuration/secrets.ts'
import type { Snapshot } from '../../platform/metrics/aggregate.ts'

/**
 * The configuration and the secrets of a worker. The primary process sends them, so that all workers use the same
 * values even if files change later.
 */
export interface Assignment {
  /** The number of the worker, from 1. A worker that replaces another one gets the same number. */
  readonly number: number
  readonly config: Config
  readonly secrets: Secrets
  readonly databaseUrl: string
}

/** Messages from the primary process to a worker, over the pipe between them. */
export type ToWorker =
  | { readonly kind: 'start'; readonly assignment: Assignment }
  /** Asks the worker for its metrics. */
  | { readonly kind: 'collect' }
  /** Answers `expose` with the metrics of all workers, or undefined if they could not be collected. */
  | { readonly kind: 'exposed'; readonly text: string | undefined }
  /** Asks the worker to drain and then to end. */
  | { readonly kind: 'stop' }

/** Messages from a worker to the primary process. */
export type ToPrimary =
  | { readonly kind: 'listening'; readonly ports: Ports }
  /** The worker cannot start. `sentence` tells the administrator why. */
  | { readonly kind: 'failed'; readonly sentence: string }
  | { readonly kind: 'collected'; readonly snapshot: Snapshot }
  /** Asks for the metrics of all workers. */
  | { readonly kind: 'expose' }
