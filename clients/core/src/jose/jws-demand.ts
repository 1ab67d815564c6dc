import type { JwsRefusal, JwsRules } from './jws.ts'

/** What would be right, by the reason why a JWS is refused. */
const DEMANDS: Readonly<Record<JwsRefusal['why'], (rules: JwsRules) => string>> = {
  size: ({ maxBytes }) => `must have at most ${maxBytes} bytes`,
  shape: () => 'must have three parts separated by dots: header.payload.signature',
  encoding: () => 'must be canonical base64url without padding',
  critical: () => 'must not have crit or b64',
  'foreign-key': ({ jwk }) =>
    jwk === undefined
      ? 'must not contain a key or the address of one, such as jwk or jku'
      : 'must contain a key as jwk, and no other key or address of one',
  alg: ({ algs }) => `must have the alg ${algs.join(' or ')}`,
  typ: ({ typs }) => `must have the typ ${typs.map((typ) => typ || 'none').join(' or ')}`,
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

/**
 * Returns what would be right for a text that is not a JWS of these rules. The caller puts the subject in front: the
 * text, or the part that the refusal names.
 *
 * @example
 * ```ts
 * import { parseCompactJws } from '@auth4agent/core/jose/jws'
 * import { jwsDemand } from '@auth4agent/core/jose/jws-demand'
 *
 * const jws = parseCompactJws(text, rules)
 * if (!jws.ok) console.log(`the ${jws.part} ${jwsDemand(jws, rules)}`) // 'the header must have the typ at+jwt'
 * ```
 */
export function jwsDemand({ why }: JwsRefusal, rules: JwsRules): string {
  return DEMANDS[why](rules)
}
