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
    throw toApiError(error)
  })
  return { document: readDocument(clientId, body), maxAgeS }
}

/** Callers learn only why, because a message can name an address of the own network. */
function toApiError(error: OutboundError): ApiError {
  const { why, isLasting } = describeFailure(error)
  if (isLasting) return refusedDocument(`cannot be fetched: ${why}`)
  const detail = `The document of the client cannot be fetched now: ${why}`
  return new ApiError('UNAVAILABLE', detail, { isFault: false, retryAfter: RETRY_AFTER_S })
}
