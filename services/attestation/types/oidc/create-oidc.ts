import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import {
  chooseKey,
  type JwtRules,
  openJwt,
  readAscii,
  type UnverifiedJwt,
  verifyJwt,
} from '../../../platform/jwt/jwt.ts'
import { createKeySource, type KeySource, type KeySourceDeps } from '../../../platform/key-source/key-source.ts'
import { type Appraisal, type AppraisalContext, type AttestorType, RefusedEvidence } from '../attestor-type.ts'
import { checkRequiredClaims, checkToken } from './domain/check-token.ts'
import { exposeClaims } from './domain/expose-claims.ts'
import { type OidcConfig, parseConfig } from './domain/parse-config.ts'
import { PRESETS, type Preset, type PresetName } from './domain/presets.ts'

const RULES: Omit<JwtRules, 'algorithms'> = { name: 'token', maxBytes: 16 * 1024, typs: ['JWT', ''], kid: 'optional' }

/** The type `oidc`, and the types that are its presets. */
export type OidcTypes = Readonly<Record<'oidc' | PresetName, AttestorType<OidcConfig>>>

/**
 * Creates the type `oidc` and its presets: evidence is an ID token (OpenID Connect Core 1.0 section 2) that a platform
 * has given to a workload. The types share the copies of keys, so that their number is bounded.
 */
export function createOidcTypes(deps: KeySourceDeps): OidcTypes {
  const keySource = createKeySource(deps)
  return {
    oidc: createType(keySource, undefined),
    kubernetes: createType(keySource, PRESETS.kubernetes),
    'github-actions': createType(keySource, PRESETS['github-actions']),
    gitlab: createType(keySource, PRESETS.gitlab),
    gcp: createType(keySource, PRESETS.gcp),
    azure: createType(keySource, PRESETS.azure),
  }
}

function createType(keySource: KeySource, preset: Preset | undefined): AttestorType<OidcConfig> {
  return {
    parseConfig: (config) => parseConfig(config, preset),
    async appraise(config, evidence, context) {
      const token = openJwt(readAscii(evidence, RULES.name), { ...RULES, algorithms: config.algorithms })
      const keys = await keySource(config, token.jws.header.kid, { holderId: context.attestorId, now: context.now })
      const payload = verifyJwt(token, chooseKey(token, keys))
      const { expiresAt, jti } = checkToken(config, payload, context)
      checkPlatform(preset, payload, config)
      const claims = exposeClaims(config.claims, payload)
      checkRequiredClaims(config.requiredClaims, claims)
      return { claims, level: levelOf(config), expiresAt, uses: [useOf(config, token, jti, expiresAt, context)] }
    },
  }
}

function checkPlatform(preset: Preset | undefined, payload: JsonObject, { issuer }: OidcConfig): void {
  const demand = preset?.demandOf?.(payload, issuer)
  if (demand !== undefined) throw new RefusedEvidence(`The token ${demand}`)
}

/** With a fixed audience, nothing in the token names the agent's key. */
function levelOf({ audience }: OidcConfig): Appraisal['level'] {
  return audience === undefined ? 'bound' : 'bearer'
}

/** Without a `jti` the signed bytes are the id, and not the signature: the same token can have several of them. */
function useOf(
  { issuer }: OidcConfig,
  { jws }: UnverifiedJwt,
  jti: string | undefined,
  expiresAt: number,
  { skewMs }: AppraisalContext,
): Appraisal['uses'][number] {
  const id = jti === undefined ? `sha256:${sha256Text(jws.signingInput, 'base64url')}` : `${issuer} jti:${jti}`
  return { id, until: expiresAt + skewMs }
}
