/**
 * The `reason` of an {@link Auth4AgentError} that the client raised itself. The `status` is then 0, except that
 * `UNEXPECTED_ANSWER` may have the HTTP status of the answer. A grant that the client refuses by the rules of grants
 * has the reason of that rule, such as `CONSTRAINT_WIDENED`.
 *
 * | reason | meaning |
 * |---|---|
 * | `NETWORK_ERROR` | No server answered. |
 * | `UNEXPECTED_ANSWER` | An answer does not match the request, or is of no Auth4Agent server or about another API. |
 * | `ISSUER_MISMATCH` | The server names another issuer than the expected one. |
 * | `CHALLENGE_REFUSED` | The challenge does not match the request, so the client did not sign it. |
 * | `WRONG_KEY` | A signature does not fit the signer's public key. |
 * | `INSECURE_ADDRESS` | A token would be sent over the network without encryption. |
 * | `REDIRECT_REFUSED` | A redirect could not be followed. |
 * | `CLOSED` | The agent was closed. |
 * | `UNTRUSTED_MANIFEST` | The manifest of an operator's keys is not signed by a known root key. |
 * | `GRANT_NOT_HELD` | A grant is for another agent, or for a key that the agent no longer has. |
 * | `DEPLOYMENT_NOT_ALLOWED` | An API accepts only tokens of deployments that are not in `otherDeployments`. |
 * | `EVIDENCE_UNAVAILABLE` | A source of evidence for an attestation has failed. |
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
  | 'UNTRUSTED_MANIFEST'
  | 'GRANT_NOT_HELD'
  | 'DEPLOYMENT_NOT_ALLOWED'
  | 'EVIDENCE_UNAVAILABLE'
  | 'CONFIGURATION'

/**
 * The error of a call that failed: the server refused the call, or the client raised the error itself (see
 * {@link ClientReason}).
 *
 * - `reason` is a stable code, the same on every transport.
 * - `status` is the HTTP status of the server's answer, or 0 if the client raised the error.
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
