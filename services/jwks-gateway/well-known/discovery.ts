import { DPOP_ALGORITHMS } from '@auth4agent/core/dpop/dpop-proof'
import { ED25519_ALGORITHMS } from '@auth4agent/core/jose/jws'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import type { GatewayConfig } from '../config.ts'

/**
 * Returns the document at /.well-known/auth4agent as JSON text. The document contains everything that a client needs
 * to know before its first call.
 */
export function discoveryDocument({ baseUrl, protocol }: GatewayConfig): string {
  return JSON.stringify({
    issuer: baseUrl,
    protocol_version: '1',
    jwks_uri: `${baseUrl}/.well-known/jwks.json`,
    endpoints: {
      health: `${baseUrl}/health`,
      jwks: `${baseUrl}/.well-known/jwks.json`,
      operators: `${baseUrl}/v1/operators`,
      agent: `${baseUrl}/v1/agent/{did}`,
      challenge: `${baseUrl}/v1/challenge`,
      token: `${baseUrl}/v1/token`,
      verify: `${baseUrl}/v1/verify`,
      revoke: `${baseUrl}/v1/revoke/token`,
      revocations: `${baseUrl}/v1/revocations`,
      oauth_token: `${baseUrl}/oauth/token`,
      oauth_introspect: `${baseUrl}/oauth/introspect`,
      oauth_revoke: `${baseUrl}/oauth/revoke`,
    },
    did_method: 'did:agent',
    proof_types: ['Ed25519'],
    token_signing_alg_values_supported: TOKEN_ALGORITHMS,
    assertion_signing_alg_values_supported: ED25519_ALGORITHMS,
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    challenge_ttl_seconds: protocol.challengeTtlS,
    token_ttl_seconds: protocol.tokenTtlS,
    clock_skew_seconds: protocol.clockSkewS,
    assertion_ttl_max_seconds: protocol.assertionTtlMaxS,
  })
}
