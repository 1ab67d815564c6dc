/**
 * The `reason` of an {@link Auth4AgentError} that the client raised itself. Its `status` is 0.
 *
 * | reason | meaning |
 * |---|---|
 * | `NETWORK_ERROR` | No server answered. |
 * | `UNEXPECTED_ANSWER` | The answer is not that of an Auth4Agent server, or not the one that was asked for. |
 * | `ISSUER_MISMATCH` | The server is not the one that was chosen. |
 * | `CHALLENGE_REFUSED` | The server wants a signature over something that was not asked for. |
 * | `WRONG_KEY` | A signature does not fit the signer's public key. |
 * | `INSECURE_ADDRESS` | A token would be sent over the network in clear. |
 * | `REDIRECT_REFUSED` | A redirect could not be followed. |
 * | `CLOSED` | The agent was closed. |
 * | `CONFIGURATION` | A file or key on this machine is missing or wrong. |
 */
export type ClientReason =
  | 'NETWORK_ERROR'
  | 'UNEXPECTED_ANSWER'
  | 'ISSUER_MISMATCH'
  | 'CHALLENGE_REFUSED'
  | 'WRONG_KEY'
  | 'INSECURE_ADDRESS'
  | 'REDIRECT_REFUSED'
  | 'CLOSED'
  | 'CONFIGURATION'

/**
 * The error of every call that fails: the server refused, or the client stopped by itself (see {@link ClientReason}).
 *
 * - `reason` is a stable code, the same on every transport.
 * - `status` is the HTTP status, or 0 without an answer.
 * - `retryAfterS` is the time in seconds that the server asks to wait.
 * - `message` is text for people.
 *
 * @example
 *
 * ```ts
 * import { Auth4AgentError } from '@auth4agent/sdk'
 *
 * try {
 *   await agent.token({ scopes: ['orders:delete'] })
 * } catch (error) {
 *   if (!(error instanceof Auth4AgentError)) throw error
 *   console.log(error.reason, error.status) // SCOPE_NOT_ALLOWED 403
 * }
 * ```
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

/** Makes an error that the client raises itself. */
export function clientError(reason: ClientReason, message: string, options?: ErrorOptions): Auth4AgentError {
  return new Auth4AgentError(message, { reason, status: 0 }, options)
}
