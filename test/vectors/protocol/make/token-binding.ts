import type { Edits } from './jws.ts'
import { DPOP_KEY, OPERATOR_ID, OTHER_DID } from './parties.ts'
import { changed, JTI, SKEW_S, type TokenCase } from './token-case.ts'

const { jkt } = DPOP_KEY

const withCnf = (name: string, cnf: unknown) => changed(name, 'MALFORMED_TOKEN', { claims: { cnf } })
const bound = (name: string, expect: string, verifier: Parameters<typeof changed>[3], claims: Edits = {}) =>
  changed(name, expect, { claims: { ...claims, cnf: { jkt } } }, verifier)
const withParty = (name: string, may_act: unknown) => bound(name, 'MALFORMED_TOKEN', undefined, { may_act })

/** Makes tokens that are bound to a key, for a verifier that gets no DPoP proof, and malformed bindings. */
export async function bindingCases(): Promise<TokenCase[]> {
  const revocations = [{ kind: 'token', operator_id: OPERATOR_ID, subject: JTI, minimum_epoch: 0 }]
  return Promise.all([
    bound('a token that is bound to a key, without a proof', 'PROOF_REQUIRED', undefined),
    bound('the scope before the binding', 'SCOPE_MISSING', { scope: 'x' }),
    bound('the binding before revocation', 'PROOF_REQUIRED', { revocations }),
    bound('expiry before the binding', 'TOKEN_EXPIRED', { now: 1_800_000_900 + SKEW_S }),
    bound('act beside cnf', 'DELEGATION_NOT_ACCEPTED', undefined, { act: { sub: OTHER_DID } }),
    bound('may_act beside cnf', 'PROOF_REQUIRED', undefined, { may_act: { sub: OTHER_DID } }),
    withParty('may_act that is null', null),
    withParty('may_act that is a string', OTHER_DID),
    withParty('may_act without members', {}),
    withParty('may_act with another member', { sub: OTHER_DID, client_id: OTHER_DID }),
    withParty('may_act that names no DID', { sub: 'agent' }),
    withCnf('cnf that is null', null),
    withCnf('cnf that is a string', jkt),
    withCnf('cnf that is an array', [{ jkt }]),
    withCnf('cnf without members', {}),
    withCnf('cnf with a certificate: x5t#S256', { 'x5t#S256': jkt }),
    withCnf('cnf with a key: jwk', { jwk: DPOP_KEY.jwk }),
    withCnf('cnf with jkt and another member', { jkt, kid: 'key-1' }),
    withCnf('jkt that is null', { jkt: null }),
    withCnf('jkt of 42 characters', { jkt: jkt.slice(1) }),
    withCnf('jkt of 44 characters', { jkt: `A${jkt}` }),
    withCnf('jkt with padding', { jkt: `${jkt}=` }),
    withCnf('jkt with unused bits set', { jkt: `${jkt.slice(0, -1)}${nextCharacter(jkt.at(-1) ?? '')}` }),
  ])
}

/** Returns the next character of base64url, which differs in the unused bits. */
function nextCharacter(character: string): string {
  return String.fromCharCode(character.charCodeAt(0) + 1)
}
