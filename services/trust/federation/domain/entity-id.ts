import { isSecureUrl } from '@auth4agent/core/platform/secure-url'

const MAX_LENGTH = 1_024

/**
 * Tells whether a text is an Entity Identifier (OpenID Federation 1.0 sections 1.2 and 9): an https URL with a host,
 * and at most a port and a path. It must be written as URL parsers write it. So identifiers that differ in a byte have
 * different URLs. http is allowed to this machine only, for development.
 */
export function isEntityId(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_LENGTH || !isSecureUrl(value)) return false
  const { href, origin, pathname, hostname } = new URL(value)
  // The first rule refuses another spelling, such as upper case, and user names. The second refuses ? and #.
  const isCanonical = value === href || `${value}/` === href
  return isCanonical && `${origin}${pathname}` === href && !hostname.endsWith('.')
}

/** Returns where an entity publishes its configuration. Only this URL leaves out a slash at the end (section 9). */
export function configurationUrl(entityId: string): string {
  return `${entityId.replace(/\/$/, '')}/.well-known/openid-federation`
}
