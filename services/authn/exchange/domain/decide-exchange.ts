import { type Capabilities, isUnconstrained } from '@auth4agent/core/delegation/constraint'
import { compareCapabilities } from '@auth4agent/core/delegation/order'
import { MAX_CAPABILITIES } from '@auth4agent/core/delegation/parse-capabilities'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../../platform/errors/reasons.ts'
import { type AgentProof, checkStatuses, type ProvenKey, proveKey } from '../../domain/agent-proof.ts'
import { audiencesOf, splitCapability } from '../../domain/split-capability.ts'
import type { Subject } from '../../domain/subject.ts'
import { bindingOf, resolveTerm } from '../../domain/token-request.ts'
import type { ExchangeRequest } from './exchange-request.ts'

/** What a delegated token allows. */
export interface ExchangeTerms {
  /** Scopes without constraints at every audience, sorted. */
  readonly scope: readonly string[]
  readonly audience: ExchangeRequest['audience']
  readonly details: Capabilities
}

/** The client of an exchange: the key that has signed the assertion, and its thumbprint. */
export interface ProvenClient {
  readonly key: ProvenKey
  readonly jkt: string
}

/** Reasons why a detail is wider than the subject token. They are the same as between two grants. */
const WIDER = [
  'CAPABILITY_ADDED',
  'ARGUMENT_ADDED',
  'CONSTRAINT_DROPPED',
  'CONSTRAINT_WIDENED',
] as const satisfies readonly ReasonCode[]

/**
 * Decides which key the client has proved, and whether the client may have tokens at all.
 *
 * @param nowS Unix seconds
 * @throws ApiError INVALID_SIGNATURE, the error of `proof.wrongKey`, AGENT_NOT_ACTIVE, AGENT_OPERATOR_NOT_ACTIVE
 */
export function proveClient(subject: Subject, proof: AgentProof, nowS: number): ProvenClient {
  const key = proveKey(subject, proof, nowS)
  checkStatuses(subject)
  return { key, jkt: key.addedKid === '' ? thumbprint(subject.agent.publicKey) : key.addedKid }
}

/**
 * Returns the terms that the client asks for. The assertion may contain them, and must contain all of them if the
 * operator demands it. They are at most as many capabilities as a grant has.
 *
 * @throws ApiError BINDING_MISMATCH, BINDING_REQUIRED, INVALID_ARGUMENT, MALFORMED_GRANT
 */
export function resolveExchange(
  { agent, operator }: Subject,
  proof: AgentProof,
  { subject, scope: asked, audience, wanted }: ExchangeRequest,
): ExchangeTerms {
  const { covered } = proof
  const requested = bindingOf({ scope: asked, audience, ttl: undefined })
  if (covered.may_act !== undefined) {
    throw new ApiError('BINDING_MISMATCH', 'The client assertion must not contain may_act in an exchange')
  }
  resolveTerm('resource', covered.aud?.join(' '), requested.aud?.join(' '))
  const text = resolveTerm('scope', covered.scope, requested.scope) ?? ''
  if (covered.details !== undefined && covered.details !== wanted?.digest) {
    throw new ApiError('BINDING_MISMATCH', 'authorization_details must be the text whose SHA-256 is the claim details')
  }
  resolveTerm('subject_token', covered.subject_token, subject.digest)
  const isBound = proof.isFullyBound && covered.subject_token !== undefined && covered.details === wanted?.digest
  if ((agent.requireBoundChallenges || operator.requireBoundChallenges) && !isBound) {
    throw new ApiError('BINDING_REQUIRED', UNBOUND)
  }
  const scope = text === '' ? [] : text.split(' ')
  const details: Capabilities = wanted?.capabilities ?? new Map()
  checkDetails(scope, audience, details)
  return { scope, audience, details }
}

const UNBOUND =
  'The client assertion must contain the claims scope, resource and subject_token, and details if the request has ' +
  'authorization_details, because the operator requires it'

function checkDetails(scope: readonly string[], audience: ExchangeRequest['audience'], details: Capabilities): void {
  if (scope.length === 0 && details.size === 0) {
    throw new ApiError('INVALID_ARGUMENT', 'scope or authorization_details must not be missing')
  }
  const count = scope.length * audience.length + details.size
  if (count > MAX_CAPABILITIES) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      `A token must allow at most ${MAX_CAPABILITIES} capabilities, but each scope at each resource and the details are ${count}`,
    )
  }
  for (const capability of details.keys()) {
    const { audience: at, scope: detail } = splitCapability(capability)
    if (!audience.some(({ text: each }) => each === at)) {
      throw malformed(`${JSON.stringify(capability)} must be at one of the audiences in resource`)
    }
    if (scope.includes(detail)) throw malformed(`the scope "${detail}" must not be in the parameter scope too`)
  }
}

/**
 * Checks that every party of a subject token may have what the client asks for.
 *
 * @param limits what each party may have
 * @throws ApiError AUDIENCE_NOT_ALLOWED, SCOPE_NOT_ALLOWED, CAPABILITY_ADDED, ARGUMENT_ADDED, CONSTRAINT_DROPPED,
 *   CONSTRAINT_WIDENED
 */
export function checkLimits({ scope, audience, details }: ExchangeTerms, limits: readonly Capabilities[]): void {
  for (const limit of limits) {
    const known = audiencesOf(limit)
    const foreign = audience.find(({ text }) => !known.includes(text))
    if (foreign !== undefined) {
      throw new ApiError('AUDIENCE_NOT_ALLOWED', `subject_token must allow something at ${foreign.text}`)
    }
    for (const { text } of audience) {
      const excess = scope.filter((each) => !isFree(limit, `${text}#${each}`))
      if (excess.length === 0) continue
      throw new ApiError(
        'SCOPE_NOT_ALLOWED',
        `subject_token must allow the scope "${excess.join(' ')}" at ${text}, without constraints`,
      )
    }
    const refusal = compareCapabilities(details, limit)
    if (refusal === undefined) continue
    const reason = WIDER.find((each) => each === refusal.reason) ?? 'CONSTRAINT_WIDENED'
    throw new ApiError(reason, `In authorization_details, ${refusal.rule}`)
  }
}

function isFree(limit: Capabilities, capability: string): boolean {
  const map = limit.get(capability)
  return map !== undefined && isUnconstrained(map)
}

function malformed(rule: string): ApiError {
  return new ApiError('MALFORMED_GRANT', `In authorization_details, ${rule}`)
}
