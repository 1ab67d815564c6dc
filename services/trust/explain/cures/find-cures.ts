import { decidePath } from '../../decide/paths/decide-path.ts'
import type { TrustQuestion } from '../../decide/paths/search.ts'
import type { TrustGraph } from '../../decide/paths/trust-graph.ts'
import type { OpenPath } from './best-paths.ts'
import { draftStatement, type Wanted } from './draft-cure.ts'
import type { Cure, EndedEdge, ExplainContext, Explanation, MissingEdge } from './explanation.ts'
import { findOpenPaths } from './open-paths.ts'

const MOST_CURES = 5

/**
 * Says which edge is missing where `decidePath` says no, and who can sign it. The cures need as few signatures as
 * possible. While the owner blocks the caller, the only cure is to lift the block. Returns no cures for a yes.
 */
export function findCures(graph: TrustGraph, question: TrustQuestion, context: ExplainContext): Explanation {
  const decision = decidePath(graph, question)
  if (decision.allowed) return { cures: [], visited: decision.visited }
  const { search, around, block, hasPath } = decision
  const { owner, caller } = question
  const open: readonly OpenPath[] =
    block === undefined
      ? findOpenPaths(search, around, context.maxCures ?? MOST_CURES)
      : [{ nodes: [owner, caller], at: 0, block }]
  const ended = [...search.expired.map((edge) => ({ ...edge, state: 'expired' }) as const), ...context.ended]
  const signatures = block !== undefined && !hasPath ? 2 : 1
  const cures = open.map((path) => makeCure(wantedOf(path, ended, context), signatures, question, context))
  return { cures, visited: search.visited }
}

function makeCure(wanted: Wanted, signatures: number, question: TrustQuestion, context: ExplainContext): Cure {
  const draft = draftStatement(wanted, question, context)
  const cure = { missing: wanted.missing, ...(draft && { draft }) }
  return { signatures, ...cure, command: context.commandFor(cure) }
}

/** Tells which edge of an open path is missing, and why. */
function wantedOf(path: OpenPath, ended: readonly EndedEdge[], { nameOf }: ExplainContext): Wanted {
  const { nodes, at, block, unmapped } = path
  const kind = kindOf(path)
  const fromNode = nodes[block === undefined ? at : 0] ?? ''
  const toNode = nodes[at + 1] ?? ''
  const depth = kind === 'accepts-members-of' ? nodes.length - 2 : 0
  const last = ended
    .filter((edge) => edge.kind === kind && edge.from === fromNode && edge.to === toNode && edge.depth >= depth)
    .reduce<EndedEdge | undefined>((one, other) => (one && isLater(one, other) ? one : other), undefined)
  const edge = block ?? unmapped ?? last
  const named = { kind, from: nameOf(fromNode).domain, to: nameOf(toNode).domain, fromNode, toNode }
  const missing: MissingEdge = { ...named, state: stateOf(path, last), ...(edge && { edge: edge.id }) }
  return { missing, depth, earlierGrants: edge?.grants ?? [] }
}

function kindOf({ nodes, at, block }: OpenPath): MissingEdge['kind'] {
  if (block !== undefined) return 'blocks'
  if (at > 0) return 'member'
  return nodes.length === 2 ? 'lets-call' : 'accepts-members-of'
}

/** `last` is the edge that ended last. */
function stateOf({ block, unmapped }: OpenPath, last: EndedEdge | undefined): MissingEdge['state'] {
  if (block !== undefined) return 'blocked'
  return unmapped === undefined ? (last?.state ?? 'absent') : 'scope-unmapped'
}

function isLater(one: EndedEdge, other: EndedEdge): boolean {
  return one.exp === other.exp ? one.id < other.id : one.exp > other.exp
}
