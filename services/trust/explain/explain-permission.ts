import { isUuid } from '@auth4agent/core/encoding/uuid'
import { draftClaims, parseTrustDraft } from '@auth4agent/core/trust/read-draft'
import type { JsonObject } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { buildGraph, type KnownGraph } from '../decide/known-graph.ts'
import type { TrustQuestion } from '../decide/paths/decide-path.ts'
import type { TrustEdge } from '../decide/paths/trust-edge.ts'
import type { TrustGraph } from '../decide/paths/trust-graph.ts'
import type { Permission } from '../decide/permit.ts'
import type { Party } from '../decide/read-statements.ts'
import { revokeStatement, signStatement } from './cures/cure-commands.ts'
import type { Cure, EndedEdge, ExplainContext, MissingEdge } from './cures/explanation.ts'
import { findCures } from './cures/find-cures.ts'
import type { CureMessage, EdgeMessage, ExplainDeps, Leg, MissingMessage } from './deps.ts'
import type { Question } from './read-question.ts'
import type { EndedRow } from './rows.ts'
import { type Sees, visibleGraph, visibleTo } from './visible-graph.ts'

/** What the asker may see of statements, and how operators are called. */
export interface Display {
  readonly sees: Sees
  /** Shows an edge, or only its kind. */
  edge(edge: TrustEdge): EdgeMessage
  /** Explains a no by what the asker may see. `ended` are edges of the graph that have just ended. */
  refusal(graph: TrustGraph, question: TrustQuestion, ended: readonly EndedEdge[]): Leg
}

/** Reads what the asker may see of the graph that was asked, and the proofs of a path in it. */
export async function readDisplay(
  { rows, issuer }: Pick<ExplainDeps, 'rows' | 'issuer'>,
  question: Question,
  permission: Permission,
): Promise<Display> {
  const { asker, owner, caller } = question
  const known = (permission.ok ? permission.known : permission.asked?.known) ?? buildGraph([])
  const path = permission.ok ? permission.steps.map(({ edge }) => edge.id) : []
  const ids = known.graph.edges.map(({ id }) => id)
  const [shown, ended] = await Promise.all([
    rows.statements(ids, path),
    rows.ended(owner.operatorId || NOBODY, caller.operatorId || NOBODY),
  ])
  const statements = new Map(shown.map((each) => [each.id, each]))
  const sees = visibleTo(asker, statements)
  const nameOf = namesOf(issuer, question, known, ended)
  const commandFor: ExplainContext['commandFor'] = ({ missing: { edge = '' }, draft }) =>
    draft ? signStatement(draft) : revokeStatement(statements.get(edge)?.jti ?? 'JTI')
  return {
    sees,
    edge(edge) {
      if (!sees(edge)) return { kind: edge.kind }
      const { kind, id, from, to, exp } = edge
      const proof = statements.get(id)?.proof ?? ''
      const names = { from: nameOf(from).domain, to: nameOf(to).domain }
      return { kind, edgeId: id, ...names, proof, expiresAt: timestampFromMs(exp * 1_000) }
    },
    refusal(graph, asked, justEnded) {
      const visibleEnded = [...ended.filter((row) => row.isPublic || sees(row)), ...justEnded.filter(sees)]
      const { cures } = findCures(visibleGraph(graph, sees), asked, { issuer, nameOf, commandFor, ended: visibleEnded })
      const missing = cures[0]?.missing
      return {
        leg: 'permission',
        ok: false,
        ...(missing && { missing: missingMessage(missing) }),
        cures: cures.map(cureMessage),
      }
    },
  }
}

function namesOf(
  issuer: string,
  { owner, caller }: Question,
  known: KnownGraph,
  ended: readonly EndedRow[],
): ExplainContext['nameOf'] {
  const names = new Map<string, Party>(known.parties)
  for (const { from, to, signer, subject } of ended) names.set(from, signer).set(to, subject)
  names.set(owner.operatorId, { operatorId: owner.operatorId, domain: owner.domain, home: issuer })
  names.set(caller.node, caller)
  return (node) => names.get(node) ?? { operatorId: node, domain: node, home: issuer }
}

/** The id that no operator has. */
export const NOBODY = '00000000-0000-0000-0000-000000000000'

function missingMessage({ kind, from, to, state }: MissingEdge): MissingMessage {
  return { kind, from, to, state }
}

function cureMessage({ missing, signatures, draft, command }: Cure): CureMessage {
  const claims: JsonObject | undefined = draft && JSON.parse(JSON.stringify(draftClaims(draft)))
  // The id of a caller that has never been proven is not known, so its statement cannot be drafted.
  const isComplete = claims !== undefined && isUuid(draft?.sub ?? '') && parseTrustDraft(claims).ok
  return { who: missing.from, signatures, command, ...(isComplete && { draft: claims }) }
}
