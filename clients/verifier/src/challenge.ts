import { DPOP_ALGORITHMS } from '@auth4agent/core/dpop/dpop-proof'

/** The scheme of an Authorization header that the guard understands. */
export type Scheme = 'Bearer' | 'DPoP'

/** Why a request is refused, and the scheme that it used. */
export interface ChallengeError {
  /** Such as `invalid_token` (RFC 6750 section 3.1) or `invalid_dpop_proof` (RFC 9449 section 7.1). */
  readonly code: string
  /** Text for people. */
  readonly description: string
  readonly scheme: Scheme | undefined
}

/** What all challenges of one guard contain. */
export interface ChallengeOptions {
  /** The schemes that the guard accepts, in order. */
  readonly schemes: readonly Scheme[]
  /** The scopes that are needed, separated by spaces. */
  readonly scope: string | undefined
  /** The address of the resource's metadata (RFC 9728 section 5.1). */
  readonly resourceMetadata: string | undefined
  /** The name of the protected space. It is sent only if a challenge would otherwise have no parameter. */
  readonly realm: string
}

/**
 * Makes a function that writes `WWW-Authenticate`, with one challenge for each scheme. Bearer comes first, because
 * many clients read only a header that begins with it. The error is part of the challenge whose scheme the request
 * used, or of the first one.
 */
export function createChallenge(options: ChallengeOptions): (error?: ChallengeError) => string {
  const { schemes, scope, resourceMetadata } = options
  const common = [...parameter('scope', scope), ...parameter('resource_metadata', resourceMetadata)]
  return (error) => {
    const failed = error?.scheme !== undefined && schemes.includes(error.scheme) ? error.scheme : schemes[0]
    const challenges = schemes.map((scheme) => {
      const parameters = [
        ...(scheme === failed ? [...parameter('error', error?.code), ...errorDescription(error)] : []),
        ...(scheme === 'DPoP' ? ALGORITHMS : []),
        ...common,
      ]
      // RFC 6750 section 3 requires at least one parameter.
      return `${scheme} ${(parameters.length === 0 ? parameter('realm', options.realm) : parameters).join(', ')}`
    })
    return challenges.join(', ')
  }
}

const ALGORITHMS = parameter('algs', DPOP_ALGORITHMS.join(' '))

function errorDescription(error: ChallengeError | undefined): string[] {
  return parameter('error_description', error?.description)
}

function parameter(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${name}="${quotable(value)}"`]
}

/** Replaces characters that a quoted-string cannot contain unescaped (RFC 6750 section 3, RFC 9110 section 5.6.4). */
function quotable(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "'")
}
