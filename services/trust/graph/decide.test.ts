import { describe, expect, it } from 'vitest'
import { ask, edge, grants, graphOf, NOW_S } from '../../../test/support/trust-graphs.ts'
import { decide, type TrustQuestion } from './decide.ts'
import type { TrustEdge } from './trust-edge.ts'

interface Case {
  readonly name: string
  readonly edges: readonly (TrustEdge | string)[]
  readonly question?: Partial<TrustQuestion>
  /** Ids of the path's edges, or why there is none. */
  readonly expected: readonly string[] | 'blocked' | 'not-found'
  readonly scopes?: readonly string[]
}

const ACCEPTS = 'cargo accepts-members-of guild'
const DEEP = edge(ACCEPTS, { depth: 2 })

const PATHS: readonly Case[] = [
  { name: 'no edge', edges: [], expected: 'not-found' },
  { name: 'lets-call', edges: ['cargo lets-call bolt'], expected: ['cargo lets-call bolt'], scopes: ['read'] },
  { name: 'lets-call of another owner', edges: ['dock lets-call bolt'], expected: 'not-found' },
  { name: 'lets-call in the other direction', edges: ['bolt lets-call cargo'], expected: 'not-found' },
  { name: 'lets-call for another caller', edges: ['cargo lets-call acme'], expected: 'not-found' },
  {
    name: 'a caller of the policy, whose scopes stay the same',
    edges: ['cargo caller bolt'],
    question: { scopes: ['b', 'a', 'b'] },
    expected: ['cargo caller bolt'],
    scopes: ['a', 'b'],
  },
  {
    name: 'a member of an accepted group',
    edges: [ACCEPTS, 'guild member bolt'],
    expected: [ACCEPTS, 'guild member bolt'],
  },
  { name: 'a member of a group that is not accepted', edges: ['guild member bolt'], expected: 'not-found' },
  { name: 'the accepted group itself', edges: ['cargo accepts-members-of bolt'], expected: 'not-found' },
  { name: "the owner's own member", edges: ['cargo member bolt'], expected: 'not-found' },
  {
    name: 'an accepted group that lets the caller call',
    edges: [ACCEPTS, 'guild lets-call bolt'],
    expected: 'not-found',
  },
  {
    name: 'a member of a member, with depth 2',
    edges: [DEEP, 'guild member local', 'local member bolt'],
    expected: [ACCEPTS, 'guild member local', 'local member bolt'],
  },
  {
    name: 'a member of a member, with depth 1',
    edges: [ACCEPTS, 'guild member local', 'local member bolt'],
    expected: 'not-found',
  },
  {
    name: 'a direct member, with depth 2',
    edges: [DEEP, 'guild member bolt'],
    expected: [ACCEPTS, 'guild member bolt'],
  },
  { name: 'chains-to', edges: ['cargo chains-to bolt'], expected: 'not-found' },
  { name: "the owner's own agents", edges: [], question: { caller: 'cargo' }, expected: [], scopes: ['orders:read'] },
]

const AUDIENCES: readonly Case[] = [
  {
    name: 'lets-call at another audience',
    edges: [edge('cargo lets-call bolt', { grants: grants({ 'orders:read': ['read'] }, 'api.cargo.io') })],
    expected: 'not-found',
  },
  {
    name: 'a caller at the host',
    edges: [edge('cargo caller bolt', { grants: grants({}, 'api.cargo.io') })],
    expected: ['cargo caller bolt'],
  },
  {
    name: 'a caller at another audience',
    edges: [edge('cargo caller bolt', { grants: grants({}, 'https://api.cargo.io/v2') })],
    expected: 'not-found',
  },
  {
    name: 'the second grant of an edge',
    edges: [
      edge('cargo lets-call bolt', {
        grants: [...grants({ x: ['x'] }, 'cargo.io'), ...grants({ 'orders:read': ['r'] })],
      }),
    ],
    expected: ['cargo lets-call bolt'],
    scopes: ['r'],
  },
]

const SCOPES: readonly Case[] = [
  {
    name: 'a scope that the edge does not map',
    edges: ['cargo lets-call bolt'],
    question: { scopes: ['orders:read', 'admin'] },
    expected: 'not-found',
  },
  {
    name: 'a scope named like an inherited property',
    edges: ['cargo lets-call bolt'],
    question: { scopes: ['toString'] },
    expected: 'not-found',
  },
  {
    name: 'no scope',
    edges: ['cargo lets-call bolt'],
    question: { scopes: [] },
    expected: ['cargo lets-call bolt'],
    scopes: [],
  },
  {
    name: 'all mapped scopes',
    edges: ['cargo lets-call bolt'],
    question: { scopes: ['orders:write', 'orders:read'] },
    expected: ['cargo lets-call bolt'],
    scopes: ['read', 'write'],
  },
  {
    name: 'an acceptance that does not map the scope',
    edges: [edge(ACCEPTS, { grants: grants({ other: ['read'] }) }), 'guild member bolt'],
    expected: 'not-found',
  },
]

