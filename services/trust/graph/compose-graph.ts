import { foreignNode } from '../decide/read-statements.ts'
import type { ExportedEdge, ExportedGraph, ExportedNode } from './export/exported-graph.ts'
import type { CallerRow } from './read-callers.ts'
import type { SpokenFor, VisibleRow } from './read-visible.ts'

/** What a viewer may see. */
interface Seen {
  readonly statements: readonly VisibleRow[]
  /** The issuers that speak for operators of the statements. */
  readonly spokenFor: readonly SpokenFor[]
  /** The callers of audiences. `*` means all operators of the deployment. */
  readonly callers: readonly CallerRow[]
}

/** Makes the graph to export. */
export function composeGraph(issuer: string, { statements, spokenFor, callers }: Seen): ExportedGraph {
  const nodes = new Map<string, ExportedNode>()
  const edges = new Map<string, ExportedEdge>()
  // An operator can be more than that: the type that says most stays.
  const add = (node: ExportedNode) => {
    const before = nodes.get(node.id)
    if (before === undefined || before.type === 'operator') nodes.set(node.id, node)
  }
  for (const { id, kind, from, to, signer, subject, exp, grants, depth, isPublic } of statements) {
    const type = kind === 'accepts-members-of' ? 'group' : 'operator'
    add({ id: from, label: signer.domain, type: kind === 'member' ? 'group' : 'operator', home: signer.home })
    if (kind === 'chains-to') add({ id: to, label: to, type: 'issuer', home: to })
    else add({ id: to, label: subject.domain, type, home: subject.home })
    const note = `until ${new Date(exp * 1_000).toISOString()}`
    edges.set(id, { id, kind, from, to, note, statement: { grants, depth, isPublic, exp } })
  }
  for (const { issuer: home, domain, operatorId, edgeId } of spokenFor) {
    const to = foreignNode(home, domain, operatorId)
    if (!nodes.has(to)) continue
    add({ id: issuer, label: issuer, type: 'deployment', home: issuer })
    add({ id: home, label: home, type: 'issuer', home })
    const admits = `admits ${home}`
    edges.set(admits, { id: admits, kind: 'admits', from: issuer, to: home })
    edges.set(edgeId, { id: edgeId, kind: 'speaks-for', from: home, to })
  }
  for (const { edgeId: id, audience, caller, ownerId: from, ownerDomain, callerId } of callers) {
    const to = caller === '*' ? issuer : (callerId ?? caller)
    add({ id: from, label: ownerDomain, type: 'operator', home: issuer })
    if (caller === '*') add({ id: to, label: issuer, type: 'deployment', home: issuer })
    else add({ id: to, label: caller, type: 'operator', home: issuer })
    edges.set(id, { id, kind: 'caller', from, to, note: `at ${audience}` })
  }
  return { title: `Trust at ${issuer}`, issuer, nodes: [...nodes.values()], edges: [...edges.values()] }
}
