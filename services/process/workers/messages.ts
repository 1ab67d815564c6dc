import type { Ports } from '../../compose/start-listeners.ts'
import type { Snapshot } from '../../platform/metrics/aggregate.ts'
import type { Config } from '../configuration/config.ts'
import type { Secrets } from '../configuration/secrets.ts'

/**
 * The configuration of a worker. The primary process sends it with the secrets, so that all workers have the same ones
 * even if files have changed since.
 */
export interface Assignment {
  /** From 1. A replacement keeps the number of its predecessor. */
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
  /** Asks the worker to drain, then to end. */
  | { readonly kind: 'stop' }

/** Messages from a worker to the primary process. */
export type ToPrimary =
  | { readonly kind: 'listening'; readonly ports: Ports }
  /** The worker cannot start. `sentence` tells the administrator why. */
  | { readonly kind: 'failed'; readonly sentence: string }
  | { readonly kind: 'collected'; readonly snapshot: Snapshot }
  /** Asks for the metrics of all workers. */
  | { readonly kind: 'expose' }
