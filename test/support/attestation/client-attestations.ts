import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import { makeContext, NOW_S } from './appraisal-context.ts'
import { makeTestKey, signTestJwt, type TestKey } from './evidence-keys.ts'

/** The key of the Client Attester. */
export const ATTESTER_KEY = makeTestKey('ES256', 'attester')
/** The identity key of the agent. */
export const AGENT_KEY = makeTestKey('EdDSA', 'agent')
/** The context of an appraisal for the agent. */
export const AGENT_CONTEXT = makeContext(Buffer.from(AGENT_KEY.jwk.x ?? '', 'base64url'))

/** The public members of a key, as `cnf.jwk` has them. */
export function confirmedKey({ jwk: { kty, crv, x, y } }: Pick<TestKey, 'jwk'>) {
  return { jwk: { kty, crv, x, y } }
}

const ATTESTATION_CLAIMS = {
  sub: 'https://client.example',
  exp: NOW_S + 3_600,
  iat: NOW_S - 60,
  cnf: confirmedKey(AGENT_KEY),
  device: 'phone',
}
const POP_CLAIMS = {
  aud: AGENT_CONTEXT.issuer,
  jti: 'd25d00ab-552b-46fc-ae19-98f440f25064',
  iat: NOW_S,
  challenge: AGENT_CONTEXT.binding.nonce?.text,
}

/** Signs a Client Attestation JWT. A claim that is undefined is left out. */
export function signAttestation(claims: object = {}, header: object = {}, key = ATTESTER_KEY): string {
  return signTestJwt(key, { ...ATTESTATION_CLAIMS, ...claims }, { typ: 'oauth-client-attestation+jwt', ...header })
}

/** Signs a Client Attestation PoP JWT. A claim that is undefined is left out. */
export function signPop(claims: object = {}, header: object = {}, key = AGENT_KEY): string {
  const typ = 'oauth-client-attestation-pop+jwt'
  return signTestJwt(key, { ...POP_CLAIMS, ...claims }, { typ, kid: undefined, ...header })
}

/** Puts both JWTs together. */
export function clientEvidence(attestation = signAttestation(), pop = signPop(), others: object = {}): Uint8Array {
  return encodeUtf8(JSON.stringify({ attestation, pop, ...others }))
}
