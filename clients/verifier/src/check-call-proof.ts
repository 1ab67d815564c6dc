import { GRANT_ALGORITHM, type Hop } from '@auth4agent/core/delegation/grant-types'
import { importHolderKey } from '@auth4agent/core/delegation/holder-key'
import { quote } from '@auth4agent/core/delegation/refusal'
import { CALL_PROOF_TYPE } from '@auth4agent/core/delegation/sign-call-proof'
import { canonicalJson } from '@auth4agent/core/encoding/canonical-json'
import { isJsonValue } from '@auth4agent/core/encoding/json-value'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { readJwsPayload, splitCompactJws } from '@auth4agent/core/jose/jws'
import { jwsDemand } from '@auth4agent/core/jose/jws-demand'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'

/** Longest accepted text of a call proof. It contains the arguments of the call. */
export const MAX_CALL_PROOF_BYTES = 65_536
/** How old `iat` may be in seconds, in addition to the clock skew. */
const CALL_PROOF_WINDOW_S = 30

/** The tool call that must have the proof, and the clock. */
export interface CallProofRules {
  /** The last grant of the chain that came with the call. The chain must be verified. */
  readonly leaf: Pick<Hop, 'jti' | 'id' | 'jkt' | 'publicJwk'>
  /** The capabilities that allow the call, one for each audience of the service. The proof must name one of them. */
  readonly capabilities: readonly string[]
  /** The address of the service, in the form of the URL standard. */
  readonly address: string
  /** The arguments on which the tool acts. */
  readonly args: JsonObject
  /** The verifier's clock, in Unix seconds. */
  readonly nowS: number
  /** Clock skew, in seconds. */
  readonly skewS: number
}

/** What a replay store needs to know about a valid call proof. */
interface CallProof {
  /** SHA-256 of the key's thumbprint and `jti`, 43 characters of base64url. No DPoP proof has the same. */
  readonly id: string
  /** Unix seconds after which no verifier with this window and clock skew accepts the proof. */
  readonly expiresAtS: number
}

/** Why a proof is refused: a clause that says what would be right, such as `aat_id must be the jti of the leaf`. */
type CallProofRefusal = { readonly ok: false; readonly demand: string }

type Times = { readonly jti: string; readonly iat: number }

const JWS_RULES = {
  maxBytes: MAX_CALL_PROOF_BYTES,
  algs: [GRANT_ALGORITHM],
  typs: [CALL_PROOF_TYPE],
  kid: 'optional',
} as const
const CLAIMS: ReadonlySet<string> = new Set(['jti', 'iat', 'aat_id', 'aat_hash', 'aat_tool', 'aat_aud', 'hta'])
const JTI = /^[\x21-\x7e]{1,256}$/

/**
 * Checks a call proof (draft-niyikiza-oauth-attenuating-agent-tokens-02 section 8, step 7) in this order: form,
 * signature under the key of the leaf, and that the proof is for this leaf, this call and this time. The caller
 * verifies the chain before, and asks a replay store after. Never throws.
 *
 * Stricter than the draft: `aat_aud` is required, the payload must be canonical (RFC 8785), the algorithm is Ed25519,
 * and unknown claims are refused, because one of them may be a restriction.
 *
 * @example
 * ```ts
 * import { checkCallProof } from './check-call-proof.ts'
 *
 * const address = 'https://pay.acme.test/mcp'
 * const call = { leaf, capabilities: [`${address}#pay`], address, args: { amount: 5 } }
 * const proof = checkCallProof(text, { ...call, nowS: Date.now() / 1_000, skewS: 10 })
 * console.log(proof.ok ? proof.id : proof.demand)
 * ```
 */
export function checkCallProof(
  text: string,
  rules: CallProofRules,
): ({ readonly ok: true } & CallProof) | CallProofRefusal {
  const jws = splitCompactJws(text, JWS_RULES)
  if (!jws.ok) return refuse(`the ${jws.part} ${jwsDemand(jws, JWS_RULES)}`)
  const key = importHolderKey(rules.leaf.publicJwk)
  if (key?.verify(jws.signingInput, jws.signature) !== true)
    return refuse('the signature must be valid under the key of the last grant')
  const payload = readJwsPayload(jws.encodedPayload)
  if (!payload.ok) return refuse(`the ${payload.part} ${jwsDemand(payload, JWS_RULES)}`)
  if (payload.text !== canonicalJson(payload.value)) return refuse('the payload must be canonical JSON (RFC 8785)')
  const demand = demandOnClaims(payload.value, rules)
  if (demand !== undefined) return refuse(demand)
  const times = readTimes(payload.value, rules)
  if (typeof times === 'string') return refuse(times)
  const id = sha256Text(`${CALL_PROOF_TYPE}.${rules.leaf.jkt}.${times.jti}`, 'base64url')
  return { ok: true, id, expiresAtS: times.iat + CALL_PROOF_WINDOW_S + 2 * rules.skewS }
}

/** Returns what would be right, if the proof is for another leaf or another call. */
function demandOnClaims(claims: JsonObject, { leaf, capabilities, address, args }: CallProofRules): string | undefined {
  const unknown = Object.keys(claims).find((name) => !CLAIMS.has(name))
  if (unknown !== undefined) return `the proof must not have the claim ${quote(unknown)}`
  const { aat_id: id, aat_hash: hash, aat_tool: tool, aat_aud: audience, hta } = claims
  if (id !== leaf.jti) return 'aat_id must be the jti of the last grant'
  if (hash !== leaf.id) return 'aat_hash must be the SHA-256 of the signing input of the last grant'
  if (typeof tool !== 'string' || !capabilities.includes(tool)) return `aat_tool must be ${capabilities.join(' or ')}`
  if (audience !== address) return `aat_aud must be ${address}`
  if (!isJsonValue(args) || canonicalJson(hta) !== canonicalJson(args)) return 'hta must be the arguments of the call'
  return undefined
}

/** Returns the claims in use, or the sentence that says what would be right. */
function readTimes({ jti, iat }: JsonObject, { nowS, skewS }: CallProofRules): Times | string {
  if (typeof jti !== 'string' || !JTI.test(jti)) return 'jti must have 1 to 256 visible ASCII characters'
  const [first, last] = [Math.ceil(nowS - CALL_PROOF_WINDOW_S - skewS), Math.floor(nowS + skewS)]
  if (!(isUnixSeconds(iat) && iat >= first && iat <= last)) return `iat must be a whole number from ${first} to ${last}`
  return { jti, iat }
}

function refuse(demand: string): CallProofRefusal {
  return { ok: false, demand }
}
