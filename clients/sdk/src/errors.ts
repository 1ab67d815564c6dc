/**
 * What a server answered instead of what was asked for. `reason` is stable and the same on every transport, `status` is the HTTP
 * status, `retryAfterS` what the server asks to wait, in seconds. `detail` is for people.
 */
export class Auth4AgentError extends Error {
  override readonly name = 'Auth4AgentError'
  readonly reason: string
  readonly status: number
  readonly retryAfterS: number | undefined

  constructor(
    message: string,
    { reason, status, retryAfterS }: { reason: string; status: number; retryAfterS?: number | undefined },
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.reason = reason
    this.status = status
    this.retryAfterS = retryAfterS
  }
}
