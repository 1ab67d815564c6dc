import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'

/** The answers of a server to operators and administrators, by their names on the wire. Times are RFC 3339 in UTC. */

export const registeredOperator = { id: 'text', domain: 'text', status: 'text' } as const satisfies Shape
/** A registered operator. `status` is pending, active, lapsed, suspended, superseded or released. */
export type RegisteredOperator = Answer<typeof registeredOperator>

export const operatorState = {
  ...registeredOperator,
  domain_verified_at: 'text?',
  created_at: 'text?',
  root_key_thumbprint: 'text?',
  frozen_at: 'text?',
} as const satisfies Shape
/**
 * The public state of an operator. `frozen_at` is set while the DNS record names a key that is no root key of the
 * operator. Until then it can only take authority away and set its root keys.
 */
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
  max_delegation_depth: 'count?',
  redirect_uris: 'texts?',
} as const satisfies Shape
/**
 * An agent. `status` is pending, active, suspended or revoked. `key_seq` is the number of the last event in its log of
 * key events, and `recovery_at` the time at which a recovery that waits takes effect. `max_delegation_depth` says how
 * many times a grant of the agent may be handed on; only the operator sees it.
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

export const auditRecord = {
  id: 'text',
  at: 'text',
  actor: 'text',
  action: 'text',
  subject: 'text',
  outcome: 'text',
  reason: 'text?',
  request_id: 'text?',
  kid: 'text?',
  key_label: 'text?',
  trace_id: 'text?',
} as const satisfies Shape
/**
 * One audit record: an action that was done or refused. `kid` and `key_label` name the key that signed the request;
 * they are empty if no key did. `trace_id` is empty if the server did not trace.
 */
export type AuditRecord = Answer<typeof auditRecord>

const signedRequest = { rpc: 'text', signatures: 'texts', body: 'text?', body_digest: 'text' } as const satisfies Shape
/**
 * A request as its caller signed it. `signatures` are the assertion and the approvals, or for HTTP message signatures
 * the signature base, Signature-Input and Signature. `body` is base64; it is empty if the body contained a secret.
 */
export type SignedRequestAnswer = Answer<typeof signedRequest>

/** An audit record with the signed request that caused it; a change by the server itself has none. */
export interface AuditEvidence {
  readonly record: AuditRecord
  readonly signed_request: SignedRequestAnswer | undefined
}

/** Checks an answer with an audit record and its signed request. */
export function readEvidence(value: unknown): AuditEvidence {
  const { record, signed_request: signed } = readAnswer({ record: 'any', signed_request: 'any' }, value)
  const isSigned = signed !== undefined && signed !== null
  return {
    record: readAnswer(auditRecord, record),
    signed_request: isSigned ? readAnswer(signedRequest, signed) : undefined,
  }
}

export const operatorKeys = {
  id: 'text',
  seq: 'count',
  manifest: 'text',
  threshold: 'count',
  root_keys: 'any',
} as const satisfies Shape
/** The keys of an operator, as the server tells them. */
export type OperatorKeysAnswer = Answer<typeof operatorKeys>

const operatorKey = { kid: 'text', label: 'text?' } as const satisfies Shape

/** Checks a list of keys. */
export function readKeys(value: unknown): readonly Answer<typeof operatorKey>[] {
  return readAnswers(operatorKey, value)
}

export const keyRequests = { requests: 'any' } as const satisfies Shape
const keyRequest = { kid: 'text', request: 'text', submitted_at: 'text', expires_at: 'text' } as const satisfies Shape
/** A request for a passkey that waits. */
export type WaitingKeyRequest = Answer<typeof keyRequest>

/** Checks a list of requests for passkeys. */
export function readKeyRequests(value: unknown): readonly WaitingKeyRequest[] {
  return readAnswers(keyRequest, value)
}

export const setOperatorKeys = { id: 'text', seq: 'count', threshold: 'count' } as const satisfies Shape
/** The number of the new manifest, and of the root keys that must approve the next root operation. */
export type SetOperatorKeys = Answer<typeof setOperatorKeys>

export const sent = { id: 'text' } as const satisfies Shape
/** The answer to a prepared request: that of SetOperatorKeys or ReleaseDomain. */
export type SentRequest = Answer<typeof sent>

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
 * what the key signs: `access_token`, `introspection`, `grant`, `federation` or `security_event`. The keys of a server
 * that leaves it out sign access tokens.
 */
export type SigningKeyState = Answer<typeof signingKey>

export const compromised = { kid: 'text', compromised_at: 'text', active_kid: 'text?' } as const satisfies Shape
/** A signing key that was marked as compromised. `active_kid` is the key that signs in its place. */
export type CompromisedKey = Answer<typeof compromised>

export const endedDeployment = { minimum_epoch: 'count', ended_at: 'text' } as const satisfies Shape
/** The new smallest operator epoch. Tokens of every operator with a smaller operator epoch have ended. */
export type EndedDeployment = Answer<typeof endedDeployment>
