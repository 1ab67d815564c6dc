import { decidePath, type PathRefusal } from '../../decide/paths/decide-path.ts'
import type { TrustQuestion } from '../../decide/paths/search.ts'
import type { TrustEdge } from '../../decide/paths/trust-edge.ts'
import type { TrustGraph } from '../../decide/paths/trust-graph.ts'
import type { OpenPath } from './best-paths.ts'
import { draftStatement, type Wanted } from './draft-cure.ts'
import type { Cure, EndedEdge, ExplainContext, Explanation, MissingEdge, MissingState } from './explanation.ts'
import { findOpenPaths } from './open-paths.ts'

const MOST_CURES = 5

/**
 * Says which edge is missing where `decidePath` says no, and who can sign it. The cures need as few signatures as
 * possible. While the owner blocks the caller, the only cure is to lift the block. Returns no cures for a yes.
 */
export function findCures(graph: TrustGraph, question: TrustQuestion, context: ExplainContext): Explanation {
  const refusal = decidePath(graph, question)
  if (refusal.allowed) return { cures: [], visited: refusal.visited }
  const { search, block, hasPath } = refusal
  const wanted = new EndedEdges(search.expired, context)
  const signatures = block !== undefined && !hasPath ? 2 : 1
  const cures = openPathsOf(refusal, question, context).map((open) =>
    makeCure(wanted.describe(open), signatures, question, context),
  )
  return { cures, visited: search.visited }
}

function openPathsOf(
  { search, around, block }: PathRefusal,
  { owner, caller }: TrustQuestion,
  { maxCures = MOST_CURES }: ExplainContext,
): readonly OpenPath[] {
  return block === undefined ? findOpenPaths(search, around, maxCures) : [{ nodes: [owner, caller], at: 0, block }]
}

function makeCure(wanted: Wanted, signatures: number, question: TrustQuestion, context: ExplainContext): Cure {
  const { missing } = wanted
  const draft = draftStatement(wanted, question, context)
  const cure = { missing, ...(draft && { draft }) }
  return { who: missing.from, whoNode: missing.fromNode, signatures, ...cure, command: context.commandFor(cure) }
}

/** Tells why the edge of an open path is missing. */
class EndedEdges {
  readonly #context: ExplainContext
  readonly #ended: readonly EndedEdge[]

  constructor(expired: readonly TrustEdge[], context: ExplainContext) {
    this.#context = context
    this.#ended = [...expired.map((edge): EndedEdge => ({ ...edge, state: 'expired' })), ...context.ended]
  }

  describe(open: OpenPath): Wanted {
    const { nodes, at, block, unmapped } = open
    const [owner = ''] = nodes
    const to = nodes[at + 1] ?? ''
    if (block !== undefined) return this.#wanted('blocks', owner, to, 'blocked', block)
    const from = nodes[at] ?? ''
    if (at > 0) return this.#withState('member', from, to, 0)
    const kind = nodes.length === 2 ? 'lets-call' : 'accepts-members-of'
    const depth = nodes.length - 2
    if (unmapped === undefined) return this.#withState(kind, from, to, depth)
    return this.#wanted(kind, from, to, 'scope-unmapped', unmapped, depth)
  }

  /** Returns the edge with the state of the one that ended last. */
  #withState(kind: MissingEdge['kind'], from: string, to: string, depth: number): Wanted {
    const last = this.#ended
      .filter((edge) => edge.kind === kind && edge.from === from && edge.to === to && edge.depth >= depth)
      .reduce<EndedEdge | undefined>((one, other) => (one && isLater(one, other) ? one : other), undefined)
    return this.#wanted(kind, from, to, last?.state ?? 'absent', last, depth)
  }

  #wanted(
    kind: MissingEdge['kind'],
    fromNode: string,
    toNode: string,
    state: MissingState,
    edge: TrustEdge | undefined,
    depth = 0,
  ): Wanted {
    const { nameOf } = this.#context
    const names = { from: nameOf(fromNode).domain, to: nameOf(toNode).domain, fromNode, toNode }
    const missing: MissingEdge = { kind, ...names, state, ...(edge && { edge: edge.id }) }
    return { missing, depth, earlierGrants: edge?.grants ?? [] }
  }
}

function isLater(one: EndedEdge, other: EndedEdge): boolean {
  return one.exp === other.exp ? one.id < other.id : one.exp > other.exp
}
