import type { Ports } from '../../compose/start-listeners.ts'
import type { Snapshot } from '../../platform/metrics/aggregate.ts'
import type { Config } from '../configuration/config.ts'
import type { Secrets } from '../configuration/secrets.ts'

/** What a worker is to be. It comes from the primary, secrets too, so that all of a server have the same, whatever became of files. */
export interface Assignment {
  /** From 1; whoever replaces a worker takes its number over. */
  readonly number: number
  readonly config: Config
  readonly secrets: Secrets
  readonly databaseUrl: string
}

/** What the primary tells a worker, over the pipe between them. */
export type ToWorker =
  | { readonly kind: 'start'; readonly assignment: Assignment }
  /** Asks for what it has counted. */
  | { readonly kind: 'collect' }
  /** The metrics of all, for one that has asked; undefined when they cannot be told. */
  | { readonly kind: 'exposed'; readonly text: string | undefined }
  /** Drain, then end. */
  | { readonly kind: 'stop' }

/** What a worker tells the primary. */
export type ToPrimary =
  | { readonly kind: 'listening'; readonly ports: Ports }
  /** It cannot start, and says why in a sentence for the person at the terminal. */
  | { readonly kind: 'failed'; readonly sentence: string }
  | { readonly kind: 'collected'; readonly snapshot: Snapshot }
  /** Asks for the metrics of all. */
  | { readonly kind: 'expose' }
