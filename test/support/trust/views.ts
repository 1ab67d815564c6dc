import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { type GetTrustViewResponse, GetTrustViewResponseSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'

/** The issuer of the deployment that shows the graph. */
export const OWN = 'https://beta.io/auth'
/** An issuer that it admits. */
export const ADMITTED = 'https://auth.alpha.net'
const UNKNOWN = 'https://id.gamma.org'
const SEEN_AT = 1_800_000_000_000

type Members = Omit<MessageInitShape<typeof GetTrustViewResponseSchema>, '$typeName' | '$unknown'>

/** Returns what a page shows, with some members of it. */
export function viewOf(members: Members = {}): GetTrustViewResponse {
  const nodes = members.nodes ?? []
  const edges = members.edges ?? []
  return create(GetTrustViewResponseSchema, {
    issuer: OWN,
    viewer: 'everyone',
    asOf: timestampFromMs(SEEN_AT),
    position: '3-8812',
    nodeCount: nodes.length,
    edgeCount: edges.length,
    ...members,
  })
}

const statement = (from: string, kind: string, to: string) => ({
  edgeId: `${from} ${kind} ${to}`,
  kind,
  from,
  to,
  depth: kind === 'accepts-members-of' ? 1 : 0,
  visibility: kind === 'blocks' ? 'parties' : 'public',
  expiresAt: timestampFromMs(SEEN_AT + 86_400_000),
  grants:
    kind === 'member' || kind === 'blocks'
      ? []
      : [{ audience: `https://api.${from}/v1`, scopes: [{ scope: 'orders:read', values: ['read', 'list'] }] }],
})

/** A view with operators of three deployments, and every kind of statement. */
export function storyView(members: Members = {}): GetTrustViewResponse {
  const { nodes, edges } = create(GetTrustViewResponseSchema, {
    nodes: [
      { id: OWN, label: OWN, type: 'deployment', home: OWN },
      { id: ADMITTED, label: ADMITTED, type: 'issuer', home: ADMITTED },
      { id: 'cargo.io', label: 'cargo.io', type: 'operator', home: OWN },
      { id: 'dock.io', label: 'dock.io', type: 'operator', home: OWN },
      { id: 'acme.com', label: 'acme.com', type: 'operator', home: ADMITTED },
      { id: 'guild.org', label: 'guild.org', type: 'group', home: UNKNOWN },
    ],
    edges: [
      statement('cargo.io', 'accepts-members-of', 'guild.org'),
      statement('guild.org', 'member', 'acme.com'),
      statement('dock.io', 'lets-call', 'acme.com'),
      statement('cargo.io', 'blocks', 'acme.com'),
      statement('dock.io', 'chains-to', ADMITTED),
      { edgeId: 'admits', kind: 'admits', from: OWN, to: ADMITTED },
      { edgeId: 'speaks-for', kind: 'speaks-for', from: ADMITTED, to: 'acme.com' },
    ],
  })
  return viewOf({ nodes, edges, ...members })
}

/** A view with a text in every place that shows one. */
export function hostileView(text: string): GetTrustViewResponse {
  const { nodes, edges } = create(GetTrustViewResponseSchema, {
    nodes: [
      { id: text, label: text, type: text, home: text },
      { id: 'other', label: 'other', type: 'operator', home: OWN },
    ],
    edges: [
      {
        edgeId: text,
        kind: text,
        from: text,
        to: 'other',
        visibility: text,
        expiresAt: timestampFromMs(SEEN_AT),
        grants: [{ audience: text, scopes: [{ scope: text, values: [text] }] }],
      },
    ],
  })
  return viewOf({ issuer: text, viewer: 'operator', viewerDomain: text, position: text, nodes, edges })
}

/** A view with so many operators, each with one statement. */
export function largeView(count: number): GetTrustViewResponse {
  const names = Array.from({ length: count }, (_none, at) => `operator-${at}.example`)
  const { nodes, edges } = create(GetTrustViewResponseSchema, {
    nodes: names.map((name, at) => ({ id: name, label: name, type: at % 9 === 0 ? 'group' : 'operator', home: OWN })),
    edges: names.map((name, at) => statement(names[9 * (at % 50)] ?? '', 'member', name)),
  })
  return viewOf({ nodes, edges })
}
