import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { EVIDENCE_ALGORITHMS, type EvidenceAlgorithm } from '../../../platform/jwt/algorithms.ts'
import { type EvidenceKeys, readPinnedKeys } from '../../../platform/jwt/keys.ts'
import { readClaimNames } from '../pick-claims.ts'
import { checkMembers, readChoices, readTexts } from '../read-config.ts'

/** The configuration of an attestor of the type `client-attestation`. */
export interface ClientAttestationConfig {
  /** The keys of the Client Attester. */
  readonly keys: EvidenceKeys
  readonly algorithms: readonly EvidenceAlgorithm[]
  /** The accepted clients. If undefined, the attester may name any. */
  readonly clientIds: readonly string[] | undefined
  /** The claims that rules see besides `client_id`. */
  readonly claims: readonly string[]
}

const MEMBERS = ['keys', 'algorithms', 'client_ids', 'claims']
const MAX_CLIENTS = 1_000
/** `client_id` shows `sub`; the others are checked here. */
const TAKEN = ['client_id', 'sub', 'cnf', 'exp', 'iat', 'nbf', 'aud', 'jti']

/**
 * Reads the configuration.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function parseClientAttestationConfig(config: JsonObject): ClientAttestationConfig {
  checkMembers(config, MEMBERS)
  const algorithms = readChoices(config, 'algorithms', EVIDENCE_ALGORITHMS) ?? EVIDENCE_ALGORITHMS
  return {
    keys: readPinnedKeys(config['keys'], { algorithms }),
    algorithms,
    clientIds: readTexts(config, 'client_ids', MAX_CLIENTS),
    claims: readClaimNames(config, TAKEN),
  }
}
