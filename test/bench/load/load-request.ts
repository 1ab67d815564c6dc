import type { Machine } from '../machine.ts'

/** A load in a closed loop: each connection sends its next request when it has the answer to the last. */
export interface LoadRequest {
  readonly machine: Machine
  /** Scratch folder for what the generator reads and writes. */
  readonly folder: string
  readonly url: string
  readonly protocol: 'http' | 'grpc'
  readonly contentType: string
  /** Bodies in the order in which they are sent. */
  readonly bodies: readonly (string | Buffer)[]
  /** Whether each body may be sent once; else they are sent again and again. */
  readonly once: boolean
  readonly connections: number
  readonly seconds: number
}

/** What came of a load. */
export interface LoadResult {
  /** Answers that came. */
  readonly requests: number
  readonly seconds: number
  /** Requests that were sent, at most: those that were on their way at the end count here. */
  readonly sent: number
  /** Answers other than 200, and requests without one. */
  readonly failures: number
  /** Whether there were too few bodies; then the result means nothing. */
  readonly exhausted: boolean
  /** Bytes of answers, as far as the generator counts them. */
  readonly bytes: number
  readonly p50Us: number
  readonly p99Us: number
}
