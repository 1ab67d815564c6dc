import { FeedError } from './feed.ts'
import { HttpError } from './http.ts'

/** A stable code of why waiting does not make a verifier ready. */
export type SetupReason =
  /** The issuer's document names another issuer, or an address of another origin. */
  | 'ISSUER_MISMATCH'
  /** The issuer has no document, no keys or no revocation log at the address (404, 410). */
  | 'NOT_FOUND'
  /** The issuer refuses the verifier, mostly its key for the revocation log (401, 403). */
  | 'ACCESS_REFUSED'
  /** The certificate is not one for this host that this process trusts. */
  | 'CERTIFICATE_REFUSED'
  /** The time that `ready` was given is over. `cause` is the last problem, where there was one. */
  | 'TIMED_OUT'

/** A verifier that does not become ready. Somebody has to change its options, or the issuer. */
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
/** A certificate that is not valid yet is left out: waiting mends it. */
const CERTIFICATE_CODES: ReadonlySet<unknown> = new Set([
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
/** Errors are wrapped two or three deep. */
const MAX_DEPTH = 8

/** The error as one that waiting does not mend; undefined for what may pass: a refused connection, a timeout, a 5xx. */
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

/** An error in one line: its message, and those of its causes. */
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

/** The code of an error of Node's. An error of several connections may have no message and only this. */
function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
