import { readProofKey } from '../dpop/proof-key.ts'
import { type JwsRules, parseCompactJws } from '../jose/jws.ts'
import { jwsDemand } from '../jose/jws-demand.ts'
import type { PublicJwk } from '../jose/public-jwk.ts'
import { KEY_PROOF_TYPE } from './jws-types.ts'
import { type KeyEventRefusal, refuse } from './refusal.ts'

/** The place in a log for which a key proves itself. The proof has exactly these claims. */
export interface ProvenPlace {
  readonly did: string
  readonly seq: number
  readonly prev: string
  readonly iat: number
}

const NAMES = ['did', 'seq', 'prev', 'iat'] as const satisfies readonly (keyof ProvenPlace)[]
const RULES: Omit<JwsRules, 'algs'> = { maxBytes: 4096, typs: [KEY_PROOF_TYPE] }
const ALGS = { OKP: ['EdDSA', 'Ed25519'], EC: ['ES256'], RSA: [] } as const satisfies Record<PublicJwk['kty'], string[]>

/**
 * Checks that a new key has signed its own place in the log. Without this proof, an agent could take the key of
 * another party. Returns undefined if the proof is right.
 *
 * @param kid RFC 7638 thumbprint of the key
 * @example
 * ```ts
 * import { checkKeyProof } from '@auth4agent/core/key-events/key-proof'
 *
 * const refusal = checkKeyProof(proof, jwk, kid, { did, seq, prev, iat })
 * ```
 */
export function checkKeyProof(
  text: string,
  jwk: PublicJwk,
  kid: string,
  place: ProvenPlace,
): KeyEventRefusal | undefined {
  const rules = { ...RULES, algs: ALGS[jwk.kty] }
  const jws = parseCompactJws(text, rules)
  if (!jws.ok) return refuse('malformed', `the ${jws.part} of the proof ${jwsDemand(jws, rules)}`)
  if (jws.header.kid !== kid) return refuse('signature', 'kid of the proof must be the thumbprint of the new key')
  const isForPlace = NAMES.every((name) => jws.payload[name] === place[name])
  if (!isForPlace || Object.keys(jws.payload).length !== NAMES.length)
    return refuse('signature', `the proof must have exactly the claims ${NAMES.join(', ')} of its event`)
  const key = readProofKey(jws.header.alg, { ...jwk })
  if (key === undefined) return refuse('malformed', 'key must be a valid point of its curve')
  return key.verify(jws.signingInput, jws.signature)
    ? undefined
    : refuse('signature', 'the proof must be signed with the new key')
}
