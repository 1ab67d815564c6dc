import type { OpenPath } from './best-paths.ts'
import { draftStatement, type Wanted } from './draft-cure.ts'
import type {
  Cure,
  EndedEdge,
  ExplainContext,
  Explanation,
  MissingEdge,
  MissingState,
  ShownEdge,
} from './explanation.ts'
import { findOpenPaths } from './open-paths.ts'
import { Search, type TrustQuestion } from './search.ts'
import { findPath, survey } from './survey.ts'
import type { TrustEdge } from './trust-edge.ts'
import type { TrustGraph } from './trust-graph.ts'

const MOST_CURES = 5

/**
 * Says why the caller may call an audience, or else which edge is missing and who can sign it.
 *
 * It answers yes when `decide` does. Else the cures need as few signatures as possible. While the owner blocks the
 * caller, the only cure is to lift the block.
 */
export function explain(graph: TrustGraph, question: TrustQuestion, context: ExplainContext): Explanation {
  const { owner, caller, scopes } = question
  const search = new Search(graph, question)
  const answer = { leg: 'permission', ok: true, path: [], effectiveScopes: [], cures: [] } as const
  if (owner === caller) return { ...answer, effectiveScopes: [...new Set(scopes)].toSorted(), visited: search.visited }
  const around = survey(search)
  const path = findPath(search, around)
  const callerNode = graph.findNode(caller)
  const block = callerNode === undefined ? undefined : around.blocks.get(callerNode)
  if (path !== undefined && block === undefined) {
    const edges = path.map((row) => showEdge(graph.edgeAt(row), context))
    const effectiveScopes = path.slice(0, 1).flatMap((row) => search.scopesOf(row) ?? [])
    return { ...answer, path: edges, effectiveScopes, visited: search.visited }
  }
  const openPaths: readonly OpenPath[] =
    block === undefined
      ? findOpenPaths(search, around, context.maxCures ?? MOST_CURES)
      : [{ nodes: [owner, caller], at: 0, block }]
  const wanted = new EndedEdges(search, context)
  const signatures = block !== undefined && path === undefined ? 2 : 1
  const cures = openPaths.map((open) => makeCure(wanted.describe(open), signatures, question, context))
  const missing = cures[0]?.missing
  return { ...answer, ok: false, ...(missing && { missing }), cures, visited: search.visited }
}

function makeCure(wanted: Wanted, signatures: number, question: TrustQuestion, context: ExplainContext): Cure {
  const { missing } = wanted
  const draft = draftStatement(wanted, question, context)
  const cure = { missing, ...(draft && { draft }) }
  return { who: missing.from, whoNode: missing.fromNode, signatures, ...cure, command: context.commandFor(cure) }
}

function showEdge({ kind, id, from, to, exp }: TrustEdge, { nameOf }: ExplainContext): ShownEdge {
  return { kind, edge: id, from: nameOf(from).domain, to: nameOf(to).domain, fromNode: from, toNode: to, exp }
}

/** Tells why the edge of an open path is missing. */
class EndedEdges {
  readonly #graph: TrustGraph
  readonly #context: ExplainContext
  readonly #ended: readonly EndedEdge[]

  constructor({ graph, expired }: Search, context: ExplainContext) {
    this.#graph = graph
    this.#context = context
    const inGraph = expired.map((row): EndedEdge => ({ ...graph.edgeAt(row), state: 'expired' }))
    this.#ended = [...inGraph, ...context.ended]
  }

  describe(open: OpenPath): Wanted {
    const { nodes, at, block, unmapped } = open
    const [owner = ''] = nodes
    const to = nodes[at + 1] ?? ''
    if (block !== undefined) return this.#wanted('blocks', owner, to, 'blocked', this.#graph.edgeAt(block))
    const from = nodes[at] ?? ''
    if (at > 0) return this.#withState('member', from, to, 0)
    const kind = nodes.length === 2 ? 'lets-call' : 'accepts-members-of'
    const depth = nodes.length - 2
    if (unmapped === undefined) return this.#withState(kind, from, to, depth)
    return this.#wanted(kind, from, to, 'scope-unmapped', this.#graph.edgeAt(unmapped), depth)
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
