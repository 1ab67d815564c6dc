import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { FEDERATION_ENTITY, readConstraints } from './constraints.ts'
import { isEntityId } from './entity-id.ts'
import { readEntityKeys } from './entity-keys.ts'
import { readMetadataPolicy } from './metadata-policy.ts'
import { OPERATOR_NAMES } from './policy-operators.ts'
import { type FederationRefusal, quote, refuse } from './refusal.ts'

/** The claims of a statement, to be signed with `typ` entity-statement+jwt and the `kid` of a federation key. */
export type StatementClaims = JsonObject

/** A public key for statements, as its JWK Set shows it. */
interface PublishedKey {
  readonly kid: string
  readonly alg: string
  readonly jwk: PublicJwk
}

/** What both of our configurations need. Times are in seconds. */
export interface OwnEntity {
  /** The issuer of this deployment, without a slash at the end. */
  readonly issuer: string
  /** The federation keys: published ahead of use, and until their last statement has expired. */
  readonly keys: readonly PublishedKey[]
  /** Superiors that the administrator has named. */
  readonly authorityHints: readonly string[]
  readonly nowS: number
  readonly lifetimeS: number
}

/** A subordinate of our authority, as the administrator has admitted it. */
export interface Subordinate {
  readonly entityId: string
  /** Its JWK Set for statements. */
  readonly jwks: JsonObject
  readonly metadataPolicy?: JsonObject
  readonly constraints?: JsonObject
}

/**
 * Returns the identifier of our authority. It is an entity of its own beside the issuer: a leaf must not have a fetch
 * endpoint (OpenID Federation 1.0 section 5.1.1), and section 17.4 recommends one role for one entity.
 */
export function authorityId(issuer: string): string {
  return `${issuer}/federation`
}

/**
 * Builds the configuration of the issuer, which is a leaf (section 3.1).
 *
 * @param metadata the authorization server's metadata (RFC 8414). Its `issuer` must be the entity identifier.
 */
export function buildIssuerConfiguration(entity: OwnEntity, metadata: JsonObject): StatementClaims {
  const signed = { signed_jwks_uri: `${authorityId(entity.issuer)}/signed-jwks` }
  return buildConfiguration(entity.issuer, entity, { oauth_authorization_server: { ...metadata, ...signed } })
}

/** Builds the signed JWK Set of the issuer (section 5.2.1). */
export function buildSignedKeySet(
  { issuer, nowS, lifetimeS }: Pick<OwnEntity, 'issuer' | 'nowS' | 'lifetimeS'>,
  keys: readonly PublishedKey[],
): StatementClaims {
  return {
    iss: issuer,
    sub: issuer,
    iat: nowS,
    exp: nowS + lifetimeS,
    keys: keys.map(({ kid, alg, jwk }) => Object.assign({ kid, alg, use: 'sig' }, jwk)),
  }
}

/** Builds the configuration of our authority, which has the endpoints of section 8. */
export function buildAuthorityConfiguration(entity: OwnEntity): StatementClaims {
  const id = authorityId(entity.issuer)
  return buildConfiguration(id, entity, {
    [FEDERATION_ENTITY]: {
      federation_fetch_endpoint: `${id}/fetch`,
      federation_list_endpoint: `${id}/list`,
      federation_resolve_endpoint: `${id}/resolve`,
      federation_historical_keys_endpoint: `${id}/historical-keys`,
    },
  })
}

function buildConfiguration(
  id: string,
  { keys, authorityHints, nowS, lifetimeS }: OwnEntity,
  metadata: JsonObject,
): StatementClaims {
  return {
    iss: id,
    sub: id,
    iat: nowS,
    exp: nowS + lifetimeS,
    jwks: { keys: keys.map(({ kid, alg, jwk }) => Object.assign({ kid, alg, use: 'sig' }, jwk)) },
    // An empty list is forbidden (section 3.1.2).
    ...(authorityHints.length > 0 && { authority_hints: authorityHints }),
    metadata,
  }
}

/**
 * Builds what our authority says about a subordinate (section 3.1.3). It refuses what verifiers would refuse, so a
 * mistake of the administrator does not make the subordinate's chains invalid later.
 */
export function buildSubordinateStatement(
  { entityId, jwks, metadataPolicy, constraints }: Subordinate,
  { issuer, nowS, lifetimeS }: Pick<OwnEntity, 'issuer' | 'nowS' | 'lifetimeS'>,
): { readonly ok: true; readonly claims: StatementClaims } | FederationRefusal {
  const iss = authorityId(issuer)
  if (!isEntityId(entityId) || entityId === iss) {
    return refuse('CLAIM_MALFORMED', `${quote(entityId)} must be the identifier of another entity`)
  }
  const keys = readEntityKeys(jwks)
  if (keys === undefined || keys.size === 0) {
    return refuse('KEYS_MALFORMED', 'jwks must be a JWK Set with at least one usable key, each with a kid of its own')
  }
  const refusal = checkRestrictions(metadataPolicy, constraints)
  if (refusal !== undefined) return refusal
  const claims = {
    iss,
    sub: entityId,
    iat: nowS,
    exp: nowS + lifetimeS,
    // Not the set itself: it could contain private members.
    jwks: { keys: [...keys.values()].map(({ kid, jwk, alg }) => Object.assign({ kid }, jwk, alg && { alg })) },
    ...(metadataPolicy !== undefined && { metadata_policy: metadataPolicy }),
    ...(constraints !== undefined && { constraints }),
    source_endpoint: `${iss}/fetch`,
  }
  return { ok: true, claims }
}

function checkRestrictions(metadataPolicy?: JsonObject, constraints?: JsonObject): FederationRefusal | undefined {
  const fault = constraints === undefined ? undefined : readConstraints(constraints)
  if (typeof fault === 'string') return refuse('CLAIM_MALFORMED', fault)
  if (metadataPolicy === undefined) return undefined
  const read = readMetadataPolicy(metadataPolicy)
  if (!read.ok) return read
  const unknown = findUnknownOperator(metadataPolicy)
  if (unknown === undefined) return undefined
  return refuse('POLICY_MALFORMED', `${quote(unknown)} must be one of ${OPERATOR_NAMES.join(', ')}`)
}

/** Verifiers ignore operators that they do not know, so a misspelt operator would restrict nothing. */
function findUnknownOperator(metadataPolicy: JsonObject): string | undefined {
  return Object.values(metadataPolicy)
    .filter(isJsonObject)
    .flatMap((parameters) => Object.values(parameters).filter(isJsonObject))
    .flatMap((operators) => Object.keys(operators))
    .find((name) => !OPERATOR_NAMES.some((known) => known === name))
}
