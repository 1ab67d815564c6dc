import { DETAIL_TYPE } from '@auth4agent/core/delegation/parse-capabilities'
import { DPOP_ALGORITHMS } from '@auth4agent/core/dpop/dpop-proof'
import { ED25519_ALGORITHMS } from '@auth4agent/core/jose/jws'
import type { GatewayConfig } from '../config.ts'

/** The version of the draft that grants follow. A later version may have another format. */
const AAT_DRAFT = 'draft-niyikiza-oauth-attenuating-agent-tokens-02'
const METHODS = ['private_key_jwt']
/** Agents sign by Ed25519 or P-256. Other clients may also have RSA keys. */
const CLIENT_ALGORITHMS = [...ED25519_ALGORITHMS, 'ES256', 'RS256']

/**
 * Returns the metadata of the authorization server (RFC 8414 section 2) as JSON text. It names only what this server
 * has: client registration only where it is open, for example. `aat_issuer` is a member of the draft (section 6.1.1),
 * `aat_draft` an own one. Clients use a client ID metadata document only where they find `none` too.
 */
export function authorizationServerMetadata({
  baseUrl,
  openRegistration,
}: Pick<GatewayConfig, 'baseUrl' | 'openRegistration'>): string {
  return JSON.stringify({
    issuer: baseUrl,
    authorization_endpoint: `${baseUrl}/oauth/authorize`,
    authorization_response_iss_parameter_supported: true,
    device_authorization_endpoint: `${baseUrl}/oauth/device_authorization`,
    token_endpoint: `${baseUrl}/oauth/token`,
    token_endpoint_auth_methods_supported: [...METHODS, 'none'],
    token_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
    jwks_uri: `${baseUrl}/.well-known/jwks.json`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    client_id_metadata_document_supported: true,
    ...(openRegistration && { registration_endpoint: `${baseUrl}/oauth/register` }),
    grant_types_supported: [
      'client_credentials',
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ],
    identity_chaining_requested_token_types_supported: [
      'urn:ietf:params:oauth:token-type:id-jag',
      'urn:ietf:params:oauth:token-type:jwt',
    ],
    authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
    authorization_details_types_supported: [DETAIL_TYPE],
    aat_issuer: true,
    aat_draft: AAT_DRAFT,
    introspection_endpoint: `${baseUrl}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: METHODS,
    introspection_endpoint_auth_signing_alg_values_supported: ED25519_ALGORITHMS,
    introspection_signing_alg_values_supported: ['EdDSA'],
    revocation_endpoint: `${baseUrl}/oauth/revoke`,
    revocation_endpoint_auth_methods_supported: [...METHODS, 'none'],
    revocation_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    status_list_aggregation_endpoint: `${baseUrl}/v1/status-lists`,
  })
}
