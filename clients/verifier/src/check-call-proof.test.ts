import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import { CALL_RULES, CALLER, type CallProofEdits, callProof, MCP_ADDRESS } from '../../../test/support/call-proofs.ts'
import { replacing } from '../../../test/support/grant-chains.ts'
import { identityKey, p256Key } from '../../../test/support/key-events.ts'
import { type CallProofRules, checkCallProof, MAX_CALL_PROOF_BYTES } from './check-call-proof.ts'

const check = (edits: CallProofEdits = {}, rules: Partial<CallProofRules> = {}) =>
  checkCallProof(callProof(edits), { ...CALL_RULES, ...rules })

it('checkCallProof returns what a replay store needs', () => {
  const id = createHash('sha256').update(`aat-pop+jwt.${CALLER.kid}.proof-1`).digest('base64url')
  expect(check()).toEqual({ ok: true, id, expiresAtS: NOW_S + 50 })
})

it.each<[string, CallProofEdits, Partial<CallProofRules>?]>([
  ['a kid in the header', { header: { kid: CALLER.kid } }],
  ['the oldest iat', { claims: { iat: NOW_S - 40 } }],
  ['the latest iat', { claims: { iat: NOW_S + 10 } }],
  ['the second of several capabilities', {}, { capabilities: ['https://pay.acme.test#pay', `${MCP_ADDRESS}#pay`] }],
  ['no arguments', { claims: { hta: {} } }, { args: {} }],
  ['arguments in another order', {}, { args: { to: { tags: ['b', 'a'], name: 'Zoë' }, amount: 5 } }],
  ['zero that the service reads as negative', { claims: { hta: { amount: 0 } } }, { args: { amount: -0 } }],
])('checkCallProof accepts %s', (_name, edits, rules) => {
  expect(check(edits, rules)).toMatchObject({ ok: true })
})

const ID = 'aat_id must be the jti of the last grant'
const HASH = 'aat_hash must be the SHA-256 of the signing input of the last grant'
const TOOL = `aat_tool must be ${MCP_ADDRESS}#pay`
const AUD = `aat_aud must be ${MCP_ADDRESS}`
const HTA = 'hta must be the arguments of the call'
const JTI = 'jti must have 1 to 256 visible ASCII characters'
const IAT = `iat must be a whole number from ${NOW_S - 40} to ${NOW_S + 10}`
const SIGNATURE = 'the signature must be valid under the key of the last grant'
const CANONICAL = 'the payload must be canonical JSON (RFC 8785)'
const args = { ...CALL_RULES.args }
const reversed = (json: string) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(json)).toReversed()))

