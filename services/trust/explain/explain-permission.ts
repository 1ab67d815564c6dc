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
import type { EndedRow, ShownStatement } from './rows.ts'
import { type Sees, visibleGraph, visibleTo } from './visible-graph.ts'

/** Tells what the asker may see of statements, and how operators are called. */
export class Display {
  readonly sees: Sees
  readonly nameOf: ExplainContext['nameOf']
  readonly #issuer: string
  readonly #statements: ReadonlyMap<string, ShownStatement>
  readonly #ended: readonly EndedRow[]

  constructor(
    issuer: string,
    { asker, caller, owner }: Question,
    found: {
      readonly known: KnownGraph
      readonly statements: readonly ShownStatement[]
      readonly ended: readonly EndedRow[]
    },
  ) {
    this.#issuer = issuer
    this.#ended = found.ended
    this.#statements = new Map(found.statements.map((each) => [each.id, each]))
    this.sees = visibleTo(asker, this.#statements)
    const names = new Map<string, Party>(found.known.parties)
    for (const { from, to, signer, subject } of found.ended) names.set(from, signer).set(to, subject)
    names.set(owner.operatorId, { operatorId: owner.operatorId, domain: owner.domain, home: issuer })
    names.set(caller.node, caller)
    this.nameOf = (node) => names.get(node) ?? { operatorId: node, domain: node, home: issuer }
  }

  /** Shows an edge, or only its kind. */
  edge(edge: TrustEdge): EdgeMessage {
    if (!this.sees(edge)) return { kind: edge.kind }
    const { kind, id, from, to, exp } = edge
    const proof = this.#statements.get(id)?.proof ?? ''
    const names = { from: this.nameOf(from).domain, to: this.nameOf(to).domain }
    return { kind, edgeId: id, ...names, proof, expiresAt: timestampFromMs(exp * 1_000) }
  }

  /** Shows that an edge has ended a moment ago. */
  ended(edge: TrustEdge): MissingMessage {
    const { kind, from = '', to = '' } = this.edge(edge)
    return { kind: kind ?? '', from, to, state: 'revoked' }
  }

  /** Explains a no by what the asker may see. `ended` are edges of the graph that have just ended. */
  refusal(graph: TrustGraph, question: TrustQuestion, ended: readonly EndedEdge[]): Leg {
    const visible = visibleGraph(graph, this.sees)
    const rows = this.#ended.filter((row) => row.isPublic || this.sees(row))
    const { cures } = findCures(visible, question, {
      issuer: this.#issuer,
      nameOf: this.nameOf,
      commandFor: ({ missing: edge, draft }) => (draft ? signStatement(draft) : this.#revoke(edge)),
      ended: [...rows, ...ended.filter(this.sees)],
    })
    const missing = cures[0]?.missing
    return {
      leg: 'permission',
      ok: false,
      ...(missing && { missing: missingMessage(missing) }),
      cures: cures.map(cureMessage),
    }
  }

  #revoke({ edge = '' }: MissingEdge): string {
    return revokeStatement(this.#statements.get(edge)?.jti ?? 'JTI')
  }
}

/** Reads what the asker may see of the graph that was asked, and the proofs of a path in it. */
export async function readDisplay(
  { rows, issuer }: Pick<ExplainDeps, 'rows' | 'issuer'>,
  question: Question,
  permission: Permission,
): Promise<Display> {
  const { owner, caller } = question
  const known = (permission.ok ? permission.known : permission.asked?.known) ?? buildGraph([])
  const path = permission.ok ? permission.steps : []
  const [statements, ended] = await Promise.all([
    rows.statements(
      known.graph.edges.map(({ id }) => id),
      path.map(({ edge }) => edge.id),
    ),
    rows.ended(owner.operatorId || NOBODY, caller.operatorId || NOBODY),
  ])
  return new Display(issuer, question, { known, statements, ended })
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
