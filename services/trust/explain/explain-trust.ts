import type { TrustVerdict } from '@auth4agent/core/revocation/revocation-log'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ExplainTrustRequest, ExplainTrustResponseSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Principal } from '../../calls/call.ts'
import { type Decision, decide, type TrustQuestion } from '../graph/decide.ts'
import type { TrustEdge } from '../graph/trust-edge.ts'
import { buildGraph, type KnownGraph } from '../knowledge/known-graph.ts'
import { readHomes } from '../knowledge/read-homes.ts'
import type { ExplainDeps, Leg } from './deps.ts'
import { explainFreshness, type Relied } from './explain-freshness.ts'
import { disabled, explainIdentity, explainLocalIdentity, type Identity, unproven } from './explain-identity.ts'
import { explainLocalPermission, noOwner } from './explain-local-permission.ts'
import { type Display, NOBODY, readDisplay } from './explain-permission.ts'
import { findEnded, stepOf } from './find-ended.ts'
import { type Question, readQuestion } from './read-question.ts'

type Answer = MessageInitShape<typeof ExplainTrustResponseSchema>

/**
 * Explains whether a token of the caller would be accepted now. It decides by rows that are read now and by what the
 * revocation logs say, as the verification of a foreign token does.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, INVALID_SCOPE, PERMISSION_DENIED, OPERATOR_NOT_FOUND
 */
export async function explainTrust(
  deps: ExplainDeps,
  request: ExplainTrustRequest,
  principal: Principal,
): Promise<Answer> {
  const question = await readQuestion(deps, request, principal)
  // Before all other rows, so that the answer is at least as new as the position.
  const position = await deps.rows.position()
  const found = question.caller.isLocal ? explainLocal(deps, question) : await explainForeign(deps, question)
  const allowed = found.legs.every(({ ok }) => ok)
  return { allowed, position, legs: [...found.legs], effectiveScopes: allowed ? [...found.scopes] : [] }
}

interface Found {
  readonly legs: readonly Leg[]
  /** Scopes at the audience, if all legs are ok. */
  readonly scopes: readonly string[]
}

/** The policy of the owner decides about tokens of this deployment. What is known of them is always current. */
function explainLocal(deps: ExplainDeps, question: Question): Found {
  const identity = explainLocalIdentity(deps.issuer, question.caller)
  const legs = [identity, explainLocalPermission(deps.issuer, question), explainFreshness(deps, [])]
  return { legs, scopes: question.scopes }
}

async function explainForeign(deps: ExplainDeps, question: Question): Promise<Found> {
  const { owner, caller, audience, scopes } = question
  const identity = await explainIdentity(deps, caller)
  const known =
    owner.operatorId === ''
      ? buildGraph().known
      : await deps.knowledge.rereadBetween(owner.operatorId, caller.operatorId || NOBODY)
  const asked: TrustQuestion = {
    owner: owner.operatorId,
    caller: caller.node,
    audience: audience.text,
    host: audience.host,
    scopes,
    nowS: Math.floor(deps.now() / 1_000),
  }
  const decision = decide(known.graph, asked)
  const path = decision.allowed ? decision.path : []
  const display = await readDisplay(deps, question, known, path)
  const issuers = await readHomes(deps.knowledge, path, known)
  const steps = path.map((edge) => stepOf(issuers, known, edge))
  // Last of all that waits: nothing of a yes had ended when this was asked.
  const ended = await findEnded(deps, identity, steps)
  const homes = steps.map(({ edge, home, issuer }) => ({ shown: display.sees(edge) ? home : '', issuer, home }))
  const relied: Relied[] = [
    ...(identity.issuer?.isEnabled === true
      ? [{ shown: caller.home, issuer: identity.issuer, issuesToken: true }]
      : []),
    ...homes.flatMap(({ shown = '', issuer, home }) =>
      home === undefined ? [] : [{ shown, issuer, issuesToken: false }],
    ),
  ]
  const legs = [
    endedIdentity(deps, question, identity, ended.identity),
    explainPermission(display, known, { question, asked, decision, ended: ended.step }),
    explainFreshness(deps, relied),
  ]
  return { legs, scopes: decision.allowed ? decision.effectiveScopes : [] }
}

/** Returns the leg `identity`, or another one if it has ended while the question was answered. */
function endedIdentity(
  { issuer }: ExplainDeps,
  { caller }: Question,
  identity: Identity,
  verdict: TrustVerdict | undefined,
): Leg {
  if (verdict === undefined) return identity.leg
  return verdict === 'ISSUER_DISABLED' ? disabled(issuer, caller.home) : unproven(caller, identity.issuer?.kind)
}

interface Decided {
  readonly question: Question
  readonly asked: TrustQuestion
  readonly decision: Decision
  /** The edge of the path that has just ended. */
  readonly ended: TrustEdge | undefined
}

function explainPermission(display: Display, known: KnownGraph, { question, asked, decision, ended }: Decided): Leg {
  if (question.owner.operatorId === '') return noOwner(question)
  if (!decision.allowed) return display.refusal(known, asked, [])
  if (ended === undefined) return { leg: 'permission', ok: true, path: decision.path.map((edge) => display.edge(edge)) }
  known.graph.remove(ended.id)
  const { cures = [] } = display.refusal(known, asked, [{ ...ended, state: 'revoked' }])
  return { leg: 'permission', ok: false, missing: display.ended(ended), cures }
}
