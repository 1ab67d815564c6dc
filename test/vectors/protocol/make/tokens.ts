import {
  AUDIENCE,
  DOMAIN,
  describe,
  ISSUER,
  NOW_S,
  SIGNING_KEYS,
  UNPUBLISHED_KEY,
  type VectorSigningKey,
} from './parties.ts'
import { attestationCases } from './token-attestation.ts'
import { bindingCases } from './token-binding.ts'
import { CLAIMS, changed, headerOf, ofTexts, PAYLOAD, SKEW_S, type TokenCase, token } from './token-case.ts'
import { claimCases, orderCases, requirementCases, revocationCases, timeCases } from './token-claims.ts'
import { headerCases, jsonCases, textCases } from './token-form.ts'
import { checkOrderCases, limitCases, strictJsonCases } from './token-limits.ts'
import { IGNORED_KEYS, keyCases, signatureCases } from './token-signatures.ts'
import { trustCases } from './token-trust.ts'

const { EdDSA, ES256, RS256 } = SIGNING_KEYS

/**
 * Tokens of the committed file. An ECDSA signature is random, so the committed signature is kept as long as the signed
 * text is the same.
 */
export type Committed = readonly string[]

/** Makes tokens for every verdict of a verifier, and for each way in which a token can be malformed. */
export async function makeTokens(committed: Committed): Promise<object> {
  const es256 = await keptToken(committed)
  return {
    description: describe(
      'Access tokens and the verdict of an offline verifier.',
      '`verifier` contains the inputs of the verifier. The `verifier` of a case contains only the inputs that differ.',
      'A case without `token` has the token of the first case.',
      'A long token is in `token_pieces`, to be joined: `{"repeat": t, "times": n}` is n times t, also in `changed`.',
      '`changed` shows how the token differs from a good one. A member that is null there is left out.',
      'ES256 signatures are random, so making this file again keeps the ES256 signature that is in it.',
    ),
    jwks: { keys: jwks() },
    private_keys: [...Object.values(SIGNING_KEYS), UNPUBLISHED_KEY].map(({ kid, alg, privateJwk }) => ({
      kid,
      alg,
      jwk: privateJwk,
    })),
    verifier: {
      issuer: ISSUER,
      now: NOW_S + 60,
      clock_skew: SKEW_S,
      audience: [AUDIENCE],
      operators: [DOMAIN],
      scope: '',
      attestation: null,
      revocations: [],
    },
    good: { header: headerOf(EdDSA), claims: CLAIMS },
    cases: [
      ...(await goodTokens(es256)),
      ...(await textCases()),
      ...(await jsonCases()),
      ...(await headerCases()),
      ...(await keyCases()),
      ...(await signatureCases(es256)),
      ...(await claimCases()),
      ...(await bindingCases()),
      ...(await timeCases()),
      ...requirementCases(),
      ...revocationCases(),
      ...(await trustCases()),
      ...(await attestationCases()),
      ...(await orderCases()),
      ...(await checkOrderCases()),
      ...(await limitCases()),
      ...(await strictJsonCases()),
    ],
  }
}

const published = ({ publicJwk, alg, kid }: VectorSigningKey) => ({ ...publicJwk, alg, use: 'sig', kid })

function jwks(): object[] {
  return [...Object.values(SIGNING_KEYS).map(published), ...IGNORED_KEYS.map(({ entry }) => entry)]
}

async function goodTokens(es256: string): Promise<TokenCase[]> {
  const duplicateFree = PAYLOAD.slice(0, -1)
  return [
    await changed('EdDSA', 'VALID', {}),
    await changed('Ed25519 (RFC 9864)', 'VALID', { key: SIGNING_KEYS.Ed25519 }),
    { name: 'ES256', token: es256, expect: 'VALID' },
    await changed('RS256', 'VALID', { key: RS256 }),
    await changed('an unknown header member', 'VALID', { header: { note: 'new' } }),
    await changed('an unknown claim', 'VALID', { claims: { note: 'größer' } }),
    await changed('an empty scope', 'VALID', { claims: { scope: '' } }),
    await changed('several audiences', 'VALID', { claims: { aud: ['https://b.example.com', AUDIENCE] } }),
    await changed('the longest lifetime', 'VALID', { claims: { exp: NOW_S + 3600 } }),
    await ofTexts('claims in another order, with white space', 'VALID', {
      payload: JSON.stringify(Object.fromEntries(Object.entries(CLAIMS).toReversed()), null, 1),
    }),
    await ofTexts('whole numbers written with an exponent or a fraction', 'VALID', {
      payload: PAYLOAD.replaceAll(String(NOW_S), '1.8e9').replace(String(CLAIMS.exp), `${CLAIMS.exp}.0`),
    }),
    await ofTexts('a name and a value written with escapes', 'VALID', {
      payload: PAYLOAD.replace('"iss"', String.raw`"\u0069ss"`).replace('https:', String.raw`https\u003a`),
    }),
    await ofTexts('arrays nested 15 deep in an unknown claim', 'VALID', {
      payload: `${duplicateFree},"deep":${'['.repeat(15)}${']'.repeat(15)}}`,
    }),
  ]
}

/** Returns a token signed with ES256: the committed token, or a new one if the signed text has changed. */
async function keptToken(committed: Committed): Promise<string> {
  const fresh = await token({ key: ES256 })
  const signingInput = fresh.slice(0, fresh.lastIndexOf('.') + 1)
  return committed.find((text) => text.startsWith(signingInput)) ?? fresh
}
