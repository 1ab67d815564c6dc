import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { parseCompactJws } from '@auth4agent/core/jose/jws'
import { jwsDemand } from '@auth4agent/core/jose/jws-demand'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { verifySignedBy } from './chain-signatures.ts'
import type { EntityKeys } from './entity-keys.ts'
import { type FederationRefusal, quote, refuse } from './refusal.ts'

/** A JWK Set that its entity has signed. */
export interface SignedKeySet {
  /** The JWK Set, without the other claims. */
  readonly jwks: JsonObject
  /** When it was signed, in Unix seconds. */
  readonly iat: number
}

/** The longest accepted text, in bytes. */
export const MAX_KEY_SET_BYTES = 262_144
const RULES = { maxBytes: MAX_KEY_SET_BYTES, algs: TOKEN_ALGORITHMS, typs: ['jwk-set+jwt'] }

/**
 * Reads a signed JWK Set (OpenID Federation 1.0 section 5.2.1). One of the entity's federation keys must have signed
 * it. It must say when, although the specification does not demand that: an old set could otherwise be replayed.
 *
 * @param keys the keys of the entity that its trust chain attests
 * @param nowS the time, in Unix seconds
 */
export function readSignedKeySet(
  text: string,
  entityId: string,
  keys: EntityKeys,
  nowS: number,
): { readonly ok: true; readonly set: SignedKeySet } | FederationRefusal {
  const jws = parseCompactJws(text, RULES)
  if (!jws.ok) return refuse('JWS_REFUSED', `The ${jws.part} ${jwsDemand(jws, RULES)}`)
  const { keys: entries, iss, sub, iat, exp, crit } = jws.payload
  if (crit !== undefined) return refuse('CRIT_UNKNOWN', 'A signed JWK Set must have no critical claim')
  if (iss !== entityId || sub !== entityId) {
    return refuse('WRONG_STATEMENT', `The signed JWK Set must be by and about ${quote(entityId)}`)
  }
  if (!Array.isArray(entries) || !entries.every(isJsonObject)) {
    return refuse('KEYS_MALFORMED', 'The signed JWK Set must have the claim keys, a list of JWKs')
  }
  if (!isUnixSeconds(iat) || (exp !== undefined && !isUnixSeconds(exp))) {
    return refuse('CLAIM_MALFORMED', 'iat, and exp if there is one, must be whole Unix seconds')
  }
  if (exp !== undefined && exp <= nowS) return refuse('EXPIRED', 'exp must be in the future')
  return verifySignedBy(jws, keys) ?? { ok: true, set: { jwks: { keys: entries }, iat } }
}
