import type { Answer, Shape } from './answers.ts'

/** The answers of a server to operators and administrators, by their names on the wire. Times are RFC 3339 in UTC. */

export const registeredOperator = { id: 'text', domain: 'text', status: 'text' } as const satisfies Shape
/** A registered operator. `status` is pending, active, lapsed, suspended, superseded or released. */
export type RegisteredOperator = Answer<typeof registeredOperator>

export const operatorState = {
  ...registeredOperator,
  domain_verified_at: 'text?',
  created_at: 'text?',
  root_key_thumbprint: 'text?',
} as const satisfies Shape
/** The public state of an operator. */
export type OperatorState = Answer<typeof operatorState>

export const instructions = {
  domain: 'text',
  txt_record_name: 'text',
  txt_record_value: 'text',
  message: 'text',
} as const satisfies Shape
/** The TXT record to publish in DNS. */
export type DomainInstructions = Answer<typeof instructions>

export const confirmation = {
  verified: 'flag',
  message: 'text',
  verified_at: 'text?',
  reason: 'text?',
  takeover_at: 'text?',
} as const satisfies Shape
/** Whether the domain is proven. If it is not, `message` and the stable code `reason` say what the server found. */
export type DomainConfirmation = Answer<typeof confirmation>

export const released = { id: 'text', status: 'text', released_at: 'text' } as const satisfies Shape
/** An operator that has released its domain. */
export type ReleasedOperator = Answer<typeof released>

export const ended = { id: 'text', epoch: 'count', ended_at: 'text' } as const satisfies Shape
/** The new operator epoch. Tokens with a smaller operator epoch have ended. */
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
  key_seq: 'count?',
  updated_at: 'text?',
  recovery_at: 'text?',
  move_at: 'text?',
  moved_to: 'text?',
  moved_from: 'text?',
} as const satisfies Shape
/**
 * An agent. `status` is pending, active, suspended or revoked. `key_seq` is the number of the last event in its log of
 * key events, and `recovery_at` the time at which a recovery that waits takes effect.
 */
export type AgentRecord = Answer<typeof agent>

export const registeredAgent = { id: 'text', did: 'text', status: 'text' } as const satisfies Shape
/** A registered agent. */
export type RegisteredAgent = Answer<typeof registeredAgent>

export const approved = { agent_did: 'text', status: 'text', approved_at: 'text?' } as const satisfies Shape
/** An agent that its operator has approved. */
export type ApprovedAgent = Answer<typeof approved>

export const scopes = { updated: 'flag', did: 'text', allowed_scopes: 'texts' } as const satisfies Shape
/** The grant of an agent. */
export type AgentScopes = Answer<typeof scopes>

export const suspended = { agent_did: 'text', suspended_at: 'text' } as const satisfies Shape
/** A suspended agent. */
export type SuspendedAgent = Answer<typeof suspended>

export const reactivated = { agent_did: 'text', reactivated_at: 'text' } as const satisfies Shape
/** A reactivated agent. */
export type ReactivatedAgent = Answer<typeof reactivated>

export const revoked = { agent_did: 'text', revoked_at: 'text' } as const satisfies Shape
/** A revoked agent. */
export type RevokedAgent = Answer<typeof revoked>

export const revokedToken = { jti: 'text', revoked_at: 'text', ended_operator_id: 'text?' } as const satisfies Shape
/** A revoked token. `ended_operator_id` is set if the server has also ended all tokens of that operator's agents. */
export type RevokedToken = Answer<typeof revokedToken>

export const policy = { audiences: 'any', require_bound_challenges: 'flag' } as const satisfies Shape
export const audienceRule = {
  audience: 'text',
  callers: 'texts',
  token_signing_alg: 'text?',
  dpop: 'text?',
} as const satisfies Shape
/**
 * A rule for one of the operator's audiences: which callers may get tokens for it, which algorithm signs them, and
 * whether they must be bound to a key.
 */
export interface AudienceRule {
  readonly audience: string
  readonly callers: readonly string[]
  readonly token_signing_alg?: string | null | undefined
  /**
   * Whether tokens must be bound to a key by DPoP (RFC 9449): empty for no, `required`, or `required-with-nonce` if
   * the proof must also contain a nonce of the server.
   */
  readonly dpop?: string | null | undefined
}
/** The operator's policy for its agents and audiences. */
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
/** One audit record: an action that was done or refused. */
export type AuditRecord = Answer<typeof auditRecord>

export const suspendedOperator = { id: 'text', status: 'text', suspended_at: 'text' } as const satisfies Shape
/** A suspended operator. */
export type SuspendedOperator = Answer<typeof suspendedOperator>

export const reinstatedOperator = { id: 'text', status: 'text', reinstated_at: 'text' } as const satisfies Shape
/** A reinstated operator. */
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
  purpose: 'text?',
} as const satisfies Shape
/**
 * The public facts about a signing key. `state` is prepared, active, retiring, retired or compromised. `purpose` says
 * what the key signs: `access_token` or `introspection`. The keys of a server that leaves it out sign access tokens.
 */
export type SigningKeyState = Answer<typeof signingKey>

export const compromised = { kid: 'text', compromised_at: 'text', active_kid: 'text?' } as const satisfies Shape
/** A signing key that was marked as compromised. `active_kid` is the key that signs in its place. */
export type CompromisedKey = Answer<typeof compromised>

export const endedDeployment = { minimum_epoch: 'count', ended_at: 'text' } as const satisfies Shape
/** The new smallest operator epoch. Tokens of every operator with a smaller operator epoch have ended. */
export type EndedDeployment = Answer<typeof endedDeployment>
