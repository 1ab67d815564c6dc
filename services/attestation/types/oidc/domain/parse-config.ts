import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isIssuerUrl } from '@auth4agent/core/identity/issuer-url'
import { EVIDENCE_ALGORITHMS, type EvidenceAlgorithm } from '../../../../platform/jwt/algorithms.ts'
import { type EvidenceKeys, readPinnedKeys } from '../../../../platform/jwt/keys.ts'
import { OutboundError } from '../../../../platform/outbound/outbound-error.ts'
import { parseStoredTarget } from '../../../../platform/outbound/parse-target.ts'
import type { ClaimValue } from '../../attestor-type.ts'
import { checkMembers, invalidConfig, readChoices, readSeconds, readText } from '../../read-config.ts'
import { MAX_LIFETIME_S, type TokenDemands } from './check-token.ts'
import type { ClaimMapping } from './expose-claims.ts'
import { parseClaimMapping } from './parse-claim-mapping.ts'
import type { Preset } from './presets.ts'

/** The configuration of an attestor of the type `oidc` or of one of its presets. */
export interface OidcConfig extends TokenDemands {
  readonly algorithms: readonly EvidenceAlgorithm[]
  /** The keys that the operator has pinned. Undefined if the keys are fetched. */
  readonly pinnedKeys: EvidenceKeys | undefined
  /** Where the keys are. Undefined if the issuer's discovery document says it. */
  readonly jwksUri: string | undefined
  readonly claims: ClaimMapping
  readonly requiredClaims: Readonly<Record<string, ClaimValue>>
}

/** Keys of Azure have no `alg`. With a second algorithm of RSA they would be ambiguous. */
const USUAL_ALGORITHMS: readonly EvidenceAlgorithm[] = ['RS256', 'ES256']
const MEMBERS = ['jwks', 'jwks_uri', 'algorithms', 'audience', 'max_token_age', 'required_claims']
const GENERIC_MEMBERS = ['issuer', 'claims']
const USUAL_AGE_MS = 3_600_000
const MAX_REQUIRED = 16
const MAX_TEXT = 1024

/**
 * Reads the configuration of an attestor.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function parseConfig(config: JsonObject, preset: Preset | undefined): OidcConfig {
  checkMembers(config, [...MEMBERS, ...(preset?.members ?? GENERIC_MEMBERS)])
  const issuer = readIssuer(config, preset)
  const algorithms = readChoices(config, 'algorithms', EVIDENCE_ALGORITHMS) ?? USUAL_ALGORITHMS
  const claims = preset?.claims ?? parseClaimMapping(config['claims'])
  return {
    issuer,
    algorithms,
    ...readKeySource(config, issuer, algorithms),
    audience: readAudience(config, preset),
    maxTokenAgeMs: readSeconds(config, 'max_token_age', MAX_LIFETIME_S) ?? preset?.maxTokenAgeMs ?? USUAL_AGE_MS,
    claims,
    requiredClaims: readRequired(config['required_claims'], claims),
  }
}

function readIssuer(config: JsonObject, preset: Preset | undefined): string {
  const issuer = preset === undefined ? config['issuer'] : preset.issuerOf(config)
  if (typeof issuer === 'string' && isIssuerUrl(issuer)) return issuer
  const [member, demand] = preset?.issuerDemand ?? [
    'issuer',
    'must be an https URL with its host in lower-case A-labels, no default port, user, query or fragment, and at most 255 characters',
  ]
  throw invalidConfig(member, demand)
}

type KeySource = Pick<OidcConfig, 'pinnedKeys' | 'jwksUri'>

function readKeySource(config: JsonObject, issuer: string, algorithms: readonly EvidenceAlgorithm[]): KeySource {
  const uri = readText(config, 'jwks_uri')
  if (config['jwks'] === undefined) {
    checkTarget(uri === undefined ? 'issuer' : 'jwks_uri', uri ?? issuer)
    return { pinnedKeys: undefined, jwksUri: uri }
  }
  if (uri !== undefined) throw invalidConfig('jwks_uri', 'must be missing if the keys are pinned as config.jwks')
  return { pinnedKeys: readPinnedKeys(config['jwks'], { algorithms }, 'config.jwks'), jwksUri: undefined }
}

/** The server fetches from this address. Whether it may use local names is decided when it does. */
function checkTarget(member: string, url: string): void {
  try {
    parseStoredTarget(url, true)
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    throw invalidConfig(member, `must be a URL from which keys can be fetched: ${error.message}`)
  }
}

function readAudience(config: JsonObject, preset: Preset | undefined): string | undefined {
  const audience = readText(config, 'audience')
  if (audience !== undefined || preset?.hasFixedAudience !== true) return audience
  throw invalidConfig('audience', 'must be the audience of the tokens, because the platform fixes it')
}

/** Only claims that the attestor exposes can be required, so a misspelt name is refused here. */
function readRequired(value: unknown, claims: ClaimMapping): Readonly<Record<string, ClaimValue>> {
  if (value === undefined) return {}
  const entries = isJsonObject(value) ? Object.entries(value) : []
  if (entries.length === 0 || entries.length > MAX_REQUIRED) {
    throw invalidConfig('required_claims', `must be an object with 1 to ${MAX_REQUIRED} members`)
  }
  const required = entries.map(([name, wanted]) => {
    if (!Object.hasOwn(claims, name)) {
      throw invalidConfig('required_claims', `must name claims of this attestor: ${Object.keys(claims).join(', ')}`)
    }
    if (isRequirable(wanted)) return [name, wanted] as const
    throw invalidConfig(
      `required_claims.${name}`,
      `must be a text of at most ${MAX_TEXT} characters, an integer or a boolean`,
    )
  })
  return Object.fromEntries(required)
}

function isRequirable(value: unknown): value is string | number | boolean {
  if (typeof value === 'string') return value.length <= MAX_TEXT
  return typeof value === 'boolean' || Number.isSafeInteger(value)
}
