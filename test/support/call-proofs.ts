import { CALL_PROOF_TYPE } from '@auth4agent/core/delegation/sign-call-proof'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { canonicalJson } from '@auth4agent/core/encoding/canonical-json'
import type { CallProofRules } from '../../clients/verifier/src/check-call-proof.ts'
import { NOW_S } from './assertions.ts'
import { type EventKey, identityKey } from './key-events.ts'

/** The holder of the last grant. */
export const CALLER = identityKey('the caller of a tool')
export const MCP_ADDRESS = 'https://pay.acme.test/mcp'

/** The call that a good proof is for. */
export const CALL_RULES: CallProofRules = {
  leaf: { jti: 'grant-1', id: 'A'.repeat(43), jkt: CALLER.kid, publicJwk: CALLER.jwk },
  capabilities: [`${MCP_ADDRESS}#pay`],
  address: MCP_ADDRESS,
  args: { amount: 5, to: { name: 'Zoë', tags: ['b', 'a'] } },
  nowS: NOW_S,
  skewS: 10,
}

/** How a test changes a call proof. A member that is undefined is left out. */
export interface CallProofEdits {
  readonly header?: object
  readonly claims?: object
  readonly key?: Pick<EventKey, 'signNow'>
  /** Changes the JSON text of the claims. */
  readonly rewrite?: (json: string) => string
}

/** Signs a call proof for {@link CALL_RULES}, changed by `edits`. */
export function callProof({ header, claims, key = CALLER, rewrite = (json) => json }: CallProofEdits = {}): string {
  const { leaf, capabilities, address, args } = CALL_RULES
  const good = { jti: 'proof-1', iat: NOW_S, aat_id: leaf.jti, aat_hash: leaf.id, aat_tool: capabilities[0] }
  const edited: unknown = JSON.parse(JSON.stringify({ ...good, aat_aud: address, hta: args, ...claims }))
  const texts = [JSON.stringify({ alg: 'Ed25519', typ: CALL_PROOF_TYPE, ...header }), rewrite(canonicalJson(edited))]
  const signingInput = texts.map((text) => encodeBase64url(Buffer.from(text))).join('.')
  return `${signingInput}.${encodeBase64url(key.signNow(Buffer.from(signingInput)))}`
}
