import type { GatewayConfig } from '../config.ts'

/**
 * Returns the metadata of the transmitter of security events (OpenID Shared Signals Framework 1.0 section 7.1) as JSON
 * text. No member of complex subjects is critical, because no event has a complex subject.
 */
export function ssfConfiguration({ baseUrl }: Pick<GatewayConfig, 'baseUrl'>): string {
  return JSON.stringify({
    spec_version: '1_0',
    issuer: baseUrl,
    jwks_uri: `${baseUrl}/ssf/jwks.json`,
    delivery_methods_supported: ['urn:ietf:rfc:8935', 'urn:ietf:rfc:8936'],
    configuration_endpoint: `${baseUrl}/ssf/stream`,
    status_endpoint: `${baseUrl}/ssf/status`,
    add_subject_endpoint: `${baseUrl}/ssf/subjects:add`,
    remove_subject_endpoint: `${baseUrl}/ssf/subjects:remove`,
    verification_endpoint: `${baseUrl}/ssf/verify`,
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
    default_subjects: 'ALL',
  })
}