const TIMES: readonly Case[] = [
  { name: 'an edge that ends now', edges: [edge('cargo lets-call bolt', { exp: NOW_S })], expected: 'not-found' },
  {
    name: 'an edge that ends in a second',
    edges: [edge('cargo lets-call bolt', { exp: NOW_S + 1 })],
    expected: ['cargo lets-call bolt'],
  },
  { name: 'an ended membership', edges: [ACCEPTS, edge('guild member bolt', { exp: NOW_S })], expected: 'not-found' },
  { name: 'an ended acceptance', edges: [edge(ACCEPTS, { exp: NOW_S }), 'guild member bolt'], expected: 'not-found' },
  {
    name: 'an ended membership in between',
    edges: [DEEP, edge('guild member local', { exp: NOW_S }), 'local member bolt'],
    expected: 'not-found',
  },
  {
    name: 'an ended block',
    edges: ['cargo lets-call bolt', edge('cargo blocks bolt', { exp: NOW_S })],
    expected: ['cargo lets-call bolt'],
  },
]

const BLOCKS: readonly Case[] = [
  {
    name: 'a block of a caller that may call',
    edges: ['cargo lets-call bolt', 'cargo blocks bolt'],
    expected: 'blocked',
  },
  { name: 'a block of a caller of the policy', edges: ['cargo caller bolt', 'cargo blocks bolt'], expected: 'blocked' },
  { name: 'a block of a caller without a path', edges: ['cargo blocks bolt'], expected: 'blocked' },
  { name: 'a block of a member', edges: [ACCEPTS, 'guild member bolt', 'cargo blocks bolt'], expected: 'blocked' },
  { name: 'a block of the group', edges: [ACCEPTS, 'guild member bolt', 'cargo blocks guild'], expected: 'not-found' },
  {
    name: 'a block of the outer group',
    edges: [DEEP, 'guild member local', 'local member bolt', 'cargo blocks guild'],
    expected: 'not-found',
  },
  {
    name: 'a block of the group in between',
    edges: [DEEP, 'guild member local', 'local member bolt', 'cargo blocks local'],
    expected: 'not-found',
  },
  {
    name: 'a block of a group beside the path',
    edges: [ACCEPTS, 'guild member bolt', 'cargo blocks local'],
    expected: [ACCEPTS, 'guild member bolt'],
  },
  {
    name: 'a block by the group',
    edges: [ACCEPTS, 'guild member bolt', 'guild blocks bolt'],
    expected: [ACCEPTS, 'guild member bolt'],
  },
]

const CHOICES: readonly Case[] = [
  {
    name: 'the path with fewer edges',
    edges: [
      edge(ACCEPTS, { id: '1' }),
      edge('guild member bolt', { id: '2' }),
      edge('cargo lets-call bolt', { id: '9' }),
    ],
    expected: ['9'],
  },
  {
    name: 'the edge with the lower id',
    edges: [
      edge('cargo lets-call bolt', { id: '2' }),
      edge('cargo caller bolt', { id: '1' }),
      edge('cargo lets-call bolt', { id: '3' }),
    ],
    expected: ['1'],
  },
  {
    name: "the owner's edge with the lower id, before the others",
    edges: [
      edge(ACCEPTS, { id: '2' }),
      edge('guild member bolt', { id: '3' }),
      edge('cargo accepts-members-of club', { id: '1' }),
      edge('club member bolt', { id: '9' }),
    ],
    expected: ['1', '9'],
  },
  {
    name: 'the lower id in the middle of three edges',
    edges: [
      edge(ACCEPTS, { id: '1', depth: 2 }),
      edge('guild member b', { id: '5' }),
      edge('b member bolt', { id: '2' }),
      edge('guild member a', { id: '4' }),
      edge('a member bolt', { id: '9' }),
    ],
    expected: ['1', '4', '9'],
  },
  {
    name: 'the lowest of parallel edges',
    edges: [
      edge(ACCEPTS, { id: '2' }),
      edge(ACCEPTS, { id: '1' }),
      edge('guild member bolt', { id: '4' }),
      edge('guild member bolt', { id: '3' }),
    ],
    expected: ['1', '3'],
  },
]

describe.each([
  ['follows the paths of the model', PATHS],
  ['compares audiences', AUDIENCES],
  ['maps scopes', SCOPES],
  ['ignores edges that have ended', TIMES],
  ['lets a block win', BLOCKS],
  ['chooses one path', CHOICES],
])('decide %s', (_title, cases) => {
  it.each(cases)('$name', ({ edges, question, expected, scopes }) => {
    for (const order of [edges, edges.toReversed()]) {
      const decision = decide(graphOf(...order), ask(question))
      if (typeof expected === 'string') {
        expect(decision).toMatchObject({ allowed: false, why: expected })
        continue
      }
      expect(decision).toMatchObject({ allowed: true, ...(scopes && { effectiveScopes: scopes }) })
      expect(decision.allowed && decision.path.map(({ id }) => id)).toEqual(expected)
    }
  })
})
