import type { CustomFetch, CustomFetchOptions } from 'openid-client'
import type { Outbound } from '../../platform/outbound/outbound.ts'

/** Metadata and answers for tokens, and key sets (RFC 7517 section 8.5). */
const JSON_TYPES = ['application/json', 'application/jwk-set+json'] as const
const TIMEOUT_MS = 5_000
/** Statuses of an error of the token endpoint (RFC 6749 section 5.2). */
const TOKEN_ERRORS = [400, 401] as const

/**
 * Lets openid-client send its requests through the only part of the server that sends requests to other servers, with
 * all its limits. Every failure is an OutboundError.
 *
 * @param operatorId the operator of the provider. Others may have a provider at the same host, with their own limits
 */
export function fetchThrough(outbound: Pick<Outbound, 'get' | 'post'>, operatorId: string): CustomFetch {
  const wanted = { accept: JSON_TYPES, timeoutMs: TIMEOUT_MS, party: `${operatorId} ` }
  return async (url, { method, headers, body }) => {
    if (method === 'GET') return answerOf({ status: 200, ...(await outbound.get(url, wanted)) })
    if (method !== 'POST' || !(body instanceof URLSearchParams)) {
      throw new TypeError(`A request to an identity provider must be a GET, or a POST of a form, not ${method}`)
    }
    const form = Object.fromEntries(body)
    return answerOf(await outbound.post(url, form, { ...wanted, ...authOf(headers), alsoStatus: TOKEN_ERRORS }))
  }
}

/** The only header that a request to a token endpoint needs, besides those that Outbound sets. */
function authOf({ authorization }: CustomFetchOptions['headers']) {
  return authorization === undefined ? {} : { headers: { authorization } }
}

function answerOf({ status, mediaType, body }: { status: number; mediaType: string; body: Uint8Array }): Response {
  return new Response(Uint8Array.from(body), { status, headers: { 'content-type': mediaType } })
}
