import type { Answer, Shape } from './answers.ts'

/** What servers answer to operators and administrators, by the names on the wire. Times are RFC 3339 in UTC. */

export const registeredOperator = { id: 'text', domain: 'text', status: 'text' } as const satisfies Shape
/** An operator that has just been registered; `status` is pending, active, lapsed, suspended, superseded or released. */
export type RegisteredOperator = Answer<typeof registeredOperator>

export const operatorState = {
  ...registeredOperator,
  domain_verified_at: 'text?',
  created_at: 'text?',
  root_key_thumbprint: 'text?',
} as const satisfies Shape
/** An operator's public state. */
export type OperatorState = Answer<typeof operatorState>

export const instructions = {
  domain: 'text',
  txt_record_name: 'text',
  txt_record_value: 'text',
  message: 'text',
} as const satisfies Shape
/** What to publish in DNS. */
export type DomainInstructions = Answer<typeof instructions>

export const confirmation = {
  verified: 'flag',
  message: 'text',
  verified_at: 'text?',
  reason: 'text?',
  takeover_at: 'text?',
} as const satisfies Shape
/** Whether the domain is proven; if not, `message` and the stable `reason` say what was seen. */
export type DomainConfirmation = Answer<typeof confirmation>

export const released = { id: 'text', status: 'text', released_at: 'text' } as const satisfies Shape
/** A domain that was given up. */
export type ReleasedOperator = Answer<typeof released>

export const ended = { id: 'text', epoch: 'count', ended_at: 'text' } as const satisfies Shape
/** Tokens with a smaller operator epoch have ended. */
export type EndedTokens = Answer<typeof ended>

export const agent = {
  id: 'text',
  did: 'text',
  status: 'text',
  operator_id: 'text?',
  allowed_scopes: 'texts?',
  did_document: 'any',
  agent_public_key: 'text?',
  label: 'text?',
  require_bound_challenges: 'flag?',
  created_at: 'text?',
  suspended_at: 'text?',
  revoked_at: 'text?',
} as const satisfies Shape
/** An agent; `status` is pending, active, suspended or revoked. */
export type AgentRecord = Answer<typeof agent>

export const registeredAgent = { id: 'text', did: 'text', status: 'text' } as const satisfies Shape
/** An agent that has just been registered. */
export type RegisteredAgent = Answer<typeof registeredAgent>

export const approved = { agent_did: 'text', status: 'text', approved_at: 'text?' } as const satisfies Shape
/** An agent that is no longer pending. */
export type ApprovedAgent = Answer<typeof approved>

export const scopes = { updated: 'flag', did: 'text', allowed_scopes: 'texts' } as const satisfies Shape
/** The grant now in force. */
export type AgentScopes = Answer<typeof scopes>

export const suspended = { agent_did: 'text', suspended_at: 'text' } as const satisfies Shape
/** An agent that is suspended. */
export type SuspendedAgent = Answer<typeof suspended>

export const reactivated = { agent_did: 'text', reactivated_at: 'text' } as const satisfies Shape
/** An agent whose suspension has ended. */
export type ReactivatedAgent = Answer<typeof reactivated>

export const revoked = { agent_did: 'text', revoked_at: 'text' } as const satisfies Shape
/** An agent that is revoked for good. */
export type RevokedAgent = Answer<typeof revoked>

export const revokedToken = { jti: 'text', revoked_at: 'text', ended_operator_id: 'text?' } as const satisfies Shape
/** A token that is revoked; `ended_operator_id` names the operator where all its agents' tokens were ended with it. */
export type RevokedToken = Answer<typeof revokedToken>

export const policy = { audiences: 'any', require_bound_challenges: 'flag' } as const satisfies Shape
export const audienceRule = { audience: 'text', callers: 'texts', token_signing_alg: 'text?' } as const satisfies Shape
/** Who may ask for tokens for one of the operator's audiences, and what signs them. */
export interface AudienceRule {
  readonly audience: string
  readonly callers: readonly string[]
  readonly token_signing_alg?: string | null | undefined
}
/** What an operator decides for its agents and audiences. */
export interface OperatorPolicy {
  readonly audiences: readonly AudienceRule[]
  readonly require_bound_challenges: boolean
}

export const auditRecord = {
  id: 'text',
  at: 'text',
  actor: 'text',
  action: 'text',
  subject: 'text',
  outcome: 'text',
  reason: 'text?',
  request_id: 'text?',
} as const satisfies Shape
/** One thing done or refused. */
export type AuditRecord = Answer<typeof auditRecord>

export const suspendedOperator = { id: 'text', status: 'text', suspended_at: 'text' } as const satisfies Shape
/** An operator that is suspended. */
export type SuspendedOperator = Answer<typeof suspendedOperator>

export const reinstatedOperator = { id: 'text', status: 'text', reinstated_at: 'text' } as const satisfies Shape
/** An operator whose suspension has ended. */
export type ReinstatedOperator = Answer<typeof reinstatedOperator>

export const signingKey = {
  kid: 'text',
  alg: 'text',
  state: 'text',
  created_at: 'text?',
  ready_at: 'text?',
  activated_at: 'text?',
  retiring_at: 'text?',
  retired_at: 'text?',
  compromised_at: 'text?',
  held_by: 'text?',
  kek_id: 'text?',
} as const satisfies Shape
/** What the administrator sees of a signing key; `state` is prepared, active, retiring, retired or compromised. */
export type SigningKeyState = Answer<typeof signingKey>

export const compromised = { kid: 'text', compromised_at: 'text', active_kid: 'text?' } as const satisfies Shape
/** A key that is marked; `active_kid` signs in its place. */
export type CompromisedKey = Answer<typeof compromised>

export const endedDeployment = { minimum_epoch: 'count', ended_at: 'text' } as const satisfies Shape
/** Tokens of all operators with a smaller operator epoch have ended. */
export type EndedDeployment = Answer<typeof endedDeployment>
