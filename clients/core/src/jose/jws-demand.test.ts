import { expect, it } from 'vitest'
import type { JwsRefusal, JwsRules } from './jws.ts'
import { jwsDemand } from './jws-demand.ts'

const RULES: JwsRules = { maxBytes: 4_096, algs: ['EdDSA', 'ES256'], typs: ['a+jwt', ''] }
const WITH_KEY: JwsRules = { ...RULES, jwk: 'required' }
const refusal = (part: JwsRefusal['part'], why: JwsRefusal['why']): JwsRefusal => ({ ok: false, part, why })

it.each([
  [refusal('text', 'size'), RULES, 'must have at most 4096 bytes'],
  [refusal('header', 'alg'), RULES, 'must have the alg EdDSA or ES256'],
  [refusal('header', 'typ'), RULES, 'must have the typ a+jwt or none'],
  [refusal('payload', 'syntax'), RULES, 'must be JSON'],
  [refusal('header', 'foreign-key'), RULES, 'must not contain a key or the address of one, such as jwk or jku'],
  [refusal('header', 'foreign-key'), WITH_KEY, 'must contain a key as jwk, and no other key or address of one'],
])('jwsDemand says what would be right: %j', (refused, rules, demand) => {
  expect(jwsDemand(refused, rules)).toBe(demand)
})
