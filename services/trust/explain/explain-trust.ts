import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ExplainTrustRequest, ExplainTrustResponseSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call } from '../../calls/call.ts'
import { abroadOf, collectBasis, stepBasis } from '../decide/basis.ts'
import { type Identity, identify } from '../decide/identify.ts'
import type { TrustEdge } from '../decide/paths/trust-edge.ts'
import { TrustGraph } from '../decide/paths/trust-graph.ts'
import { type Permission, permit } from '../decide/permit.ts'
import type { Step } from '../decide/steps.ts'
import type { ExplainDeps, Leg } from './deps.ts'
import { explainFreshness } from './explain-freshness.ts'
import { explainIdentity, explainLocalIdentity } from './explain-identity.ts'
import { explainLocalPermission, noOwner } from './explain-local-permission.ts'
import { type Display, NOBODY, readDisplay } from './explain-permission.ts'
import { type Question, readQuestion } from './read-question.ts'

type Answer = MessageInitShape<typeof ExplainTrustResponseSchema>

/**
 * Explains whether a token of the caller would be accepted now. It decides by rows that are read now and by what the
 * revocation logs say, as the verification of a foreign token does.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, INVALID_SCOPE, PERMISSION_DENIED, OPERATOR_NOT_FOUND
 */
export async function explainTrust(deps: ExplainDeps, request: ExplainTrustRequest, call: Call): Promise<Answer> {
  const question = await readQuestion(deps, request, call)
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
  const { caller, audience, scopes } = question
  const { current: rows } = deps.knowledge
  const nowMs = deps.now()
  const identity = await rows.issuer(caller.home, (row) => identify(row, caller, nowMs))
  const asking = { node: caller.node, operatorId: caller.operatorId || NOBODY }
  const permission = await permit(rows, { caller: asking, audience, scopes, nowMs })
  const steps = permission.ok ? permission.steps : []
  const display = await readDisplay(deps, question, permission)
  // Last of all that waits for the log: nothing of a yes had ended when this was asked.
  const ended = await findEnded(deps, identity, steps)
  const relied = [
    ...(identity.issuer?.isEnabled === true
      ? [{ shown: caller.home, issuer: identity.issuer, issuesToken: true }]
      : []),
    ...steps.flatMap(({ edge, issuer, home }) =>
      issuer === undefined ? [] : [{ shown: display.sees(edge) ? issuer : '', issuer: home, issuesToken: false }],
    ),
  ]
  const legs = [
    await explainIdentity(deps, caller, identity, ended.identity),
    explainPermission(display, permission, question, ended.edge),
    explainFreshness(deps, relied),
  ]
  return { legs, scopes: permission.ok ? permission.scopes : [] }
}

/** What has ended although the rows do not say so yet. */
interface Ended {
  readonly identity: Verdict | undefined
  /** The first edge of the path. */
  readonly edge: TrustEdge | undefined
}

/** Looks up identity and path in the log of this deployment, and statements of others in theirs. */
async function findEnded(
  { tokenStatus, logs }: Pick<ExplainDeps, 'tokenStatus' | 'logs'>,
  identity: Identity,
  steps: readonly Step[],
): Promise<Ended> {
  const check = async (basis: TrustBasis | undefined) => basis && tokenStatus.checkTrust(basis)
  const [first, ...others] = await Promise.all(
    [identity.ok ? collectBasis([], identity)?.basis : undefined, ...steps.map(stepBasis)].map(check),
  )
  const isEndedAbroad = (step: Step) =>
    abroadOf([step]).some(
      ({ issuer, edges, authors }) =>
        logs.of(issuer.issuer)?.lookupTrust({ issuers: [], edges, authors }) !== undefined,
    )
  const ended = steps.find((step, at) => others[at] !== undefined || isEndedAbroad(step))
  return { identity: first, edge: ended?.edge }
}

function explainPermission(
  display: Display,
  permission: Permission,
  question: Question,
  ended: TrustEdge | undefined,
): Leg {
  if (!permission.ok) {
    const { asked } = permission
    return asked === undefined ? noOwner(question) : display.refusal(asked.known.graph, asked.question, [])
  }
  const { known, steps } = permission
  if (ended === undefined) return { leg: 'permission', ok: true, path: steps.map(({ edge }) => display.edge(edge)) }
  const rest = new TrustGraph(known.graph.edges.filter(({ id }) => id !== ended.id))
  const { cures = [] } = display.refusal(rest, permission.question, [{ ...ended, state: 'revoked' }])
  const { kind, from = '', to = '' } = display.edge(ended)
  return { leg: 'permission', ok: false, missing: { kind: kind ?? '', from, to, state: 'revoked' }, cures }
}
