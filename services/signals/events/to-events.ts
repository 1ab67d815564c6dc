import { isUserSubject } from '@auth4agent/core/identity/user-subject'
import { CREDENTIAL_CHANGE, type EventType, SESSION_REVOKED, TOKEN_CLAIMS_CHANGE } from './event-types.ts'

/** What a record of the revocation log says, as far as events need it. */
export interface LoggedEnding {
  readonly kind: string
  /** Empty for records of the whole deployment. */
  readonly operatorId: string
  readonly subject: string
  readonly minimumEpoch: number
  /** Unix milliseconds. */
  readonly recordedAt: number
  /** Why the tokens ended. Null for records of earlier versions, and for kinds with one cause only. */
  readonly cause: Cause | null
}

/** Why tokens ended, as the database's triggers record it. */
export interface Cause {
  readonly type?: string
  /** For `scopes`: the scopes that the agent has left, separated by spaces. */
  readonly scope?: string
}

/** A subject identifier (RFC 9493 and SSF section 3). */
export type SubjectId =
  | { readonly format: 'iss_sub'; readonly iss: string; readonly sub: string }
  | { readonly format: 'jwt_id'; readonly iss: string; readonly jti: string }
  | { readonly format: 'uri'; readonly uri: string }
  | { readonly format: 'opaque'; readonly id: string }

/** The part of a security event token that says what happened. */
export interface SecurityEvent {
  readonly type: EventType
  readonly subject: SubjectId
  readonly payload: object
}

type Change = { readonly type: EventType; readonly claims: object }

/** Why all tokens of an agent ended, and what changed besides: by the type of the cause. */
const AGENT_CAUSES: Readonly<Record<string, { readonly reason: string; readonly change?: Change }>> = {
  suspend: { reason: 'The agent was suspended' },
  revoke: { reason: 'The agent was revoked' },
  move: { reason: 'The agent moved to another operator, where it has another identifier' },
  delegation: { reason: 'The agent may hand its grants on less often than before' },
  scopes: { reason: 'The agent lost scopes' },
  rotate: { reason: 'The agent replaced its key', change: keyChange('update') },
  recover: { reason: 'The agent was recovered with its next key', change: keyChange('update') },
  remove_key: { reason: 'The agent removed an added key', change: keyChange('delete') },
  deactivate: { reason: 'The agent deactivated itself', change: keyChange('revoke') },
}

/** Why all tokens of a user ended, by the type of the cause. Users have the records of agents, and other subjects. */
const USER_CAUSES: Readonly<Record<string, string>> = {
  disabled: 'The user was disabled',
  removed: 'The user was removed',
}

/** Why all tokens of an operator ended, by the type of the cause. */
const OPERATOR_CAUSES: Readonly<Record<string, string>> = {
  suspended: 'The operator was suspended',
  released: 'The operator gave up its domain',
  lapsed: 'The DNS record of the operator has been missing for too long',
  superseded: 'Another operator proved the domain',
  policy: 'The operator allows less delegation than before',
}

/** Reads what one kind of record means. Its subject is the subject of all its events. */
type Reading = (
  ending: LoggedEnding,
  issuer: string,
) => {
  readonly subject: SubjectId
  readonly reason: string
  readonly bound?: object
  readonly change?: Change | undefined
}

const READINGS: Readonly<Record<string, Reading>> = {
  token: ({ subject }, iss) => ({
    subject: { format: 'jwt_id', iss, jti: subject },
    reason: 'The token or grant was revoked',
  }),
  agent: ({ subject, minimumEpoch, cause }, iss) => ({
    subject: { format: 'iss_sub', iss, sub: subject },
    reason: reasonOf(subject, cause?.type ?? ''),
    bound: { minimum_epoch: minimumEpoch },
    change: changeOf(cause),
  }),
  operator: ({ operatorId, minimumEpoch, cause }, iss) => ({
    subject: { format: 'iss_sub', iss, sub: operatorId },
    reason: OPERATOR_CAUSES[cause?.type ?? ''] ?? 'All tokens of the operator were ended',
    bound: { minimum_epoch: minimumEpoch },
  }),
  deployment: ({ minimumEpoch }, issuer) => ({
    subject: { format: 'uri', uri: issuer },
    reason: 'All tokens of the issuer were ended',
    bound: { minimum_epoch: minimumEpoch },
  }),
  key: ({ subject }) => ({
    subject: { format: 'uri', uri: `urn:ietf:params:oauth:jwk-thumbprint:sha-256:${subject}` },
    reason: 'A signing key of the issuer was marked as compromised',
    change: keyChange('revoke'),
  }),
  issuer: ({ subject, minimumEpoch }) => ({
    subject: { format: 'uri', uri: subject },
    reason: 'The issuer no longer trusts another issuer',
    bound: { minimum_generation: minimumEpoch },
  }),
  edge: ({ subject }) => ({
    subject: { format: 'opaque', id: subject },
    reason: 'A relation of trust on which tokens rested has ended',
  }),
}

/**
 * Returns the events that a record of the revocation log means, in their fixed order: first that sessions ended, then
 * what else changed. Returns undefined for a record of a kind that this version does not know.
 */
export function toEvents(ending: LoggedEnding, issuer: string): readonly SecurityEvent[] | undefined {
  const read = Object.hasOwn(READINGS, ending.kind) ? READINGS[ending.kind] : undefined
  if (read === undefined) return undefined
  const { subject, reason, bound, change } = read(ending, issuer)
  // CAEP counts in seconds, and its interoperability profile demands a reason for administrators.
  const common = { event_timestamp: Math.floor(ending.recordedAt / 1000), reason_admin: { en: reason } }
  const revoked: SecurityEvent = { type: SESSION_REVOKED, subject, payload: { ...common, ...bound } }
  if (change === undefined) return [revoked]
  return [revoked, { type: change.type, subject, payload: { ...common, ...change.claims } }]
}

function reasonOf(subject: string, type: string): string {
  if (isUserSubject(subject)) return USER_CAUSES[type] ?? 'All tokens of the user were ended'
  return AGENT_CAUSES[type]?.reason ?? 'All tokens of the agent were ended'
}

function changeOf(cause: Cause | null): Change | undefined {
  const { type = '', scope } = cause ?? {}
  if (type === 'scopes' && scope !== undefined) return { type: TOKEN_CLAIMS_CHANGE, claims: { claims: { scope } } }
  return AGENT_CAUSES[type]?.change
}

function keyChange(change: 'update' | 'delete' | 'revoke'): Change {
  return { type: CREDENTIAL_CHANGE, claims: { credential_type: 'public-key', change_type: change } }
}
