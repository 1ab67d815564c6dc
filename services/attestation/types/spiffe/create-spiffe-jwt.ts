import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { checkTimes, readAudiences, requireText } from '../../../platform/jwt/claims.ts'
import { type JwtRules, openJwt, readAscii, type UnverifiedJwt, verifyJwt } from '../../../platform/jwt/jwt.ts'
import { type AppraisalContext, type AttestorType, RefusedEvidence } from '../attestor-type.ts'
import { checkMembers, invalidConfig, readText } from '../read-config.ts'
import { type Bundle, SVID_ALGORITHMS } from './bundle.ts'
import { createBundleSource, type SpiffeDeps } from './bundle-source.ts'
import { parseWorkloadId } from './spiffe-id.ts'
import { currentBundle, readTrust, TRUST_MEMBERS, type TrustConfig } from './trust-config.ts'

/** Configuration of an attestor of the type `spiffe-jwt`. */
export interface SpiffeJwtConfig extends TrustConfig {
  /** The fixed audience of its tokens; undefined if each must be for the agent's key. */
  readonly audience: string | undefined
}

const RULES: JwtRules = {
  name: 'JWT-SVID',
  maxBytes: 16 * 1024,
  algorithms: SVID_ALGORITHMS,
  typs: ['JWT', 'JOSE', ''],
}
/** Each use is remembered until the token expires, so a token may not live for years. */
const MAX_LIFETIME_MS = 86_400_000
const MAX_ID = 256

/** Creates the type `spiffe-jwt`: a JWT-SVID. */
export function createSpiffeJwt(deps: SpiffeDeps): AttestorType<SpiffeJwtConfig> {
  const getBundle = createBundleSource(deps)
  return {
    parseConfig(config) {
      checkMembers(config, [...TRUST_MEMBERS, 'audience'])
      const trust = readTrust(config)
      if ('bundle' in trust.source && trust.source.bundle.jwtKeys.size === 0) {
        throw invalidConfig('bundle', 'must have at least one jwt-svid key')
      }
      return { ...trust, audience: readText(config, 'audience') }
    },
    async appraise(config, evidence, context) {
      const jwt = openJwt(readAscii(evidence, RULES.name), RULES)
      const claims = verify(jwt, await currentBundle(config, context.attestorId, getBundle))
      const expiresAt = readExpiry(claims, context)
      checkAudience(claims, config.audience ?? context.binding.audience)
      const id = parseWorkloadId(requireText(claims, 'sub', RULES.name, 2_048), config.trustDomain)
      if (id === undefined) {
        throw new RefusedEvidence(`The sub must be a SPIFFE ID with a path in the trust domain ${config.trustDomain}`)
      }
      const { trustDomain, path } = id
      return {
        claims: { spiffe_id: `spiffe://${trustDomain}${path}`, trust_domain: trustDomain, path },
        level: config.audience === undefined ? 'bound' : 'bearer',
        expiresAt,
        uses: [{ id: idOf(claims, jwt, trustDomain), until: expiresAt + context.skewMs }],
      }
    },
  }
}

/** The key is chosen by `kid`, and serves only the algorithms of its type. */
function verify(jwt: UnverifiedJwt, { jwtKeys }: Bundle): JsonObject {
  if (jwtKeys.size === 0) throw new RefusedEvidence('The bundle has no jwt-svid key, so every JWT-SVID is revoked')
  const { kid, alg } = jwt.jws.header
  const key = jwtKeys.get(kid)
  if (key === undefined)
    throw new RefusedEvidence('The kid of the JWT-SVID must be that of a jwt-svid key of the bundle')
  const found = key.verifiers.get(alg)
  if (found === undefined) throw new RefusedEvidence('The alg of the JWT-SVID must fit its key')
  const algs = SVID_ALGORITHMS.filter((each) => each === alg)
  return verifyJwt(jwt, { algs, verify: found })
}

function readExpiry(claims: JsonObject, context: AppraisalContext): number {
  const { expiresAt } = checkTimes(claims, { name: RULES.name, needs: ['exp'] }, context)
  if (expiresAt !== undefined && expiresAt <= context.now + MAX_LIFETIME_MS) return expiresAt
  throw new RefusedEvidence(`The JWT-SVID must expire within ${MAX_LIFETIME_MS / 3_600_000} hours`)
}

function checkAudience(claims: JsonObject, wanted: string): void {
  const [audience, ...others] = readAudiences(claims, RULES.name)
  if (audience === wanted && others.length === 0) return
  throw new RefusedEvidence(`The aud of the JWT-SVID must be exactly ${wanted}`)
}

/** A token without an id is known by what is signed: its signature could have another form. */
function idOf(claims: JsonObject, { jws: { signingInput } }: UnverifiedJwt, trustDomain: string): string {
  if (Object.hasOwn(claims, 'jti')) return `${trustDomain} jti:${requireText(claims, 'jti', RULES.name, MAX_ID)}`
  return `jws:${sha256Text(signingInput, 'base64url')}`
}
