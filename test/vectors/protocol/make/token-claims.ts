import type { Edits } from './jws.ts'
import {
  AUDIENCE,
  DID,
  DOMAIN,
  NOW_S,
  OPERATOR_ID,
  OTHER_DID,
  OTHER_DOMAIN,
  OTHER_OPERATOR_ID,
  SIGNING_KEYS,
  UNPUBLISHED_KEY,
} from './parties.ts'
import { CLAIMS, changed, JTI, judgedBy, type Revocation, SKEW_S, type TokenCase } from './token-case.ts'

const { EdDSA, ES256 } = SIGNING_KEYS

const malformedClaims = (name: string, claims: Edits) => changed(name, 'MALFORMED_TOKEN', { claims })

const delegatedClaims = (name: string, claims: Edits) => changed(name, 'DELEGATION_NOT_ACCEPTED', { claims })

/** Makes tokens with a claim that is missing or malformed, or that says that another agent acts. */
export async function claimCases(): Promise<TokenCase[]> {
  const scopes = Array.from({ length: 65 }, (_, index) => `s${index}`).join(' ')
  return Promise.all([
    ...Object.keys(CLAIMS).map((claim) => malformedClaims(`no ${claim}`, { [claim]: undefined })),
    malformedClaims('sub that is not a DID', { sub: 'agent', client_id: 'agent' }),
    malformedClaims('sub in upper case', { sub: DID.toUpperCase(), client_id: DID.toUpperCase() }),
    malformedClaims('client_id that differs from sub', { client_id: OTHER_DID }),
    malformedClaims('aud that is a string', { aud: AUDIENCE }),
    malformedClaims('aud that is empty', { aud: [] }),
    malformedClaims('aud with an empty string', { aud: [AUDIENCE, ''] }),
    malformedClaims('aud with a number', { aud: [AUDIENCE, 1] }),
    malformedClaims('aud of 9 entries', {
      aud: Array.from({ length: 9 }, (_, index) => `https://${index}.example.com`),
    }),
    malformedClaims('scope that is an array', { scope: ['read'] }),
    malformedClaims('scope with two spaces', { scope: 'read  write' }),
    malformedClaims('scope with a trailing space', { scope: 'read ' }),
    malformedClaims('scope with a wildcard', { scope: '*' }),
    malformedClaims('scope with a quotation mark', { scope: '"read"' }),
    malformedClaims('scope of 65 different tokens', { scope: scopes }),
    malformedClaims('a scope token of 129 characters', { scope: 's'.repeat(129) }),
    malformedClaims('operator_id in upper case', { operator_id: OPERATOR_ID.toUpperCase() }),
    malformedClaims('operator_id that is not a UUID', { operator_id: DOMAIN }),
    malformedClaims('an empty jti', { jti: '' }),
    malformedClaims('jti of 65 characters', { jti: 'j'.repeat(65) }),
    malformedClaims('jti with a space', { jti: 'a b' }),
    malformedClaims('iat that is a string', { iat: String(NOW_S) }),
    malformedClaims('iat with a fraction', { iat: NOW_S - 0.5 }),
    malformedClaims('iat of 0', { iat: 0 }),
    malformedClaims('exp beyond the year 9999', { exp: 253_402_300_800 }),
    malformedClaims('exp equal to nbf', { exp: NOW_S }),
    malformedClaims('nbf before iat', { nbf: NOW_S - 1 }),
    malformedClaims('a lifetime of 3601 seconds', { exp: NOW_S + 3601 }),
    malformedClaims('epoch of one number', { epoch: [3] }),
    malformedClaims('epoch of three numbers', { epoch: [3, 2, 1] }),
    malformedClaims('epoch of 0', { epoch: [0, 2] }),
    malformedClaims('epoch of strings', { epoch: ['3', '2'] }),
    malformedClaims('epoch with a boolean', { epoch: [true, 2] }),
    malformedClaims('epoch beyond 31 bits', { epoch: [2_147_483_648, 2] }),
    delegatedClaims('act: the subject is not the caller', { act: { sub: OTHER_DID } }),
    delegatedClaims('act that is null', { act: null }),
    delegatedClaims('a4a_lineage without act', { a4a_lineage: [] }),
    delegatedClaims('act before a claim that is missing', { act: { sub: OTHER_DID }, jti: undefined }),
    malformedClaims('may_act without cnf', { may_act: { sub: OTHER_DID } }),
  ])
}

const judgedAt = (name: string, expect: string, now: number) => judgedBy(name, expect, { now })

/** Makes cases at the limits of the lifetime of a token. */
export async function timeCases(): Promise<TokenCase[]> {
  return [
    judgedAt('the last second, clock skew included', 'VALID', CLAIMS.exp + SKEW_S - 1),
    judgedAt('expired, clock skew included', 'TOKEN_EXPIRED', CLAIMS.exp + SKEW_S),
    judgedAt('the first second, clock skew included', 'VALID', CLAIMS.nbf - SKEW_S),
    judgedAt('not valid yet, clock skew included', 'TOKEN_NOT_YET_VALID', CLAIMS.nbf - SKEW_S - 1),
    await changed('before nbf, although after iat', 'TOKEN_NOT_YET_VALID', { claims: { nbf: NOW_S + 100 } }),
  ]
}

