/**
 * Why this side stopped, where no server refused: `reason` of an {@link Auth4AgentError} whose `status` is 0. `NETWORK_ERROR`: no
 * server answered. `UNEXPECTED_ANSWER`: what answered is no Auth4Agent server, or answered something else than was asked for.
 * `ISSUER_MISMATCH`: it is another server than the one that was chosen. `CHALLENGE_REFUSED`: it wants a signature over something
 * else than was asked for. `WRONG_KEY`: a signer's signature does not fit its public key. `INSECURE_ADDRESS`: a token would go over
 * the network in clear. `REDIRECT_REFUSED`: an answer led elsewhere, where a token must not go. `CLOSED`: the agent was closed.
 * `CONFIGURATION`: a file or key on this machine is missing or wrong.
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
 * What a server answered instead of what was asked for, or why none was asked: see {@link ClientReason}. `reason` is stable and the
 * same on every transport, `status` is the HTTP status, `retryAfterS` what the server asks to wait, in seconds. `message` is for
 * people.
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

/** An error of this side. */
export function clientError(reason: ClientReason, message: string, options?: ErrorOptions): Auth4AgentError {
  return new Auth4AgentError(message, { reason, status: 0 }, options)
}
