import { hasCanonicalNumbers } from '../encoding/canonical-numbers.ts'
import type { JsonObject } from '../encoding/strict-json.ts'
import { type JwsRefusal, type JwsRules, readJwsPayload, splitCompactJws, type UnreadJws } from '../jose/jws.ts'
import { jwsDemand } from '../jose/jws-demand.ts'
import { type GrantReason, type GrantRefusal, refuseGrant } from './refusal.ts'

/** The form of a signed text, its name in sentences, and the reason with which a malformed one is refused. */
export interface TextRules extends Readonly<JwsRules> {
  readonly name: string
  readonly reason: GrantReason
}

/**
 * Splits a grant or a holder statement. Verify its signature before {@link readPayload}.
 *
 * @example
 * ```ts
 * import { readPayload, splitText } from '@auth4agent/core/delegation/signed-text'
 *
 * const jws = splitText(text, rules)
 * const isSigned = jws.ok && key.verify(jws.signingInput, jws.signature)
 * const payload = isSigned ? readPayload(jws, rules) : undefined
 * ```
 */
export function splitText(text: string, rules: TextRules): UnreadJws | GrantRefusal {
  const jws = splitCompactJws(text, rules)
  return jws.ok ? jws : refuseJws(jws, rules)
}

/**
 * Reads the claims of a grant or a holder statement: strict JSON whose numbers are written as JSON.stringify writes
 * them, so that every parser reads the same claims.
 *
 * @example
 * ```ts
 * import { readPayload } from '@auth4agent/core/delegation/signed-text'
 *
 * const payload = readPayload(jws, rules)
 * if (payload.ok) console.log(payload.value)
 * ```
 */
export function readPayload(
  { encodedPayload }: UnreadJws,
  rules: TextRules,
): { readonly ok: true; readonly value: JsonObject } | GrantRefusal {
  const payload = readJwsPayload(encodedPayload)
  if (!payload.ok) return refuseJws(payload, rules)
  return hasCanonicalNumbers(payload.text)
    ? { ok: true, value: payload.value }
    : refuseGrant(rules.reason, `the numbers of ${rules.name} must be written as JSON.stringify writes them`)
}

function refuseJws(refusal: JwsRefusal, rules: TextRules): GrantRefusal {
  const reason = refusal.why === 'alg' ? 'UNSUPPORTED_ALGORITHM' : rules.reason
  return refuseGrant(reason, `the ${refusal.part} of ${rules.name} ${jwsDemand(refusal, rules)}`)
}
