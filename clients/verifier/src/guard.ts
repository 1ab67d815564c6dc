import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Verifier } from './create-verifier.ts'
import { VerificationError } from './errors.ts'
import { createRequirements, WANTED_NAMES, type Wanted } from './wanted.ts'

/** Options of `protect`: the requirements for each request. */
export interface GuardOptions extends Wanted {
  /**
   * The address of the resource's metadata (RFC 9728 section 5.1). It is sent in `WWW-Authenticate` with each refusal.
   */
  readonly resourceMetadata?: string
}

const GUARD_NAMES: Names<GuardOptions> = { ...WANTED_NAMES, resourceMetadata: true }

/** A request that is accepted. */
export interface Granted {
  readonly claims: AccessTokenClaims
  readonly token: string
}

/** The answer to a request that is refused. */
export interface Refused {
  readonly status: 400 | 401 | 403 | 503
  readonly headers: Readonly<Record<string, string>>
  /** A problem document (RFC 9457). */
  readonly body: string
  /** Text for people. */
  readonly title: string
}

/** Decides about a request from all its Authorization headers. */
export type Guard = (authorization: readonly string[] | undefined) => Promise<Granted | Refused>

/** The value of an Authorization header with a bearer token (RFC 6750 section 2.1). */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i
/** The Retry-After of a 503, in seconds. */
const RETRY_AFTER_S = 1
/** Checks the requirements when the guard is made, before the first request. */
const checkWanted = createRequirements({ audience: [], operators: [], scope: [] })

/**
 * Makes a guard. It decides from exactly one Authorization header with one bearer token, and from nothing else in the
 * request.
 *
 * | answer | when |
 * |---|---|
 * | 400 `invalid_request` | several Authorization headers, or one without a bearer token |
 * | 401 without a code | no Authorization header |
 * | 401 `invalid_token` | the token is not valid |
 * | 403 `insufficient_scope` | the token lacks the scope |
 * | 503 | the verifier cannot decide now |
 *
 * The answers follow RFC 6750 section 3.1. Throws TypeError for invalid requirements.
 */
export function createGuard(verifier: Verifier, options: GuardOptions = {}): Guard {
  refuseUnknownNames('option', options, GUARD_NAMES)
  const { resourceMetadata, ...wanted } = options
  checkWanted(wanted)
  const metadata = resourceMetadata === undefined ? [] : [`resource_metadata="${quotable(resourceMetadata)}"`]
  const refuse = (status: 400 | 401 | 403, title: string, reason: string, parameters: readonly string[]): Refused => {
    const challenge = [...parameters, ...metadata].join(', ')
    const headers = { 'www-authenticate': challenge === '' ? 'Bearer' : `Bearer ${challenge}` }
    return refused(status, title, reason, headers)
  }
  const toRefusal = (error: unknown): Refused => {
    if (!(error instanceof VerificationError)) throw error
    const { reason, message } = error
    if (error.isTemporary) return refused(503, message, reason, { 'retry-after': String(RETRY_AFTER_S) })
    if (reason !== 'SCOPE_MISSING') return refuse(401, message, reason, errorCode('invalid_token', message))
    return refuse(403, message, reason, [...errorCode('insufficient_scope', message), `scope="${wanted.scope ?? ''}"`])
  }
  return async (authorization = []) => {
    const [header] = authorization
    if (header === undefined) return refuse(401, 'A bearer token is needed', 'UNAUTHENTICATED', [])
    const token = authorization.length === 1 ? BEARER.exec(header)?.[1] : undefined
    if (token === undefined) {
      const title = 'There must be one Authorization header with one bearer token'
      return refuse(400, title, 'INVALID_ARGUMENT', errorCode('invalid_request', title))
    }
    try {
      return { claims: await verifier.verify(token, wanted), token }
    } catch (error) {
      return toRefusal(error)
    }
  }
}

function refused(
  status: Refused['status'],
  title: string,
  reason: string,
  headers: Readonly<Record<string, string>>,
): Refused {
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body: JSON.stringify({ type: 'about:blank', title, status, reason }),
    title,
  }
}

function errorCode(code: string, description: string): string[] {
  return [`error="${code}"`, `error_description="${quotable(description)}"`]
}

/** Replaces characters that a quoted-string cannot contain unescaped (RFC 6750 section 3, RFC 9110 section 5.6.4). */
function quotable(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "'")
}
