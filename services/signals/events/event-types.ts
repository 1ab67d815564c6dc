const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'

/** The types of events about subjects (CAEP 1.0 sections 3.1 to 3.3). */
export const EVENT_TYPES = {
  sessionRevoked: `${CAEP}session-revoked`,
  tokenClaimsChange: `${CAEP}token-claims-change`,
  credentialChange: `${CAEP}credential-change`,
} as const

const SUPPORTED: readonly string[] = Object.values(EVENT_TYPES)

/** Returns all types of events about subjects. Every stream also delivers verification and stream-updated events. */
export function supportedTypes(): readonly string[] {
  return SUPPORTED
}

/** Returns the types of events that a stream delivers: the requested ones, or all if none is requested. */
export function deliveredTypes({ eventsRequested }: { readonly eventsRequested: readonly string[] }): string[] {
  return SUPPORTED.filter((type) => eventsRequested.length === 0 || eventsRequested.includes(type))
}
