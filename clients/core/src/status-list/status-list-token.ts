import { decodeBase64url } from '../encoding/base64.ts'
import { isJsonObject, type JsonObject } from '../encoding/strict-json.ts'
import { readJwsPayload, splitCompactJws } from '../jose/jws.ts'
import { isUnixSeconds } from '../jose/numeric-date.ts'
import type { VerificationKey } from '../token/access-token.ts'
import { inflateZlib } from './inflate.ts'

/** `typ` of a Status List Token. */
const STATUS_LIST_TYPE = 'statuslist+jwt'
/** Media type of a Status List Token. */
export const STATUS_LIST_MEDIA_TYPE = 'application/statuslist+jwt'
/** Longest accepted text of a Status List Token, and longest list when it is inflated: 4 million places of 2 bits. */
export const MAX_STATUS_LIST_BYTES = 1_048_576

/** A verified status list. Times are in Unix seconds. */
export interface StatusList {
  readonly iat: number
  /** From this time on, the list says nothing any more. Infinity if the list does not say it. */
  readonly exp: number
  /** For how many seconds the list may be kept. Infinity if the list does not say it. */
  readonly ttlS: number
  /** The key that has signed the list. */
  readonly key: VerificationKey
  /** Number of places. */
  readonly size: number
  /** Returns the status at a place: 0 means valid. Undefined for a place that the list does not have. */
  readonly statusAt: (idx: number) => number | undefined
}

/**
 * Why a text is not the status list that a verifier wants. With each of them, nothing is known about any token.
 *
 * - `MALFORMED`: it is not a JWT of this type in canonical form, or a claim is missing or wrong.
 * - `ALGORITHM`, `UNKNOWN_KEY`, `SIGNATURE`: the issuer has not signed it with a key and algorithm of its own.
 * - `SUBJECT`, `ISSUER`: it is another list, or of another issuer.
 * - `NOT_YET_VALID`, `EXPIRED`: `iat` or `nbf` is in the future, or `exp` has passed.
 * - `COMPRESSION`, `TOO_LARGE`: the list is not a ZLIB stream, or it is too long.
 */
export type StatusListFault =
  | 'MALFORMED'
  | 'ALGORITHM'
  | 'UNKNOWN_KEY'
  | 'SIGNATURE'
  | 'SUBJECT'
  | 'ISSUER'
  | 'NOT_YET_VALID'
  | 'EXPIRED'
  | 'COMPRESSION'
  | 'TOO_LARGE'

/** The list, or why there is none. */
type ReadStatusList =
  | { readonly ok: true; readonly list: StatusList }
  | { readonly ok: false; readonly why: StatusListFault }

/** What a verifier knows and wants. Times are in seconds. */
export interface StatusListRules {
  /** The address of the list, which must be its `sub`. */
  readonly uri: string
  /** The issuer of the tokens. If the list names an issuer, it must be this one. */
  readonly issuer: string
  /** Algorithms that the issuer may use. */
  readonly algs: readonly string[]
  /** Finds a key of the issuer. */
  readonly findKey: (kid: string) => VerificationKey | undefined | Promise<VerificationKey | undefined>
  /** Returns the Unix time in seconds. */
  readonly nowS: () => number
  /** By how much the clocks of the issuer and the verifier may differ. */
  readonly skewS: number
}

const BITS: ReadonlySet<unknown> = new Set([1, 2, 4, 8])

/**
 * Verifies a Status List Token in JWT format (draft-ietf-oauth-status-list-21 section 5.1 and 8.3). It reads the
 * payload only after the signature was verified. It refuses a list with `aud`, because a verifier cannot know whether
 * it is meant. Rejects if `findKey` rejects.
 *
 * @example
 * ```ts
 * import { readStatusListToken } from '@auth4agent/core/status-list/status-list-token'
 *
 * const read = await readStatusListToken(text, { uri, issuer, algs: ['EdDSA'], findKey, nowS, skewS: 10 })
 * if (!read.ok) throw new Error(`The status list is refused: ${read.why}`)
 * console.log(read.list.statusAt(idx) === 0)
 * ```
 */
