import { STATUS_BITS } from './status-bits.ts'

/** What a status list says beside its bits. */
interface ListFacts {
  readonly issuer: string
  /** URL of the list, as tokens contain it. */
  readonly url: string
  /** URL of the aggregation. */
  readonly aggregationUrl: string
  /** When its statuses were read, in Unix milliseconds. */
  readonly atMs: number
  readonly ttlS: number
}

/**
 * Builds the claims of a status list (Token Status List section 5.1). `iat` is when the statuses were read, so a
 * verifier that checks `exp` never believes a status for longer than `ttlS` and its clock skew.
 */
export function listClaims({ issuer, url, aggregationUrl, atMs, ttlS }: ListFacts, lst: string) {
  const iat = Math.floor(atMs / 1000)
  return {
    iss: issuer,
    sub: url,
    iat,
    exp: iat + ttlS,
    ttl: ttlS,
    status_list: { bits: STATUS_BITS, lst, aggregation_uri: aggregationUrl },
  }
}
