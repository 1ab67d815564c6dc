import { isJsonObject, type JsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { type EvidenceAlgorithm, importEvidenceKey } from '../../../platform/jwt/algorithms.ts'
import { checkTimes, readAudiences, requireText } from '../../../platform/jwt/claims.ts'
import { findKey, openJwt, verifyJwt } from '../../../platform/jwt/jwt.ts'
import { type EvidenceKey, publicMembers } from '../../../platform/jwt/keys.ts'
import { type Appraisal, type AppraisalContext, type AttestorType, RefusedEvidence } from '../attestor-type.ts'
import { pickClaim } from '../pick-claims.ts'
import { type ClientAttestationConfig, parseClientAttestationConfig } from './config.ts'

const MAX_BYTES = 16_384
const ATTESTATION = { name: 'client attestation', typs: ['oauth-client-attestation+jwt'] } as const
const POP = { name: 'PoP', typs: ['oauth-client-attestation-pop+jwt'] } as const
const POP_ALGORITHMS: readonly EvidenceAlgorithm[] = ['EdDSA', 'Ed25519']
const POP_MAX_AGE_MS = 300_000
const MAX_JTI = 128
/** Members of `cnf.jwk`. A private key would have more. */
const JWK_MEMBERS = new Set(['kty', 'crv', 'x', 'use', 'alg', 'kid'])

/**
 * Creates the type `client-attestation`: OAuth 2.0 Attestation-Based Client Authentication (draft 10). A Client
 * Attester that the operator trusts names the agent's key, and the agent's key signs a proof of possession with the
 * nonce of the request.
 */
export function createClientAttestation(): AttestorType<ClientAttestationConfig> {
  return {
    parseConfig: parseClientAttestationConfig,
    appraise: (config, evidence, context) => Promise.try(() => appraise(config, evidence, context)),
  }
}

function appraise(config: ClientAttestationConfig, evidence: Uint8Array, context: AppraisalContext): Appraisal {
  const { attestation, pop } = readEvidence(evidence)
  const claims = verifyAttestation(config, attestation)
  const { expiresAt } = checkTimes(claims, { name: ATTESTATION.name, needs: ['exp'] }, context)
  const clientId = readClientId(claims, config)
  const key = readConfirmedKey(claims, context)
  const use = checkPop(verifyPop(pop, key), context)
  const shown = config.claims.flatMap((name) => {
    const claim = pickClaim(claims, name, ATTESTATION.name)
    return claim === undefined ? [] : [[name, claim] as const]
  })
  return { claims: { ...Object.fromEntries(shown), client_id: clientId }, level: 'bound', expiresAt, uses: [use] }
}

function readEvidence(evidence: Uint8Array): { readonly attestation: string; readonly pop: string } {
  if (evidence.length > 2 * MAX_BYTES) throw refusal('evidence', `must have at most ${2 * MAX_BYTES} bytes`)
  const json = parseStrictJson(evidence)
  if (!json.ok) throw refusal('evidence', `must be a strict JSON object: ${json.why}`)
  const { attestation, pop, ...others } = json.value
  if (typeof attestation === 'string' && typeof pop === 'string' && Object.keys(others).length === 0) {
    return { attestation, pop }
  }
  throw refusal('evidence', 'must have the members attestation and pop, which are texts, and no others')
}

function verifyAttestation({ keys, algorithms }: ClientAttestationConfig, text: string): JsonObject {
  const jwt = openJwt(text, { ...ATTESTATION, maxBytes: MAX_BYTES, algorithms })
  return verifyJwt(jwt, findKey(jwt, keys))
}

/** No attester can know the DID that a new agent will have, so `sub` names only the client. */
function readClientId(claims: JsonObject, { clientIds }: ClientAttestationConfig): string {
  const clientId = pickClaim(claims, 'sub', ATTESTATION.name)
  if (typeof clientId !== 'string' || clientId === '') throw refusal(ATTESTATION.name, 'must have a sub that is a text')
  if (clientIds?.includes(clientId) === false) {
    throw refusal(ATTESTATION.name, 'must have a sub that the attestor accepts')
  }
  return clientId
}

/** Returns the key in `cnf` (RFC 7800 section 3.2). It must be the agent's identity key. */
function readConfirmedKey(claims: JsonObject, { binding }: AppraisalContext): Omit<EvidenceKey, 'kid'> {
  const cnf = claims['cnf']
  const entry = isJsonObject(cnf) && Object.keys(cnf).length === 1 ? cnf['jwk'] : undefined
  if (!isJsonObject(entry) || Object.keys(entry).some((name) => !JWK_MEMBERS.has(name))) {
    throw refusal(ATTESTATION.name, 'must have a cnf with one member, jwk, which is a public key')
  }
  const jwk = readPublicJwk(publicMembers(entry))
  const verify = jwk && importEvidenceKey('Ed25519', jwk)
  if (jwk === undefined || verify === undefined || jwkThumbprint(jwk) !== binding.thumbprint) {
    throw refusal(ATTESTATION.name, "must have the agent's identity key as cnf.jwk")
  }
  return { algs: POP_ALGORITHMS, verify }
}

function verifyPop(text: string, key: Omit<EvidenceKey, 'kid'>): JsonObject {
  const rules = { ...POP, maxBytes: MAX_BYTES, algorithms: POP_ALGORITHMS, kid: 'optional' } as const
  return verifyJwt(openJwt(text, rules), key)
}

/** Returns the single use of the proof of possession. */
function checkPop(pop: JsonObject, context: AppraisalContext): Appraisal['uses'][number] {
  const { binding, issuer, skewMs } = context
  const [audience, ...others] = readAudiences(pop, POP.name)
  if (audience !== issuer || others.length > 0) throw refusal(POP.name, `must have the aud ${issuer} and no other`)
  if (binding.nonce === undefined) throw refusal(POP.name, 'needs a nonce in the request')
  if (pop['challenge'] !== binding.nonce.text)
    throw refusal(POP.name, 'must have the nonce of the request as challenge')
  const { issuedAt = 0 } = checkTimes(pop, { name: POP.name, needs: ['iat'], maxAgeMs: POP_MAX_AGE_MS }, context)
  const jti = requireText(pop, 'jti', POP.name, MAX_JTI)
  // Another agent may choose the same jti.
  return { id: `${binding.thumbprint} jti:${jti}`, until: issuedAt + POP_MAX_AGE_MS + skewMs }
}

function refusal(subject: string, demand: string): RefusedEvidence {
  return new RefusedEvidence(`The ${subject} ${demand}`)
}
