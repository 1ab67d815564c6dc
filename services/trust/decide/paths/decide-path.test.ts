import { describe, expect, it } from 'vitest'
import { ask, edge, grants, graphOf, NOW_S } from '../../../../test/support/trust-graphs.ts'
import { decidePath, type TrustQuestion } from './decide-path.ts'
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
const CALL = 'cargo lets-call bolt'
const MEMBER = 'guild member bolt'
const DEEP = edge(ACCEPTS, { depth: 2 })

const PATHS: readonly Case[] = [
  { name: 'no edge', edges: [], expected: 'not-found' },
  { name: 'lets-call', edges: [CALL], expected: [CALL], scopes: ['read'] },
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
  { name: 'a member of an accepted group', edges: [ACCEPTS, MEMBER], expected: [ACCEPTS, MEMBER] },
  { name: 'a member of a group that is not accepted', edges: [MEMBER], expected: 'not-found' },
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
  { name: 'a direct member, with depth 2', edges: [DEEP, MEMBER], expected: [ACCEPTS, MEMBER] },
  { name: 'chains-to', edges: ['cargo chains-to bolt'], expected: 'not-found' },
  { name: "the owner's own agents", edges: [], question: { caller: 'cargo' }, expected: [], scopes: ['orders:read'] },
]

const AUDIENCES: readonly Case[] = [
  {
    name: 'lets-call at another audience',
    edges: [edge(CALL, { grants: grants({ 'orders:read': ['read'] }, 'api.cargo.io') })],
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
      edge(CALL, {
        grants: [...grants({ x: ['x'] }, 'cargo.io'), ...grants({ 'orders:read': ['r'] })],
      }),
    ],
    expected: [CALL],
    scopes: ['r'],
  },
]

const SCOPES: readonly Case[] = [
  {
    name: 'a scope that the edge does not map',
    edges: [CALL],
    question: { scopes: ['orders:read', 'admin'] },
    expected: 'not-found',
  },
  {
    name: 'a scope named like an inherited property',
    edges: [CALL],
    question: { scopes: ['toString'] },
    expected: 'not-found',
  },
  {
    name: 'a scope that is mapped to nothing',
    edges: [edge(CALL, { grants: grants({ 'orders:read': [] }) })],
    expected: 'not-found',
  },
  { name: 'no scope', edges: [CALL], question: { scopes: [] }, expected: [CALL], scopes: [] },
  {
    name: 'all mapped scopes',
    edges: [CALL],
    question: { scopes: ['orders:write', 'orders:read'] },
    expected: [CALL],
    scopes: ['read', 'write'],
  },
  {
    name: 'an acceptance that does not map the scope',
    edges: [edge(ACCEPTS, { grants: grants({ other: ['read'] }) }), MEMBER],
    expected: 'not-found',
  },
]

const TIMES: readonly Case[] = [
  { name: 'an edge that ends now', edges: [edge(CALL, { exp: NOW_S })], expected: 'not-found' },
  { name: 'an edge that ends in a second', edges: [edge(CALL, { exp: NOW_S + 1 })], expected: [CALL] },
  { name: 'an ended membership', edges: [ACCEPTS, edge(MEMBER, { exp: NOW_S })], expected: 'not-found' },
  { name: 'an ended acceptance', edges: [edge(ACCEPTS, { exp: NOW_S }), MEMBER], expected: 'not-found' },
  {
    name: 'an ended membership in between',
    edges: [DEEP, edge('guild member local', { exp: NOW_S }), 'local member bolt'],
    expected: 'not-found',
  },
  { name: 'an ended block', edges: [CALL, edge('cargo blocks bolt', { exp: NOW_S })], expected: [CALL] },
]

const BLOCKS: readonly Case[] = [
  { name: 'a block of a caller that may call', edges: [CALL, 'cargo blocks bolt'], expected: 'blocked' },
  { name: 'a block of a caller of the policy', edges: ['cargo caller bolt', 'cargo blocks bolt'], expected: 'blocked' },
  { name: 'a block of a caller without a path', edges: ['cargo blocks bolt'], expected: 'blocked' },
  { name: 'a block of a member', edges: [ACCEPTS, MEMBER, 'cargo blocks bolt'], expected: 'blocked' },
  { name: 'a block of the group', edges: [ACCEPTS, MEMBER, 'cargo blocks guild'], expected: 'not-found' },
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
    edges: [ACCEPTS, MEMBER, 'cargo blocks local'],
    expected: [ACCEPTS, MEMBER],
  },
  { name: 'a block by the group', edges: [ACCEPTS, MEMBER, 'guild blocks bolt'], expected: [ACCEPTS, MEMBER] },
]

const CHOICES: readonly Case[] = [
  {
    name: 'the path with fewer edges',
    edges: [edge(ACCEPTS, { id: '1' }), edge(MEMBER, { id: '2' }), edge(CALL, { id: '9' })],
    expected: ['9'],
  },
  {
    name: 'the edge with the lower id',
    edges: [edge(CALL, { id: '2' }), edge('cargo caller bolt', { id: '1' }), edge(CALL, { id: '3' })],
    expected: ['1'],
  },
  {
    name: "the owner's edge with the lower id, before the others",
    edges: [
      edge(ACCEPTS, { id: '2' }),
      edge(MEMBER, { id: '3' }),
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
      edge(MEMBER, { id: '4' }),
      edge(MEMBER, { id: '3' }),
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
])('decidePath %s', (_title, cases) => {
  it.each(cases)('$name', ({ edges, question, expected, scopes }) => {
    for (const order of [edges, edges.toReversed()]) {
      const decision = decidePath(graphOf(...order), ask(question))
      if (typeof expected === 'string') {
        expect(decision.allowed).toBe(false)
        expect(!decision.allowed && decision.block?.id).toBe(expected === 'blocked' ? 'cargo blocks bolt' : undefined)
        continue
      }
      expect(decision).toMatchObject({ allowed: true, ...(scopes && { effectiveScopes: scopes }) })
      expect(decision.allowed && decision.path.map(({ id }) => id)).toEqual(expected)
    }
  })
})
