/** A SPIFFE ID of a workload or, with an empty path, of a trust domain. */
export interface SpiffeId {
  readonly trustDomain: string
  /** Begins with a slash, unless it is empty. */
  readonly path: string
}

const MAX_BYTES = 2_048
const MAX_TRUST_DOMAIN = 255
const TRUST_DOMAIN = /^[a-z0-9._-]+$/
const ID = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)*)$/

/** Tells whether a text is the name of a trust domain (SPIFFE-ID section 2.1). */
export function isTrustDomain(text: string): boolean {
  return TRUST_DOMAIN.test(text) && text.length <= MAX_TRUST_DOMAIN
}

/**
 * Parses a SPIFFE ID (SPIFFE-ID section 2): no user, port, query, fragment or escapes, and no segment of the path that
 * is empty or a step. Returns undefined for anything else.
 */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  const [, trustDomain = '', path = ''] = (text.length <= MAX_BYTES && ID.exec(text)) || []
  const hasStep = path.split('/').some((segment) => segment === '.' || segment === '..')
  return isTrustDomain(trustDomain) && !hasStep ? { trustDomain, path } : undefined
}

/** Parses the SPIFFE ID of a workload in this trust domain. Returns undefined for anything else. */
export function parseWorkloadId(text: string, trustDomain: string): SpiffeId | undefined {
  const id = parseSpiffeId(text)
  return id?.trustDomain === trustDomain && id.path !== '' ? id : undefined
}
