import {
  ATTESTATION_LEVELS,
  isAttestationLevel,
  MAX_ATTESTATIONS,
  type TokenAttestation,
} from '@auth4agent/core/token/attestation'
import type { Audience } from '@auth4agent/core/token/audience'
import { MAX_EDGES } from '@auth4agent/core/token/edges'
import type {
  AgentSnapshot,
  AttestationDemand,
  AttestationFinding,
  EnrolmentBounds,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { matchesPattern } from '../../platform/requests/matches-pattern.ts'
import type { ProvenKey } from './agent-proof.ts'

/** What an agent asks for. */
export interface WantedAuthority {
  readonly scopes: readonly string[]
  readonly audiences: readonly Audience[]
}

/** What enrolment and attestation make of a token or grant. */
export interface Attested {
  /** The longest lifetime, in seconds. */
  readonly ttl: number
  /** The end of the results with which the token ends, in Unix seconds. */
  readonly notAfterS: number
  /** Ids of the rule, and of the attestors, with which the token ends. */
  readonly edges: readonly string[]
  /** The results that the token states. */
  readonly results: readonly TokenAttestation[]
}

/** For an agent that has not enrolled itself, and has no results. */
export const UNATTESTED: Attested = {
  ttl: Number.POSITIVE_INFINITY,
  notAfterS: Number.POSITIVE_INFINITY,
  edges: [],
  results: [],
}

/** A token that would live shorter is not issued, in seconds: a client would ask for a new one all the time. */
const MIN_REST_S = 30
const BOUNDED =
  'An agent with an enrolment rule or a requirement must not hold the grant of another agent; it must exchange ' +
  'a token with may_act'

/**
 * Decides whether an agent may have a token or grant by its enrolment rule, and by the requirements of its operator.
 * This is the place for all that is issued. These agents are checked:
 *
 * - a token, the first grant of a chain: the agent, for its scopes and audiences
 * - a token for a user: the agent that acts, for its scopes and audiences
 * - a delegated token: the agent that acts, for all that it gets. The principal was checked when the subject token was
 *   issued: the new token has the edges of that token, and does not outlive it.
 * - a grant for another deployment: the agent, for its scopes and the resource. The grant names no edges, so there
 *   must be none.
 * - a statement about a holder: see checkUnbounded
 *
 * The results are about the identity key, so an added key meets no demand, and gets no results.
 *
 * @param nowMs Unix milliseconds
 * @throws ApiError ATTESTATION_REQUIRED, SCOPE_NOT_ALLOWED, AUDIENCE_NOT_ALLOWED
 */
export function checkAttestation(
  { enrolment, demands, findings }: Pick<AgentSnapshot, 'enrolment' | 'demands' | 'findings'>,
  wanted: WantedAuthority,
  key: ProvenKey,
  nowMs: number,
): Attested {
  if (enrolment !== undefined) checkBounds(enrolment, wanted)
  const isIdentityKey = key.addedKid === ''
  const applying = demands.filter((demand) => applies(demand, wanted))
  for (const demand of applying) checkDemand(demand, isIdentityKey, nowMs)
  const lasting = applying.filter(({ edges }) => edges.length > 0)
  const edges = [...(enrolment === undefined ? [] : [enrolment.edge]), ...lasting.flatMap((demand) => demand.edges)]
  return {
    ttl: enrolment === undefined || enrolment.tokenTtl === 0 ? Number.POSITIVE_INFINITY : enrolment.tokenTtl,
    notAfterS: Math.floor(Math.min(...lasting.map(({ metUntil }) => Number(metUntil) / 1_000))),
    edges: [...new Set(edges)],
    results: isIdentityKey ? statedResults(findings, nowMs) : [],
  }
}

/**
 * Refuses a statement about a holder that a rule or requirement bounds. With the statement it could present a chain to
 * a service itself. The service would not compare the chain with the rule or requirement, and the statement would not
 * end with them.
 *
 * @throws ApiError ATTESTATION_REQUIRED
 */
export function checkUnbounded({ enrolment, demands }: Pick<AgentSnapshot, 'enrolment' | 'demands'>): void {
  if (enrolment !== undefined || demands.length > 0) throw new ApiError('ATTESTATION_REQUIRED', BOUNDED)
}

/**
 * Returns all edges with which a token or grant ends.
 *
 * @throws ApiError INVALID_ARGUMENT for more edges than verifiers accept
 */
export function joinEdges(...lists: readonly (readonly string[])[]): readonly string[] {
  const edges = [...new Set(lists.flat())]
  if (edges.length <= MAX_EDGES) return edges
  const detail = `It would end with ${edges.length} edges, which must be at most ${MAX_EDGES}; ask for fewer audiences`
  throw new ApiError('INVALID_ARGUMENT', detail)
}

function checkBounds({ edge, scopes, audiences }: EnrolmentBounds, wanted: WantedAuthority): void {
  if (edge === '') throw new ApiError('ATTESTATION_REQUIRED', 'The enrolment rule of the agent must still exist')
  const excess = wanted.scopes.filter((scope) => !scopes.includes(scope))
  if (excess.length > 0) {
    throw new ApiError('SCOPE_NOT_ALLOWED', `The agent's enrolment rule must include the scope "${excess.join(' ')}"`)
  }
  const foreign = audiences.length === 0 ? undefined : wanted.audiences.find(({ text }) => !audiences.includes(text))
  if (foreign === undefined) return
  throw new ApiError('AUDIENCE_NOT_ALLOWED', `The agent's enrolment rule must list the audience ${foreign.text}`)
}

/** A demand on a host also applies to the URLs at this host. */
function applies({ scopes, audiences }: AttestationDemand, wanted: WantedAuthority): boolean {
  const isOfScopes =
    scopes.length === 0 || wanted.scopes.some((scope) => scopes.some((each) => matchesPattern(each, scope)))
  if (!isOfScopes || audiences.length === 0) return isOfScopes
  return wanted.audiences.some(({ text, host }) =>
    audiences.some((each) => matchesPattern(each, text) || each === host),
  )
}

function checkDemand({ name, metUntil, lack, edges }: AttestationDemand, isIdentityKey: boolean, nowMs: number): void {
  if (!isIdentityKey) throw unmet(name, 'the identity key of the agent must sign, because the results are about it')
  const restMs = Number(metUntil) - nowMs
  if (restMs <= 0) throw unmet(name, lack === '' ? 'its results have expired' : lack)
  if (edges.length > 0 && restMs < MIN_REST_S * 1_000) {
    throw unmet(name, `its results must count for at least ${MIN_REST_S} more seconds`)
  }
}

function unmet(name: string, lack: string): ApiError {
  return new ApiError('ATTESTATION_REQUIRED', `The agent does not meet "${name}": ${lack}`)
}

/** The strongest and then the latest results come first, because a token states only a few. */
function statedResults(findings: readonly AttestationFinding[], nowMs: number): readonly TokenAttestation[] {
  return findings
    .flatMap(({ attestor, type, level, at, expiresAt }) =>
      isAttestationLevel(level) && Number(expiresAt) > nowMs ? [{ attestor, type, level, at: Number(at) }] : [],
    )
    .toSorted((one, other) => rank(other) - rank(one) || other.at - one.at)
    .slice(0, MAX_ATTESTATIONS)
}

function rank({ level }: TokenAttestation): number {
  return ATTESTATION_LEVELS.indexOf(level)
}