/** Makes cases of the requirements of a verifier: audience, operator and scope. */
export function requirementCases(): TokenCase[] {
  return [
    judgedBy('one of several audiences', 'VALID', { audience: ['https://b.example.com', AUDIENCE] }),
    judgedBy('another audience', 'AUDIENCE_MISMATCH', { audience: ['https://b.example.com'] }),
    judgedBy('the audience with a trailing slash', 'AUDIENCE_MISMATCH', { audience: [`${AUDIENCE}/`] }),
    judgedBy('the host of the audience', 'AUDIENCE_MISMATCH', { audience: ['api.example.com'] }),
    judgedBy('the operator by id', 'VALID', { operators: [OPERATOR_ID] }),
    judgedBy('the operator by domain', 'VALID', { operators: [OTHER_DOMAIN, DOMAIN] }),
    judgedBy('any operator', 'VALID', { operators: 'any' }),
    judgedBy('another operator by id', 'OPERATOR_NOT_TRUSTED', { operators: [OTHER_OPERATOR_ID] }),
    judgedBy('another operator by domain', 'OPERATOR_NOT_TRUSTED', { operators: [OTHER_DOMAIN] }),
    judgedBy('a subdomain of the operator', 'OPERATOR_NOT_TRUSTED', { operators: [`agents.${DOMAIN}`] }),
    judgedBy('one of the scopes of the token', 'VALID', { scope: 'write' }),
    judgedBy('all scopes of the token in another order', 'VALID', { scope: 'write read' }),
    judgedBy('a scope that the token does not have', 'SCOPE_MISSING', { scope: 'read payments' }),
    judgedBy('a scope in another case', 'SCOPE_MISSING', { scope: 'Read' }),
    judgedBy('the beginning of a scope', 'SCOPE_MISSING', { scope: 'rea' }),
  ]
}

const revocation = (kind: string, operator_id: string, subject: string, minimum_epoch: number): Revocation => ({
  kind,
  operator_id,
  subject,
  minimum_epoch,
})
const judgedAfter = (name: string, expect: string, ...revocations: readonly Revocation[]) =>
  judgedBy(name, expect, { revocations })

/** Makes cases of a good token and the revocations that a verifier knows. */
export function revocationCases(): TokenCase[] {
  return [
    judgedAfter('the token was revoked', 'TOKEN_REVOKED', revocation('token', OPERATOR_ID, JTI, 0)),
    judgedAfter('the jti was revoked under another operator', 'VALID', revocation('token', OTHER_OPERATOR_ID, JTI, 0)),
    judgedAfter('another jti was revoked', 'VALID', revocation('token', OPERATOR_ID, 'another', 0)),
    judgedAfter("the agent's epoch rose", 'AGENT_TOKENS_ENDED', revocation('agent', OPERATOR_ID, DID, 4)),
    judgedAfter("the agent's epoch equals the token's", 'VALID', revocation('agent', OPERATOR_ID, DID, 3)),
    judgedAfter("another agent's epoch rose", 'VALID', revocation('agent', OPERATOR_ID, OTHER_DID, 4)),
    judgedAfter(
      "the agent's epoch rose under another operator",
      'VALID',
      revocation('agent', OTHER_OPERATOR_ID, DID, 4),
    ),
    judgedAfter("the operator's epoch rose", 'OPERATOR_TOKENS_ENDED', revocation('operator', OPERATOR_ID, '', 3)),
    judgedAfter("the operator's epoch equals the token's", 'VALID', revocation('operator', OPERATOR_ID, '', 2)),
    judgedAfter("another operator's epoch rose", 'VALID', revocation('operator', OTHER_OPERATOR_ID, '', 3)),
    judgedAfter('all tokens of the deployment ended', 'OPERATOR_TOKENS_ENDED', revocation('deployment', '', '', 3)),
    judgedAfter('only tokens of older epochs ended in the deployment', 'VALID', revocation('deployment', '', '', 2)),
    judgedAfter('the signing key was marked as compromised', 'UNKNOWN_KEY', revocation('key', '', EdDSA.kid, 0)),
    judgedAfter('another signing key was marked as compromised', 'VALID', revocation('key', '', ES256.kid, 0)),
    judgedAfter(
      'a smaller epoch after a greater one changes nothing',
      'AGENT_TOKENS_ENDED',
      revocation('agent', OPERATOR_ID, DID, 5),
      revocation('agent', OPERATOR_ID, DID, 2),
    ),
  ]
}

/** Makes cases to which several verdicts apply. They show which verdict the verifier must give. */
export async function orderCases(): Promise<TokenCase[]> {
  const revocations = [{ kind: 'token', operator_id: OPERATOR_ID, subject: JTI, minimum_epoch: 0 }]
  const late = CLAIMS.exp + SKEW_S
  const other = { audience: ['https://b.example.com'] }
  return [
    await changed('an unknown key before another issuer', 'UNKNOWN_KEY', {
      key: UNPUBLISHED_KEY,
      claims: { iss: 'https://auth.example.org' },
    }),
    await changed(
      'another issuer before expiry',
      'WRONG_ISSUER',
      { claims: { iss: 'https://auth.example.org' } },
      { now: late },
    ),
    judgedBy('a signing key that was marked as compromised before expiry', 'UNKNOWN_KEY', {
      now: late,
      revocations: [{ kind: 'key', operator_id: '', subject: EdDSA.kid, minimum_epoch: 0 }],
    }),
    judgedBy('expiry before the audience', 'TOKEN_EXPIRED', { ...other, now: late }),
    judgedBy('the audience before the operator', 'AUDIENCE_MISMATCH', { ...other, operators: [OTHER_DOMAIN] }),
    judgedBy('the operator before the scope', 'OPERATOR_NOT_TRUSTED', { operators: [OTHER_DOMAIN], scope: 'x' }),
    judgedBy('the scope before revocation', 'SCOPE_MISSING', { scope: 'x', revocations }),
    judgedBy('expiry before revocation', 'TOKEN_EXPIRED', { now: late, revocations }),
  ]
}