it.each<[string, CallProofEdits, string, Partial<CallProofRules>?]>([
  ['the typ of a DPoP proof', { header: { typ: 'dpop+jwt' } }, 'the header must have the typ aat-pop+jwt'],
  ['the typ of a grant', { header: { typ: 'aat+jwt' } }, 'the header must have the typ aat-pop+jwt'],
  ['no typ', { header: { typ: undefined } }, 'the header must have the typ aat-pop+jwt'],
  ['the alg EdDSA', { header: { alg: 'EdDSA' } }, 'the header must have the alg Ed25519'],
  ['the alg none', { header: { alg: 'none' } }, 'the header must have the alg Ed25519'],
  ['the alg ES256', { header: { alg: 'ES256' }, key: p256Key('other') }, 'the header must have the alg Ed25519'],
  ['crit', { header: { crit: ['x'], x: 1 } }, 'the header must not have crit or b64'],
  [
    'a key in the header',
    { header: { jwk: CALLER.jwk } },
    'the header must not contain a key or the address of one, such as jwk or jku',
  ],
  ['a signature by another key', { key: identityKey('other') }, SIGNATURE],
  ['a signature by another key before it reads the payload', { key: identityKey('x'), rewrite: () => '{' }, SIGNATURE],
  ['a payload that is no JSON', { rewrite: () => '{' }, 'the payload must be JSON'],
  [
    'arguments twice',
    { rewrite: replacing('"hta":{', '"hta":{"amount":5,') },
    'the payload must not have two members of one name in an object',
  ],
  [
    'a member __proto__',
    { rewrite: replacing('"hta":{', '"hta":{"__proto__":{},') },
    'the payload must not have a member __proto__',
  ],
  ['white space', { rewrite: replacing('"hta":{', '"hta": {') }, CANONICAL],
  ['members in another order', { rewrite: reversed }, CANONICAL],
  ['a number in another form', { rewrite: replacing('"amount":5', '"amount":5.0') }, CANONICAL],
  ['an escape that is not needed', { rewrite: replacing('Zoë', 'Zo\\u00eb') }, CANONICAL],
  ['an unknown claim', { claims: { note: 1 } }, 'the proof must not have the claim "note"'],
  ['exp, which the draft does not have', { claims: { exp: NOW_S + 9 } }, 'the proof must not have the claim "exp"'],
  ['a nonce, because verifiers give none', { claims: { nonce: 'a' } }, 'the proof must not have the claim "nonce"'],
  ['no aat_id', { claims: { aat_id: undefined } }, ID],
  ['the jti of another grant', { claims: { aat_id: 'grant-0' } }, ID],
  ['no aat_hash', { claims: { aat_hash: undefined } }, HASH],
  ['the hash of another grant with the same jti', { claims: { aat_hash: 'B'.repeat(43) } }, HASH],
  ['a hash with padding', { claims: { aat_hash: `${'A'.repeat(43)}=` } }, HASH],
  ['no aat_tool', { claims: { aat_tool: undefined } }, TOOL],
  ['another tool', { claims: { aat_tool: `${MCP_ADDRESS}#refund` } }, TOOL],
  ['only the name of the tool', { claims: { aat_tool: 'pay' } }, TOOL],
  ['the tool in a list', { claims: { aat_tool: [`${MCP_ADDRESS}#pay`] } }, TOOL],
  ['no aat_aud', { claims: { aat_aud: undefined } }, AUD],
  ['another service', { claims: { aat_aud: 'https://other.acme.test/mcp' } }, AUD],
  ['the service with a query', { claims: { aat_aud: `${MCP_ADDRESS}?a=1` } }, AUD],
  ['the service in a list', { claims: { aat_aud: [MCP_ADDRESS] } }, AUD],
  ['no hta', { claims: { hta: undefined } }, HTA],
  ['another value', { claims: { hta: { ...args, amount: 6 } } }, HTA],
  ['a value of another type', { claims: { hta: { ...args, amount: '5' } } }, HTA],
  ['an argument less', { claims: { hta: { amount: 5 } } }, HTA],
  ['an argument more', { claims: { hta: { ...args, x: null } } }, HTA],
  ['a list in another order', { claims: { hta: { ...args, to: { name: 'Zoë', tags: ['a', 'b'] } } } }, HTA],
  ['text in another Unicode form', { claims: { hta: { ...args, to: { name: 'Zoe\u0308', tags: ['b', 'a'] } } } }, HTA],
  ['arguments in a list', { claims: { hta: [] } }, HTA, { args: {} }],
  [
    'arguments that JSON would change',
    { claims: { hta: { x: null } } },
    HTA,
    { args: { x: Number.POSITIVE_INFINITY } },
  ],
  ['no jti', { claims: { jti: undefined } }, JTI],
  ['an empty jti', { claims: { jti: '' } }, JTI],
  ['a jti of 257 characters', { claims: { jti: 'j'.repeat(257) } }, JTI],
  ['a jti with a space', { claims: { jti: 'a b' } }, JTI],
  ['no iat', { claims: { iat: undefined } }, IAT],
  ['iat that is too old', { claims: { iat: NOW_S - 41 } }, IAT],
  ['iat that is too far in the future', { claims: { iat: NOW_S + 11 } }, IAT],
  ['iat with a fraction', { claims: { iat: NOW_S + 0.5 } }, IAT],
  ['iat that is a text', { claims: { iat: String(NOW_S) } }, IAT],
])('checkCallProof refuses %s', (_name, edits, demand, rules) => {
  const refused = check(edits, rules)
  expect(refused).toEqual({ ok: false, demand: expect.stringContaining(demand) })
})

it('checkCallProof refuses every proof if no capability allows the call, and if the clock is not a number', () => {
  expect(check({}, { capabilities: [] }).ok).toBe(false)
  expect(check({}, { nowS: Number.NaN }).ok).toBe(false)
})

it.each([
  ['', 'the text must have three parts'],
  ['a.b', 'the text must have three parts'],
])('checkCallProof refuses the text "%s"', (text, demand) => {
  expect(checkCallProof(text, CALL_RULES)).toEqual({ ok: false, demand: expect.stringContaining(demand) })
})

it('checkCallProof refuses a text of more than 64 KiB', () => {
  const demand = `the text must have at most ${MAX_CALL_PROOF_BYTES} bytes`
  expect(checkCallProof('a'.repeat(MAX_CALL_PROOF_BYTES + 1), CALL_RULES)).toEqual({ ok: false, demand })
})