export async function readStatusListToken(text: string, rules: StatusListRules): Promise<ReadStatusList> {
  const jws = splitCompactJws(text, { maxBytes: MAX_STATUS_LIST_BYTES, algs: rules.algs, typs: [STATUS_LIST_TYPE] })
  if (!jws.ok) return refuse(jws.why === 'alg' ? 'ALGORITHM' : jws.why === 'size' ? 'TOO_LARGE' : 'MALFORMED')
  const key = await rules.findKey(jws.header.kid)
  if (key === undefined) return refuse('UNKNOWN_KEY')
  if (key.alg !== jws.header.alg) return refuse('ALGORITHM')
  if (!key.verify(jws.signingInput, jws.signature)) return refuse('SIGNATURE')
  const payload = readJwsPayload(jws.encodedPayload)
  const claims = payload.ok ? readClaims(payload.value) : undefined
  if (claims === undefined) return refuse('MALFORMED')
  const fault = checkClaims(claims, rules)
  if (fault !== undefined) return refuse(fault)
  const bytes = await inflateZlib(claims.compressed, MAX_STATUS_LIST_BYTES)
  if (typeof bytes === 'string') return refuse(bytes === 'size' ? 'TOO_LARGE' : 'COMPRESSION')
  const { iat, exp, ttlS, bits } = claims
  return { ok: true, list: { iat, exp, ttlS, key, size: (bytes.length * 8) / bits, statusAt: statusesOf(bytes, bits) } }
}

function refuse(why: StatusListFault): ReadStatusList {
  return { ok: false, why }
}

interface Claims {
  readonly sub: string
  readonly iss: string | undefined
  readonly iat: number
  readonly nbf: number
  readonly exp: number
  readonly ttlS: number
  readonly bits: number
  readonly compressed: Uint8Array
}

function readClaims(payload: JsonObject): Claims | undefined {
  const { sub, iss, iat, nbf = iat, exp = Number.POSITIVE_INFINITY, ttl = Number.POSITIVE_INFINITY } = payload
  const { status_list: list } = payload
  if (typeof sub !== 'string' || !(iss === undefined || typeof iss === 'string')) return undefined
  if (!isUnixSeconds(iat) || !isUnixSeconds(nbf)) return undefined
  if (exp !== Number.POSITIVE_INFINITY && !isUnixSeconds(exp)) return undefined
  // A lifetime is no time: it may have a fraction (section 5.1).
  if (typeof ttl !== 'number' || !(ttl > 0) || Object.hasOwn(payload, 'aud') || !isJsonObject(list)) return undefined
  const { bits, lst } = list
  if (typeof bits !== 'number' || !BITS.has(bits) || typeof lst !== 'string') return undefined
  const compressed = decodeBase64url(lst)
  return compressed && { sub, iss, iat, nbf, exp, ttlS: ttl, bits, compressed }
}

function checkClaims(claims: Claims, { uri, issuer, nowS, skewS }: StatusListRules): StatusListFault | undefined {
  if (claims.sub !== uri) return 'SUBJECT'
  if (claims.iss !== undefined && claims.iss !== issuer) return 'ISSUER'
  const now = nowS()
  if (Math.max(claims.iat, claims.nbf) > now + skewS) return 'NOT_YET_VALID'
  return now >= claims.exp ? 'EXPIRED' : undefined
}

/** The first place is in the lowest bits of the first byte (section 4.1). */
function statusesOf(bytes: Uint8Array, bits: number): StatusList['statusAt'] {
  const perByte = 8 / bits
  const mask = 2 ** bits - 1
  return (idx) => {
    if (!Number.isInteger(idx) || idx < 0) return undefined
    const byte = bytes[Math.floor(idx / perByte)]
    return byte === undefined ? undefined : (byte >> ((idx % perByte) * bits)) & mask
  }
}
