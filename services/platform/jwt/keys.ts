import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { jwkSetEntries } from '@auth4agent/core/jose/jwk-set'
import { ApiError } from '../errors/api-error.ts'
import {
  type EvidenceAlgorithm,
  fits,
  importEvidenceKey,
  isEvidenceAlgorithm,
  type VerifySignature,
} from './algorithms.ts'

/** A public key that signs evidence. */
export interface EvidenceKey {
  readonly kid: string
  /** The names of its one algorithm. `EdDSA` and `Ed25519` name the same one. */
  readonly algs: readonly EvidenceAlgorithm[]
  readonly verify: VerifySignature
}

/** Public keys by their `kid`. */
export type EvidenceKeys = ReadonlyMap<string, EvidenceKey>

/** Which keys of a JWK Set count. */
export interface KeyRules {
  readonly algorithms: readonly EvidenceAlgorithm[]
  /** Accepted values of `use`. By default a key has `use` `sig`, or none. */
  readonly uses?: readonly (string | undefined)[]
}

/** The most keys of a JWK Set. */
export const MAX_KEYS = 32
const KID = /^[\x21-\x7e]{1,128}$/
const DEFAULT_USES = ['sig', undefined]
/** The members of a public key. Other members, such as `x5c`, say nothing that is believed here. */
const MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Reads the JWK Set that an operator has pinned. Every key must be usable: an operator who pins a key that can never
 * verify has made a mistake.
 *
 * @param member where the set is in the configuration, for messages
 * @throws ApiError INVALID_ATTESTOR
 */
export function readPinnedKeys(json: unknown, rules: KeyRules, member = 'config.keys'): EvidenceKeys {
  const entries = jwkSetEntries(json, MAX_KEYS)
  if (entries === undefined || entries.length < 1) {
    throw new ApiError('INVALID_ATTESTOR', `${member} must be a JWK Set of 1 to ${MAX_KEYS} keys`)
  }
  const keys = new Map<string, EvidenceKey>()
  for (const [at, entry] of entries.entries()) {
    const key = readKey(entry, rules)
    if (typeof key === 'string') throw new ApiError('INVALID_ATTESTOR', `Key ${at + 1} of ${member} ${key}`)
    if (keys.has(key.kid)) {
      throw new ApiError('INVALID_ATTESTOR', `${member} must not have two keys with the kid ${key.kid}`)
    }
    keys.set(key.kid, key)
  }
  return keys
}

/**
 * Reads a JWK Set that a server publishes. Skips keys that this version cannot use, and all keys of a `kid` that
 * occurs twice.
 *
 * @returns undefined if the value is not a JWK Set or has more than {@link MAX_KEYS} keys.
 */
export function readFetchedKeys(json: unknown, rules: KeyRules): EvidenceKeys | undefined {
  const entries = jwkSetEntries(json, MAX_KEYS)
  if (entries === undefined) return undefined
  const kids = entries.map((entry) => (isJsonObject(entry) ? entry['kid'] : undefined))
  const isOnlyOne = (kid: string) => kids.indexOf(kid) === kids.lastIndexOf(kid)
  const read = entries.map((entry) => readKey(entry, rules)).filter((key) => typeof key !== 'string')
  return new Map(read.filter(({ kid }) => isOnlyOne(kid)).map((key) => [key.kid, key]))
}

/** Returns the members of a JWK that are its public key. */
export function publicMembers(entry: JsonObject): JsonObject {
  return Object.fromEntries(MEMBERS.flatMap((name) => (Object.hasOwn(entry, name) ? [[name, entry[name]]] : [])))
}

/** Returns the key, or what would be right. */
function readKey(entry: unknown, { algorithms, uses = DEFAULT_USES }: KeyRules): EvidenceKey | string {
  if (!isJsonObject(entry)) return 'must be a JSON object'
  const { kid, use, key_ops: operations } = entry
  if (typeof kid !== 'string' || !KID.test(kid)) return 'must have a kid of 1 to 128 visible ASCII characters'
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(entry, name))) return 'must be a public key'
  if (!uses.some((each) => each === use)) return `must have the use ${uses.map((each) => each ?? 'none').join(' or ')}`
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'must have verify among its key_ops'
  }
  const algs = algorithmsOf(entry, algorithms)
  const [alg] = algs
  if (alg === undefined) return `must be a key of exactly one algorithm of: ${algorithms.join(', ')}`
  const verify = importEvidenceKey(alg, publicMembers(entry))
  if (verify === undefined) return 'must be a well-formed key of its curve, or of RSA with 2048 to 4096 bits'
  return { kid, algs, verify }
}

/**
 * The names of the algorithm of a key; none if it has no allowed one, or if it could serve two: then the sender of the
 * evidence would choose.
 */
function algorithmsOf(entry: JsonObject, allowed: readonly EvidenceAlgorithm[]): readonly EvidenceAlgorithm[] {
  const { alg } = entry
  if (alg !== undefined && !isEvidenceAlgorithm(alg)) return []
  const fitting = allowed.filter((each) => fits(each, entry) && (alg === undefined || each === alg))
  return fitting.length > 1 && entry['kty'] === 'RSA' ? [] : fitting
}
