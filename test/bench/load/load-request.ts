import type { Machine } from '../machine.ts'

/** A load in a closed loop: each connection sends its next request when it has the answer to the last one. */
export interface LoadRequest {
  readonly machine: Machine
  /** Scratch folder for files of the generator. */
  readonly folder: string
  readonly url: string
  readonly protocol: 'http' | 'grpc'
  readonly contentType: string
  /** Bodies in the order in which they are sent. `withProof` and `getWithToken` make other requests of them. */
  readonly bodies: readonly (string | Buffer)[]
  /** Whether each body may be sent only once. If false, the generator repeats the bodies. */
  readonly once: boolean
  readonly connections: number
  readonly seconds: number
}

/** The result of a load. */
export interface LoadResult {
  /** Number of answers. */
  readonly requests: number
  readonly seconds: number
  /** The largest possible number of requests that were sent, including those without an answer at the end. */
  readonly sent: number
  /** Answers other than 200 and 204, and requests without an answer. */
  readonly failures: number
  /** Whether there were too few bodies. The result is then useless. */
  readonly exhausted: boolean
  /** Bytes of answers, as the generator counts them. */
  readonly bytes: number
  readonly p50Us: number
  readonly p99Us: number
}
