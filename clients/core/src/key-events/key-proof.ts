import { readProofKey } from '../dpop/proof-key.ts'
import { isJsonObject, type JsonObject } from '../encoding/strict-json.ts'
import { type JwsRules, parseCompactJws } from '../jose/jws.ts'
import { jwsDemand } from '../jose/jws-demand.ts'
import type { PublicJwk } from '../jose/public-jwk.ts'
import { KEY_PROOF_TYPE } from './jws-types.ts'
import { type KeyEventRefusal, refuse } from './refusal.ts'

/** Longest accepted text of a proof. */
export const MAX_PROOF_BYTES = 4096

const RULES: Omit<JwsRules, 'algs'> = { maxBytes: MAX_PROOF_BYTES, typs: [KEY_PROOF_TYPE] }
const ALGS = { OKP: ['EdDSA', 'Ed25519'], EC: ['ES256'], RSA: [] } as const satisfies Record<PublicJwk['kty'], string[]>

/**
 * Checks that a new key has signed all claims of its event except `proof`. Without this proof, an agent could take the
 * key of another party. A proof of fewer claims would serve for another event: a move that waits is public, and an
 * identity key that was replaced can still sign. Returns undefined if the proof is right.
 *
 * @param kid RFC 7638 thumbprint of the key
 * @param payload the claims of the event as it was signed
 * @example
 * ```ts
 * import { checkKeyProof } from '@auth4agent/core/key-events/key-proof'
 *
 * const refusal = checkKeyProof(proof, jwk, kid, event.payload)
 * ```
 */
export function checkKeyProof(
  text: string,
  jwk: PublicJwk,
  kid: string,
  payload: JsonObject,
): KeyEventRefusal | undefined {
  const { proof: _, ...claims } = payload
  const rules = { ...RULES, algs: ALGS[jwk.kty] }
  const jws = parseCompactJws(text, rules)
  if (!jws.ok) return refuse('malformed', `the ${jws.part} of the proof ${jwsDemand(jws, rules)}`)
  if (jws.header.kid !== kid) return refuse('signature', 'kid of the proof must be the thumbprint of the new key')
  if (!isSame(jws.payload, claims))
    return refuse('signature', 'the proof must have exactly the claims of its event, without proof')
  const key = readProofKey(jws.header.alg, { ...jwk })
  if (key === undefined) return refuse('malformed', 'key must be a valid point of its curve')
  return key.verify(jws.signingInput, jws.signature)
    ? undefined
    : refuse('signature', 'the proof must be signed with the new key')
}

/** Compares JSON values: objects by their members in any order, other values by `===`. No claim is a list. */
function isSame(one: unknown, other: unknown): boolean {
  if (!isJsonObject(one) || !isJsonObject(other)) return one === other
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => isSame(one[name], other[name]))
}
