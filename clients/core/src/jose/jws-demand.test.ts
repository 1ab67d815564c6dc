import { expect, it } from 'vitest'
import type { JwsRefusal, JwsRules } from './jws.ts'
import { jwsDemand } from './jws-demand.ts'

const RULES: JwsRules = { maxBytes: 4_096, algs: ['EdDSA', 'ES256'], typs: ['a+jwt', ''] }
const refusal = (part: JwsRefusal['part'], why: JwsRefusal['why']): JwsRefusal => ({ ok: false, part, why })

it.each([
  [refusal('text', 'size'), RULES, 'The assertion must have at most 4096 bytes'],
  [refusal('header', 'alg'), RULES, 'The header of the assertion must have the alg EdDSA or ES256'],
  [refusal('header', 'typ'), RULES, 'The header of the assertion must have the typ a+jwt or none'],
  [refusal('payload', 'syntax'), RULES, 'The payload of the assertion must be JSON'],
  [
    refusal('header', 'foreign-key'),
    RULES,
    'The header of the assertion must not contain a key or the address of one, such as jwk or jku',
  ],
  [
    refusal('header', 'foreign-key'),
    { ...RULES, jwk: 'required' as const },
    'The header of the assertion must contain a key as jwk, and no other key or address of one',
  ],
])('jwsDemand says what would be right: %j', (refused, rules, sentence) => {
  expect(jwsDemand('assertion', refused, rules)).toBe(sentence)
})
