import type { JwsRefusal, JwsRules } from '@auth4agent/core/jose/jws'
import { jwsDemand } from '@auth4agent/core/jose/jws-demand'

/** Returns the sentence that says what would be right for an assertion that is not a JWS of these rules. */
export function assertionDemand(refusal: JwsRefusal, rules: JwsRules): string {
  const { part } = refusal
  return `The ${part === 'text' ? 'assertion' : `${part} of the assertion`} ${jwsDemand(refusal, rules)}`
}
