import type { JwsRefusal, JwsRules } from '@auth4agent/core/jose/jws'

/** What would be right, by the reason why a JWS is refused. */
const DEMANDS: Readonly<Record<JwsRefusal['why'], (rules: JwsRules) => string>> = {
  size: ({ maxBytes }) => `must have at most ${maxBytes} bytes`,
  shape: () => 'must have three parts separated by dots: header.payload.signature',
  encoding: () => 'must be canonical base64url without padding',
  critical: () => 'must not have crit or b64',
  'foreign-key': () => 'must not contain a key or the address of one, such as jwk or jku',
  alg: ({ algs }) => `must have the alg ${algs.join(' or ')}`,
  typ: ({ typs }) => `must have the typ ${typs.join(' or ')}`,
  kid: () => 'must have a kid of 1 to 128 visible ASCII characters',
  utf8: () => 'must be UTF-8',
  syntax: () => 'must be JSON',
  'not-an-object': () => 'must be a JSON object',
  'duplicate-member': () => 'must not have two members of one name in an object',
  'forbidden-member': () => 'must not have a member __proto__',
  'lone-surrogate': () => 'must not have half of a surrogate pair in a string',
  'number-range': () => 'must not have a number that is too large for a double',
  depth: () => 'must not be nested deeper than 16 levels',
}

/** Returns the sentence that says what would be right for an assertion that is not a JWS of these rules. */
export function assertionDemand({ part, why }: JwsRefusal, rules: JwsRules): string {
  return `The ${part === 'text' ? 'assertion' : `${part} of the assertion`} ${DEMANDS[why](rules)}`
}
