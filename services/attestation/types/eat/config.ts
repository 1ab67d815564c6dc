import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { EVIDENCE_ALGORITHMS, type EvidenceAlgorithm } from '../../../platform/jwt/algorithms.ts'
import { type EvidenceKeys, readPinnedKeys } from '../../../platform/jwt/keys.ts'
import { readClaimNames } from '../pick-claims.ts'
import { checkMembers, invalidConfig, readChoices, readSeconds, readText } from '../read-config.ts'
import { EAT_FORMATS, type EatFormat, HIDDEN_CLAIMS } from './claims.ts'
import { encodeOid } from './oid.ts'

/** The configuration of an attestor of the type `eat`. */
export interface EatConfig {
  readonly keys: EvidenceKeys
  readonly algorithms: readonly EvidenceAlgorithm[]
  readonly formats: readonly EatFormat[]
  /** The only accepted profile. A CWT has an object identifier as bytes. */
  readonly profile: { readonly text: string; readonly oid: Uint8Array | undefined } | undefined
  readonly issuer: string | undefined
  /** The claims that rules see. */
  readonly claims: readonly string[]
  readonly maxAgeMs: number | undefined
}

const MEMBERS = ['keys', 'algorithms', 'formats', 'profile', 'issuer', 'claims', 'max_age']
const DAY_S = 86_400
const URI = /^[A-Za-z][\w+.-]*:[\x21-\x7e]+$/

/**
 * Reads the configuration.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function parseEatConfig(config: JsonObject): EatConfig {
  checkMembers(config, MEMBERS)
  const algorithms = readChoices(config, 'algorithms', EVIDENCE_ALGORITHMS) ?? EVIDENCE_ALGORITHMS
  return {
    keys: readPinnedKeys(config['keys'], { algorithms }),
    algorithms,
    formats: readChoices(config, 'formats', EAT_FORMATS) ?? EAT_FORMATS,
    profile: readProfile(config),
    issuer: readText(config, 'issuer'),
    claims: readClaimNames(config, HIDDEN_CLAIMS),
    maxAgeMs: readSeconds(config, 'max_age', DAY_S),
  }
}

function readProfile(config: JsonObject): EatConfig['profile'] {
  const text = readText(config, 'profile')
  if (text === undefined) return undefined
  const oid = encodeOid(text)
  if (oid === undefined && !URI.test(text)) throw invalidConfig('profile', 'must be a URI or an object identifier')
  return { text, oid }
}
