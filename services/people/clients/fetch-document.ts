import { ApiError } from '../../platform/errors/api-error.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { Outbound } from '../../platform/outbound/outbound.ts'
import { OutboundError } from '../../platform/outbound/outbound-error.ts'
import { describeFailure } from '../describe-failure.ts'
import { type ClientDocument, readDocument, refusedDocument } from './domain/read-document.ts'

/** Dependencies of fetchDocument. */
export interface DocumentDeps {
  readonly outbound: Pick<Outbound, 'get'>
  readonly log: Pick<Logger, 'info'>
}

/** A document, and how long the client's server says that it stays fresh. */
export interface FetchedDocument {
  readonly document: ClientDocument
  /** Seconds; undefined if the answer does not say. */
  readonly maxAgeS: number | undefined
}

const JSON_TYPES = ['application/json'] as const
/** draft-ietf-oauth-client-id-metadata-document section 6.6. */
const MAX_BYTES = 5_120
const TIMEOUT_MS = 5_000
const RETRY_AFTER_S = 5
const PROBLEM = { document: 'cannot be fetched', keys: 'must have a jwks_uri that can be fetched' } as const

/**
 * Fetches the document of a URL client from its client id.
 *
 * @throws ApiError CLIENT_NOT_ACCEPTED, UNAVAILABLE
 */
export async function fetchDocument({ outbound, log }: DocumentDeps, clientId: string): Promise<FetchedDocument> {
  const limits = { accept: JSON_TYPES, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS }
  const { body, maxAgeS } = await outbound.get(clientId, limits).catch((error: unknown) => {
    if (!(error instanceof OutboundError)) throw error
    log.info({ clientId, error }, 'the document of a client could not be fetched')
    throw serverRefusal(error, 'document')
  })
  return { document: readDocument(clientId, body), maxAgeS }
}

/**
 * Returns what callers learn about a failed request to a client's server. An answer of a public server may be
 * described. Else all failures look the same, so that no stranger learns which names lead into the own network.
 */
export function serverRefusal(error: OutboundError, what: 'document' | 'keys'): ApiError {
  const { why, isLasting } = describeFailure(error)
  if (isLasting && error.why !== 'ADDRESS_REFUSED') return refusedDocument(`${PROBLEM[what]}: ${why}`)
  const detail = `The server of the client cannot be asked for its ${what} now`
  return new ApiError('UNAVAILABLE', detail, { isFault: false, retryAfter: RETRY_AFTER_S })
}
