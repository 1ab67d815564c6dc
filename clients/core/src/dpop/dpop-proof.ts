import { sha256Text } from '../encoding/sha256.ts'
import type { JsonObject } from '../encoding/strict-json.ts'
import { parseCompactJws } from '../jose/jws.ts'
import { jwsDemand } from '../jose/jws-demand.ts'
import { isUnixSeconds } from '../jose/numeric-date.ts'
import { normalizeHtu } from './htu.ts'
import { readProofKey } from './proof-key.ts'
import { DPOP_PROOF_TYPE } from './sign-dpop-proof.ts'

export { DPOP_PROOF_TYPE } from './sign-dpop-proof.ts'

/** JOSE algorithms of DPoP proofs, as published in `dpop_signing_alg_values_supported` (RFC 9449 section 5.1). */
export const DPOP_ALGORITHMS: readonly string[] = ['EdDSA', 'Ed25519', 'ES256']
/** Longest accepted text of a DPoP proof. */
export const MAX_DPOP_PROOF_BYTES = 4_096
/** How old `iat` may be in seconds, in addition to the clock skew. */
export const DPOP_WINDOW_S = 60

/**
 * The request that must have the proof, and the clock.
 *
 * @example
 * ```ts
 * import type { DpopRules } from '@auth4agent/core/dpop/dpop-proof'
 *
 * const rules: DpopRules = {
 *   method: 'POST',
 *   url: 'https://auth.example/oauth/token',
 *   nowS: Date.now() / 1_000,
 *   skewS: 10,
 * }
 * ```
 */
export interface DpopRules {
  /** The HTTP method of the request, compared exactly with `htm`. */
  readonly method: string
  /** The public URL of the request. Its query and fragment are ignored. */
  readonly url: string
  /** The verifier's clock, in Unix seconds. */
  readonly nowS: number
  /** Clock skew, in seconds. */
  readonly skewS: number
  /** The token that came with the proof: `ath` must be its SHA-256. Leave it out at the token endpoint. */
  readonly accessToken?: string | undefined
}

/** What a valid proof says. It may be a replay, which only a replay store can tell. */
export interface DpopProof {
  /** RFC 7638 thumbprint of the key that signed the proof. */
  readonly jkt: string
  /** The id for a replay store: SHA-256 of `jkt + '.' + jti`, 43 characters of base64url. */
  readonly id: string
  /** Unix seconds after which no verifier with this window and clock skew accepts the proof. */
  readonly expiresAtS: number
  /** The server's nonce that the proof repeats. The caller checks it. */
  readonly nonce: string | undefined
}

/** Why a proof is refused: a clause that says what would be right, such as `htm must be GET`. */
type DpopRefusal = { readonly ok: false; readonly demand: string }

type ProofClaims = { readonly jti: string; readonly iat: number; readonly nonce: string | undefined }

const JWS_RULES = {
  maxBytes: MAX_DPOP_PROOF_BYTES,
  algs: DPOP_ALGORITHMS,
  typs: [DPOP_PROOF_TYPE],
  kid: 'optional',
  jwk: 'required',
} as const
const JTI = /^[\x21-\x7e]{1,256}$/

/**
 * Checks a DPoP proof (RFC 9449 section 4.3): form, algorithm, key, signature, and that the proof is for this request,
 * this time and this token. The caller compares `jkt` with the token, checks `nonce`, and asks a replay store. Never
 * throws.
 *
 * @example
 * ```ts
 * import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
 *
 * const url = 'https://api.example/orders'
 * const proof = checkDpopProof(text, { method: 'GET', url, nowS: Date.now() / 1_000, skewS: 10, accessToken })
 * console.log(proof.ok ? proof.jkt : proof.demand)
 * ```
 */
export function checkDpopProof(text: string, rules: DpopRules): ({ readonly ok: true } & DpopProof) | DpopRefusal {
  const read = readUnverified(text, rules)
  if (!read.ok) return read
  const { jws, claims } = read
  // To import a new key takes up to a millisecond, so it comes last.
  const key = readProofKey(jws.header.alg, jws.header.jwk ?? {})
  if (key === undefined) return refuse('jwk must be a public Ed25519 or P-256 key that fits alg')
  if (!key.verify(jws.signingInput, jws.signature)) return refuse('the signature must be valid under jwk')
  const { jti, iat, nonce } = claims
  const id = sha256Text(`${key.jkt}.${jti}`, 'base64url')
  return { ok: true, jkt: key.jkt, id, expiresAtS: iat + DPOP_WINDOW_S + 2 * rules.skewS, nonce }
}

/**
 * Does the checks of {@link checkDpopProof} that need no signature, to refuse a proof before dearer checks. A proof
 * that passes is not valid yet: anybody can write it.
 *
 * @example
 * ```ts
 * import { checkDpopClaims } from '@auth4agent/core/dpop/dpop-proof'
 *
 * const url = 'https://api.example/orders'
 * const refusal = checkDpopClaims(text, { method: 'GET', url, nowS: Date.now() / 1_000, skewS: 10, accessToken })
 * if (refusal !== undefined) console.log(refusal.demand)
 * ```
 */
export function checkDpopClaims(text: string, rules: DpopRules): DpopRefusal | undefined {
  const read = readUnverified(text, rules)
  return read.ok ? undefined : read
}

function readUnverified(text: string, rules: DpopRules) {
  const jws = parseCompactJws(text, JWS_RULES)
  if (!jws.ok) return refuse(`the ${jws.part} ${jwsDemand(jws, JWS_RULES)}`)
  const claims = checkClaims(jws.payload, rules)
  return typeof claims === 'string' ? refuse(claims) : ({ ok: true, jws, claims } as const)
}

/** Returns the claims in use, or the sentence that says what would be right. */
function checkClaims(payload: JsonObject, rules: DpopRules): ProofClaims | string {
  const { jti, htm, htu, iat, ath, nonce } = payload
  if (typeof jti !== 'string' || !JTI.test(jti)) return 'jti must have 1 to 256 visible ASCII characters'
  if (htm !== rules.method) return `htm must be ${rules.method}`
  const url = normalizeHtu(rules.url)
  if (url === undefined) return 'the URL of the request must be an absolute http or https URL'
  if (typeof htu !== 'string' || normalizeHtu(htu) !== url) return `htu must be ${url}`
  const [first, last] = [Math.ceil(rules.nowS - DPOP_WINDOW_S - rules.skewS), Math.floor(rules.nowS + rules.skewS)]
  if (!(isUnixSeconds(iat) && iat >= first && iat <= last)) {
    return `iat must be a whole number from ${first} to ${last}`
  }
  const times = checkOptionalTimes(payload, rules)
  if (times !== undefined) return times
  if (rules.accessToken !== undefined && ath !== sha256Text(rules.accessToken, 'base64url')) {
    return 'ath must be the base64url SHA-256 of the access token, without padding'
  }
  if (nonce !== undefined && typeof nonce !== 'string') return 'nonce must be a string'
  return { jti, iat, nonce }
}

/** Checks the times that a proof need not have. Every JWT that has them must be within them (RFC 7519 section 4.1). */
function checkOptionalTimes({ exp, nbf }: JsonObject, { nowS, skewS }: DpopRules): string | undefined {
  if (exp !== undefined && !(isUnixSeconds(exp) && nowS < exp + skewS))
    return 'exp must be whole Unix seconds in the future'
  if (nbf !== undefined && !(isUnixSeconds(nbf) && nowS >= nbf - skewS))
    return 'nbf must be whole Unix seconds in the past'
  return undefined
}

function refuse(demand: string): DpopRefusal {
  return { ok: false, demand }
}
