import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import {
  type JwsRefusal,
  type JwsRules,
  readJwsPayload,
  splitCompactJws,
  type UnreadJws,
} from '@auth4agent/core/jose/jws'
import { jwsDemand } from '@auth4agent/core/jose/jws-demand'
import type { EvidenceAlgorithm } from './algorithms.ts'
import type { EvidenceKey, EvidenceKeys } from './keys.ts'
import { RefusedEvidence } from './refused-evidence.ts'

/** What a type accepts as a JWT. */
export interface JwtRules {
  /** The noun in messages, such as `token`. */
  readonly name: string
  readonly maxBytes: number
  readonly algorithms: readonly EvidenceAlgorithm[]
  /** Compared exactly. An empty text accepts a header without `typ`. */
  readonly typs: readonly string[]
  /** By default, the header must have a `kid`. */
  readonly kid?: 'optional'
}

/** A JWT whose header is acceptable. Nothing of its payload is read before its signature is verified. */
export interface UnverifiedJwt {
  readonly jws: UnreadJws
  readonly rules: JwtRules
}

const ASCII = /^[\x21-\x7e]*$/

/** Returns evidence as a text of visible ASCII. A compact JWS has no other characters. */
export function readAscii(evidence: Uint8Array, name: string): string {
  const text = Buffer.from(evidence).toString('latin1')
  if (!ASCII.test(text)) throw new RefusedEvidence(`The ${name} must be visible ASCII without white space`)
  return text
}

/**
 * Opens a JWT in compact serialisation (RFC 7519, RFC 8725): canonical base64url, strict JSON, one of the allowed
 * asymmetric algorithms, a `kid`, no `crit`, no key in the header. Ignores `x5t`, because `kid` chooses the key.
 *
 * @throws RefusedEvidence
 */
export function openJwt(text: string, rules: JwtRules): UnverifiedJwt {
  const jwsRules: JwsRules = {
    maxBytes: rules.maxBytes,
    algs: rules.algorithms,
    typs: rules.typs,
    x5t: 'ignored',
    ...(rules.kid && { kid: rules.kid }),
  }
  const jws = splitCompactJws(text, jwsRules)
  if (!jws.ok) throw refusalOf(jws, jwsRules, rules.name)
  return { jws, rules }
}

/**
 * Verifies the signature by the given key, and then reads the payload, as strict JSON.
 *
 * @throws RefusedEvidence
 */
export function verifyJwt({ jws, rules }: UnverifiedJwt, key: Omit<EvidenceKey, 'kid'>): JsonObject {
  const { header, signingInput, signature, encodedPayload } = jws
  if (!key.algs.some((alg) => alg === header.alg)) {
    throw new RefusedEvidence(`The alg of the ${rules.name} must be that of its key: ${key.algs.join(' or ')}`)
  }
  if (!key.verify(signingInput, signature)) {
    throw new RefusedEvidence(`The ${rules.name} must have a valid signature of its key`)
  }
  const payload = readJwsPayload(encodedPayload)
  if (!payload.ok) throw refusalOf(payload, { maxBytes: 0, algs: [], typs: [] }, rules.name)
  return payload.value
}

/**
 * Returns the key that the JWT names by `kid`.
 *
 * @throws RefusedEvidence
 */
export function findKey({ jws, rules }: UnverifiedJwt, keys: EvidenceKeys): EvidenceKey {
  const key = keys.get(jws.header.kid)
  if (key === undefined) throw new RefusedEvidence(`The kid of the ${rules.name} must be that of a trusted key`)
  return key
}

/**
 * Returns the key that the JWT names by `kid`. A JWT without `kid` is for the only key of its issuer.
 *
 * @throws RefusedEvidence
 */
export function chooseKey(jwt: UnverifiedJwt, keys: EvidenceKeys): EvidenceKey {
  const { jws, rules } = jwt
  if (jws.header.kid !== '') return findKey(jwt, keys)
  const [only, ...others] = keys.values()
  if (only !== undefined && others.length === 0) return only
  throw new RefusedEvidence(`The ${rules.name} must have a kid, because its issuer does not have exactly one key`)
}

function refusalOf(refusal: JwsRefusal, rules: JwsRules, name: string): RefusedEvidence {
  const subject = refusal.part === 'text' ? `The ${name}` : `The ${refusal.part} of the ${name}`
  return new RefusedEvidence(`${subject} ${jwsDemand(refusal, rules)}`)
}
