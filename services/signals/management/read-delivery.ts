import type { DeliveryRequest } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { OutboundError } from '../../platform/outbound/outbound-error.ts'
import { parseStoredTarget } from '../../platform/outbound/parse-target.ts'

/** URIs of the delivery methods (RFC 8935, RFC 8936). */
export const METHOD_URIS = { push: 'urn:ietf:rfc:8935', poll: 'urn:ietf:rfc:8936' } as const

/** How a receiver wants to get events, checked. */
export type Delivery =
  | { readonly method: 'push'; readonly endpointUrl: string; readonly authorization: string | undefined }
  | { readonly method: 'poll' }

const MAX_AUTHORIZATION = 4_096
/** The value of an HTTP header without leading or trailing blanks (RFC 9110 section 5.5), in ASCII. */
const FIELD_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

/**
 * Checks the `delivery` of a request. Without it, the stream is polled (SSF section 8.1.1.1).
 *
 * @param pollUrl where the stream is polled; undefined for a new stream
 * @throws ApiError INVALID_ARGUMENT
 */
export function readDelivery(
  request: DeliveryRequest | undefined,
  { pollUrl, testDomains }: { readonly pollUrl: string | undefined; readonly testDomains: boolean },
): Delivery {
  if (request === undefined) return { method: 'poll' }
  const { method, endpointUrl, authorizationHeader: header } = request
  if (method === METHOD_URIS.poll) {
    if (endpointUrl !== '' && endpointUrl !== pollUrl)
      throw invalid('endpoint_url is chosen by the server for the method poll')
    if (header !== '') throw invalid('authorization_header is only for the method push')
    return { method: 'poll' }
  }
  if (method !== METHOD_URIS.push) throw invalid(`method must be ${METHOD_URIS.push} or ${METHOD_URIS.poll}`)
  checkEndpoint(endpointUrl, testDomains)
  if (header === '') return { method: 'push', endpointUrl, authorization: undefined }
  if (header.length > MAX_AUTHORIZATION || !FIELD_VALUE.test(header)) {
    throw invalid(`authorization_header must be at most ${MAX_AUTHORIZATION} visible ASCII characters and blanks`)
  }
  return { method: 'push', endpointUrl, authorization: header }
}

function checkEndpoint(url: string, testDomains: boolean): void {
  try {
    parseStoredTarget(url, testDomains)
  } catch (error) {
    if (error instanceof OutboundError) throw invalid(`endpoint_url is not allowed: ${error.message}`)
    throw error
  }
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', `delivery.${detail}`)
}
