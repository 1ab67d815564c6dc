import type { CustomFetch } from 'openid-client'
import type { Outbound } from '../../platform/outbound/outbound.ts'

const JSON_TYPES = ['application/json'] as const
const TIMEOUT_MS = 5_000

/**
 * Lets openid-client send its requests through the only part of the server that sends requests to other servers, with
 * all its limits. Every failure is an OutboundError.
 */
export function fetchThrough(outbound: Pick<Outbound, 'get'>): CustomFetch {
  return async (url, { method }) => {
    if (method !== 'GET') throw new TypeError(`A request to an identity provider must be a GET, not ${method}`)
    const { mediaType, body } = await outbound.get(url, { accept: JSON_TYPES, timeoutMs: TIMEOUT_MS })
    return new Response(Uint8Array.from(body), { headers: { 'content-type': mediaType } })
  }
}
