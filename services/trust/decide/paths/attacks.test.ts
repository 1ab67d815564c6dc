import { describe, expect, it } from 'vitest'
import { EXPLAIN_CONTEXT } from '../../../../test/support/trust-explanations.ts'
import { ask, edge, grants, graphOf, NOW_S } from '../../../../test/support/trust-graphs.ts'
import { findCures } from '../../explain/cures/find-cures.ts'
import { decidePath } from './decide-path.ts'
import type { TrustEdge } from './trust-edge.ts'
import type { TrustGraph } from './trust-graph.ts'

const DEEP = edge('cargo accepts-members-of guild', { depth: 2 })

const refused = { allowed: false, block: undefined }
const decided = (...edges: readonly (TrustEdge | string)[]) => decidePath(graphOf(...edges), ask())

function expectBounded(graph: TrustGraph): void {
  const nodes = new Set(graph.edges.flatMap(({ from, to }) => [from, to]))
  const bound = 3 * (nodes.size + graph.edges.length)
  expect(decidePath(graph, ask())).toMatchObject(refused)
  expect(decidePath(graph, ask()).visited).toBeLessThanOrEqual(bound)
  expect(findCures(graph, ask(), EXPLAIN_CONTEXT).visited).toBeLessThanOrEqual(bound)
}

describe('laundering', () => {
  it.each([
    ['through lets-call', ['cargo lets-call acme', 'acme lets-call bolt']],
    ['through a caller of the policy', ['cargo caller acme', 'acme caller bolt']],
    ['through a group of an operator that may call', ['cargo lets-call acme', 'acme member bolt']],
    [
      'through a group that an operator accepts that may call',
      ['cargo lets-call acme', 'acme accepts-members-of guild', 'guild member bolt'],
    ],
    [
      'through a group that an accepted group accepts',
      ['cargo accepts-members-of guild', 'guild accepts-members-of club', 'club member bolt'],
    ],
    [
      'through a member that lets the caller call',
      ['cargo accepts-members-of guild', 'guild member acme', 'acme lets-call bolt'],
    ],
    ['through chains-to', ['cargo chains-to acme', 'acme lets-call bolt']],
    ['by a statement of the caller', ['bolt lets-call cargo', 'bolt accepts-members-of cargo', 'bolt member cargo']],
  ])('%s is refused', (_name, edges) => {
    expect(decided(...edges)).toMatchObject(refused)
  })
})

describe('groups beyond depth', () => {
  it.each([
    ['two groups with depth 1', [edge(DEEP.id), 'guild member local', 'local member bolt']],
    ['three groups with depth 2', [DEEP, 'guild member local', 'local member team', 'team member bolt']],
    [
      'two acceptances whose depths would add up',
      [edge(DEEP.id, { id: '1' }), edge(DEEP.id, { id: '2' }), 'guild member local', 'local member bolt'],
    ],
  ])('%s are refused', (_name, edges) => {
    expect(decided(...edges)).toMatchObject(refused)
  })
})

describe('scope widening', () => {
  const both = ask({ scopes: ['orders:read', 'orders:write'] })
  const read = { grants: grants({ 'orders:read': ['read'] }) }
  const write = { grants: grants({ 'orders:write': ['write'] }) }

  it.each([
    [
      'of two lets-call',
      [edge('cargo lets-call bolt', { id: '1', ...read }), edge('cargo lets-call bolt', { id: '2', ...write })],
    ],
    [
      'of lets-call and a group',
      [edge('cargo lets-call bolt', read), edge(DEEP.id, { depth: 2, ...write }), 'guild member bolt'],
    ],
    [
      'of two acceptances of one group',
      [edge(DEEP.id, { id: '1', ...read }), edge(DEEP.id, { id: '2', ...write }), 'guild member bolt'],
    ],
    [
      'of two groups',
      [edge(DEEP.id, read), edge('cargo accepts-members-of club', write), 'guild member bolt', 'club member bolt'],
    ],
    [
      'of two grants of one edge',
      [
        edge('cargo lets-call bolt', {
          grants: [...read.grants, ...grants({ 'orders:write': ['write'] }, 'api.cargo.io')],
        }),
      ],
    ],
  ])('by the union %s is refused', (_name, edges) => {
    expect(decidePath(graphOf(...edges), both)).toMatchObject(refused)
  })

  it('by a grant of an edge after the first one of the path is refused', () => {
    const wide = { grants: grants({ 'orders:read': ['read', 'admin'], 'orders:write': ['write'] }) }
    const graph = graphOf(edge(DEEP.id, read), edge('guild member bolt', wide))
    expect(decidePath(graph, both)).toMatchObject(refused)
    expect(decidePath(graph, ask())).toMatchObject({ allowed: true, effectiveScopes: ['read'] })
  })
})

