import { canonicalJson } from '../encoding/canonical-json.ts'
import { isJsonValue } from '../encoding/json-value.ts'
import { type JsonObject, parseStrictJsonText } from '../encoding/strict-json.ts'
import { newJti, signJwsText } from '../identity/sign-jwt.ts'
import { type JwsSigner, signerJwk } from '../jose/signer-jwk.ts'
import { GRANT_ALGORITHM, type Hop } from './grant-types.ts'

/** `typ` of a call proof (draft-niyikiza-oauth-attenuating-agent-tokens-02 section 7.2). */
export const CALL_PROOF_TYPE = 'aat-pop+jwt'
/** The member of `_meta` in which a tool call of MCP carries its call proof. */
export const CALL_PROOF_MEMBER = 'auth4agent/aat_pop'

/** The tool call that a call proof is for. */
export interface ProvenCall {
  /** The last grant of the chain that is sent with the call. */
  readonly leaf: Pick<Hop, 'jti' | 'id'>
  /** The capability of the leaf that the call uses: `<audience>#<scope>`. The scope is the name of the tool. */
  readonly capability: string
  /** The address to which the call is sent, in the form of the URL standard. */
  readonly address: string
  /** The arguments of the call. */
  readonly args: JsonObject
}

/**
 * Signs a call proof: the JWT that shows that the holder of a chain makes one tool call, with exactly these arguments.
 * A DPoP proof names the URL of a request, which is the same for all tools of an MCP server. Each proof has a new
 * `jti`, because a server accepts it only once. Runs on every platform that has WebCrypto.
 *
 * @param signer the holder of the leaf.
 * @param nowS the signer's clock, in Unix seconds.
 * @throws TypeError if the arguments have a value that JSON cannot carry, a member `__proto__`, or more than 15 levels
 *   of lists and objects: every verifier would refuse the proof.
 * @throws RangeError if the key is not an Ed25519 key, or if the signature does not have 64 bytes.
 * @example
 * ```ts
 * import { signCallProof } from '@auth4agent/core/delegation/sign-call-proof'
 *
 * const address = 'https://pay.acme.test/mcp'
 * const call = { leaf, capability: `${address}#pay`, address, args: { amount: 5 } }
 * const proof = await signCallProof(signer, call, Date.now() / 1_000)
 * ```
 */
export async function signCallProof(signer: JwsSigner, call: ProvenCall, nowS: number): Promise<string> {
  const { leaf, capability, address, args } = call
  if (signer.alg === 'ES256') throw new RangeError('A call proof must be signed with an Ed25519 key')
  if (!isJsonValue(args)) throw new TypeError('args must be an object with values that JSON can carry')
  // Throws for a public key of the wrong form. Its signature could not be verified.
  signerJwk(signer)
  const claims = {
    jti: newJti(),
    iat: Math.floor(nowS),
    aat_id: leaf.jti,
    aat_hash: leaf.id,
    aat_tool: capability,
    aat_aud: address,
    hta: args,
  }
  const payload = canonicalJson(claims)
  const read = parseStrictJsonText(payload)
  if (!read.ok) throw new TypeError(`args must be strict JSON, nested at most 15 deep, but the fault is ${read.why}`)
  return signJwsText(signer, { alg: GRANT_ALGORITHM, typ: CALL_PROOF_TYPE }, payload)
}
