/** Options of one call of an agent. */
export interface CallOptions {
  /** Stops the call. */
  readonly signal?: AbortSignal | undefined
}
