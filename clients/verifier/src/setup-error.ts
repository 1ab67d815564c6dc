import { FeedError } from '@auth4agent/core/revocation/feed'
import { HttpError } from './http.ts'

/** A stable code that says why a verifier did not become ready. */
export type SetupReason =
  /** The issuer's document names another issuer, or an address on another origin. */
  | 'ISSUER_MISMATCH'
  /** The issuer has no document, keys or revocation log at the address (404, 410). */
  | 'NOT_FOUND'
  /** The issuer refuses the verifier (401, 403), in most cases because of its key for the revocation log. */
  | 'ACCESS_REFUSED'
  /** The server's certificate is not for this host, has expired, or is not trusted by this process. */
  | 'CERTIFICATE_REFUSED'
  /** The timeout of `ready` is over. `cause` is the last problem, if there was one. */
  | 'TIMED_OUT'

/**
 * The error of `ready`: the timeout is over, or the verifier cannot become ready unless its options or the issuer
 * change. `reason` is a stable code.
 *
 * @example
 *
 * ```ts
 * import { SetupError } from '@auth4agent/verifier'
 *
 * try {
 *   await verifier.ready({ timeout: 30 })
 * } catch (error) {
 *   if (error instanceof SetupError) console.error(error.reason, error.message)
 *   process.exit(1)
 * }
 * ```
 */
export class SetupError extends Error {
  override readonly name = 'SetupError'
  readonly reason: SetupReason

  constructor(reason: SetupReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

const BY_STATUS: ReadonlyMap<number, SetupReason> = new Map([
  [401, 'ACCESS_REFUSED'],
  [403, 'ACCESS_REFUSED'],
  [404, 'NOT_FOUND'],
  [410, 'NOT_FOUND'],
])
/** Error codes of Node. CERT_NOT_YET_VALID is not in this list, because waiting solves that problem. */
const CERTIFICATE_CODES: ReadonlySet<unknown> = new Set([
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
/** The most causes of an error that are followed. Errors have two or three causes in practice. */
const MAX_DEPTH = 8

/**
 * Returns the error as a SetupError if waiting does not solve it. Returns undefined for a temporary problem: a refused
 * connection, a timeout, a 5xx.
 */
export function toSetupError(error: unknown): SetupError | undefined {
  for (const each of causesOf(error)) {
    if (each instanceof SetupError) return each
    const reason = toReason(each)
    if (reason !== undefined) return new SetupError(reason, describe(error), { cause: error })
  }
  return undefined
}

function toReason(error: unknown): SetupReason | undefined {
  if (error instanceof HttpError) return BY_STATUS.get(error.status)
  if (error instanceof FeedError && error.isRefusal) return 'ACCESS_REFUSED'
  return CERTIFICATE_CODES.has(codeOf(error)) ? 'CERTIFICATE_REFUSED' : undefined
}

/** Returns an error as one line: its message and those of its causes. */
export function describe(error: unknown): string {
  const messages = causesOf(error).map(
    (each) => (each instanceof Error && each.message) || String(codeOf(each) ?? each),
  )
  return [...new Set(messages)].join(': ').replaceAll(/\s+/g, ' ').slice(0, 500)
}

function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = []
  let next = error
  while (next !== undefined && causes.length < MAX_DEPTH && !causes.includes(next)) {
    causes.push(next)
    next = next instanceof Error ? next.cause : undefined
  }
  return causes
}

/** Returns the code of a Node error. The error of several connection attempts may have a code and no message. */
function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
