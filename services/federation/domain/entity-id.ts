import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { isSecureUrl } from '@auth4agent/core/platform/secure-url'

const MAX_LENGTH = 1_024

/**
 * Tells whether a text is an Entity Identifier (OpenID Federation 1.0 sections 1.2 and 9): an https URL with a host,
 * and at most a port and a path. It must be in normal form, so identifiers that differ in a byte have different URLs.
 * http is allowed to this machine only, for development.
 */
export function isEntityId(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_LENGTH || !isSecureUrl(value)) return false
  return parseNormalUrl(value) !== undefined && !value.includes('?')
}

/** Returns where an entity publishes its configuration. Only this URL leaves out a slash at the end (section 9). */
export function configurationUrl(entityId: string): string {
  return `${entityId.replace(/\/$/, '')}/.well-known/openid-federation`
}
