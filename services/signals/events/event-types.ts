import type { Stream } from '../store/stream.ts'

/** Base of the event types of CAEP 1.0, section 3. */
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
/** Base of the event types about streams (SSF 1.0). Every stream delivers them, requested or not. */
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/'

export const SESSION_REVOKED = `${CAEP}session-revoked` as const
export const CREDENTIAL_CHANGE = `${CAEP}credential-change` as const
export const TOKEN_CLAIMS_CHANGE = `${CAEP}token-claims-change` as const

/** The event types that a receiver can request. */
export const SUPPORTED_EVENTS: readonly EventType[] = [SESSION_REVOKED, CREDENTIAL_CHANGE, TOKEN_CLAIMS_CHANGE]

/** An event type that a receiver can request. */
export type EventType = typeof SESSION_REVOKED | typeof CREDENTIAL_CHANGE | typeof TOKEN_CLAIMS_CHANGE

/** The types of the pending events of a stream. */
export const PENDING_EVENTS = { verification: `${SSF}verification`, 'stream-updated': `${SSF}stream-updated` } as const

/** Returns the types that a stream delivers: those that its receiver requested, or all if it requested none. */
export function deliveredTypes({ eventsRequested }: Pick<Stream, 'eventsRequested'>): readonly EventType[] {
  return SUPPORTED_EVENTS.filter((type) => eventsRequested.length === 0 || eventsRequested.includes(type))
}
