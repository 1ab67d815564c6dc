import { ApiError } from '../platform/errors/api-error.ts'
import { reasons } from '../platform/errors/reasons.ts'
import { type Span, traced } from '../platform/trace/span.ts'
import type { Principal } from './call.ts'
import type { UnaryRoute } from './rpc.ts'

/** Dependencies of complete. */
export interface CompleteDeps {
  /**
   * Resolves when every log follower of the deployment refuses the tokens that were ended. Returns the database server
   * that has confirmed it; undefined if its commits wait for no standby, so that it proves nothing.
   */
  readonly settle: (span: Span | undefined) => Promise<string | undefined>
  /**
   * Resolves when this call's change is as durable as the deployment demands, and returns the server as `settle` does.
   * Throws ApiError NOT_DURABLE.
   */
  readonly confirm: () => Promise<string | undefined>
}

/** What the handler of a call has told. */
export interface Told {
  /** The database servers from whose rows the call found that it has nothing to change. */
  readonly servers: Set<string>
  /** Whether the call has ended tokens, although its method usually does not. */
  hasEnded: boolean
}

/**
 * Waits until the change of a call holds: until no log follower accepts ended tokens, and until the change is as
 * durable as the deployment demands. It waits even if this call changed nothing, because it may repeat one that failed
 * while it waited.
 *
 * An old primary that stops can still show a change that no standby has, before its last sessions end. So if this call
 * found that the change was made before, the server that showed it must be the one that confirms.
 *
 * @throws ApiError UNAVAILABLE if another server confirms
 */
export async function complete(
  { settle, confirm }: CompleteDeps,
  { action, endsTokens }: Pick<UnaryRoute['policy'], 'action' | 'endsTokens'>,
  span: Span | undefined,
  { servers, hasEnded }: Told,
): Promise<void> {
  if (action === undefined && !hasEnded) return
  const server = endsTokens || hasEnded ? await traced(span, 'settle', settle) : await confirm()
  if (server === undefined || [...servers].every((each) => each === server)) return
  const detail = 'The change was found on a database server that is no longer the primary; try again'
  throw new ApiError('UNAVAILABLE', detail, { retryAfter: 1, isFault: false })
}

/**
 * Tells whether a refusal may be the answer to a repeated call, whose caller must then be able to rely on the change.
 */
export function isKnownRefusal({ kind }: Principal, { reason }: ApiError): boolean {
  return kind !== 'anonymous' && reasons[reason].status < 500 && reason !== 'RATE_LIMITED'
}