describe('cycles', () => {
  const CYCLE = [
    'guild member local',
    'local member guild',
    'guild member guild',
    'local member cargo',
    'cargo member guild',
  ]

  it('end, without a path', () => {
    const graph = graphOf(DEEP, edge('cargo accepts-members-of cargo', { depth: 2 }), ...CYCLE)
    expectBounded(graph)
  })

  it('leave other paths as they are', () => {
    const decision = decided(DEEP, ...CYCLE, 'local member bolt')
    expect(decision.allowed && decision.path.map(({ id }) => id)).toEqual([
      DEEP.id,
      'guild member local',
      'local member bolt',
    ])
  })

  it('may contain the caller', () => {
    expectBounded(
      graphOf('cargo accepts-members-of guild', 'bolt member guild', 'bolt member bolt', 'bolt member cargo'),
    )
  })
})

describe('edge bombs', () => {
  const MANY = 3_000
  const names = Array.from({ length: MANY }, (_none, at) => `n${at}`)

  it.each([
    ['a group with many members', names.map((name) => `guild member ${name}`)],
    ['a caller in many groups', names.map((name) => `${name} member bolt`)],
    ['an owner that accepts many groups', names.map((name) => edge(`cargo accepts-members-of ${name}`, { depth: 2 }))],
    ['an owner that blocks many', names.map((name) => `cargo blocks ${name}`)],
    ['many statements about the caller', names.map((name) => `${name} lets-call bolt`)],
    ['many equal edges', names.map((name) => edge('guild member local', { id: name }))],
  ])('%s: the search is bounded', (_name, edges) => {
    expectBounded(graphOf(DEEP, ...edges))
  })

  it('a large group costs nothing while only its direct members count', () => {
    const graph = graphOf('cargo accepts-members-of guild', ...names.map((name) => `guild member ${name}`))
    expect(decidePath(graph, ask()).visited).toBeLessThan(5)
  })

  it('statements of others about the caller cost nothing, unless they are memberships', () => {
    const graph = graphOf('cargo lets-call bolt', ...names.map((name) => `${name} lets-call bolt`))
    expect(decidePath(graph, ask()).visited).toBeLessThan(5)
  })
})

const node = (layer: number, at: number) => `l${layer}n${at}`

it('exponentially many paths: layers that are fully connected are read once each', () => {
  const LAYERS = 6
  const WIDTH = 20
  const places = Array.from({ length: WIDTH }, (_none, at) => at)
  const layers = Array.from({ length: LAYERS - 1 }, (_none, layer) => layer)
  const between = layers.flatMap((layer) =>
    places.flatMap((one) => places.map((other) => `${node(layer, one)} member ${node(layer + 1, other)}`)),
  )
  const first = places.map((one) => edge(`cargo accepts-members-of ${node(0, one)}`, { depth: 2 }))
  const last = places.map((one) => `${node(LAYERS - 1, one)} member bolt`)
  const edges = [...first, ...between, ...last]
  expectBounded(graphOf(...edges))
  expectBounded(graphOf(...edges, edge('cargo lets-call bolt', { exp: NOW_S })))
})
