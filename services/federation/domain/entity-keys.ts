import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { jwkSetEntries } from '@auth4agent/core/jose/jwk-set'
import { jwkThumbprint, type PublicJwk, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { isTokenAlgorithm, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'

/** A key with which an entity signs its statements. */
export interface EntityKey {
  readonly kid: string
  readonly jwk: PublicJwk
  /** RFC 7638 thumbprint of `jwk`. */
  readonly thumbprint: string
  /** The only algorithm of the key. If undefined, the key serves every algorithm that fits its type. */
  readonly alg: TokenAlgorithm | undefined
}

/** The usable keys of an entity by their `kid`. */
export type EntityKeys = ReadonlyMap<string, EntityKey>

const MAX_KEYS = 32
/** Members of a public key, by `kty`. Other members of a JWK, such as `x5c`, are of no use here. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  OKP: ['kty', 'crv', 'x'],
  EC: ['kty', 'crv', 'x', 'y'],
  RSA: ['kty', 'n', 'e'],
}

/**
 * Reads the JWK Set of an entity (OpenID Federation 1.0 section 3.1.1). Each key must have a `kid` of its own; the
 * specification recommends the thumbprint, but demands neither it nor `use` and `alg`. Keys that this version cannot
 * use are skipped: other algorithms, other uses, private keys.
 *
 * @returns undefined if the value is not such a set or has more than 32 keys.
 */
export function readEntityKeys(json: unknown): EntityKeys | undefined {
  const entries = jwkSetEntries(json, MAX_KEYS)
  if (entries === undefined) return undefined
  const kids = new Set<string>()
  const keys = new Map<string, EntityKey>()
  for (const entry of entries) {
    if (!isJsonObject(entry)) return undefined
    const { kid } = entry
    if (typeof kid !== 'string' || kid === '' || kids.has(kid)) return undefined
    kids.add(kid)
    const key = readKey(kid, entry)
    if (key !== undefined) keys.set(kid, key)
  }
  return keys
}

function readKey(kid: string, entry: JsonObject): EntityKey | undefined {
  const { kty, use, alg } = entry
  if (use !== undefined && use !== 'sig') return undefined
  if (alg !== undefined && (typeof alg !== 'string' || !isTokenAlgorithm(alg))) return undefined
  if (Object.hasOwn(entry, 'd') || typeof kty !== 'string' || !Object.hasOwn(MEMBERS, kty)) return undefined
  const jwk = readPublicJwk(Object.fromEntries((MEMBERS[kty] ?? []).map((name) => [name, entry[name]])))
  return jwk && { kid, jwk, thumbprint: jwkThumbprint(jwk), alg }
}
