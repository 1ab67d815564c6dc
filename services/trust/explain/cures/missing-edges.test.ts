import { describe, expect, it } from 'vitest'
import { curesOf, ended, explained } from '../../../../test/support/trust-explanations.ts'
import { edge, grants, NOW_S } from '../../../../test/support/trust-graphs.ts'
import type { TrustEdge } from '../../decide/paths/trust-edge.ts'
import type { EndedEdge } from './explanation.ts'

const ACCEPTS = 'cargo accepts-members-of guild'
const DEEP = edge(ACCEPTS, { depth: 2 })
const UNMAPPED = { grants: grants({ other: ['read'] }) }
const CALL = 'cargo lets-call bolt'
const MEMBER = 'guild member bolt'

describe('explain says why an edge is missing', () => {
  it.each<{
    name: string
    edges: readonly (TrustEdge | string)[]
    ended?: readonly EndedEdge[]
    expected: string
    edge?: string
  }>([
    { name: 'there never was one', edges: [], expected: '1 cargo lets-call bolt absent' },
    {
      name: 'it has expired, and is still in the graph',
      edges: [edge(CALL, { exp: NOW_S })],
      expected: '1 cargo lets-call bolt expired',
      edge: CALL,
    },
    {
      name: 'it has expired',
      edges: [],
      ended: [ended(CALL, 'expired')],
      expected: '1 cargo lets-call bolt expired',
      edge: CALL,
    },
    {
      name: 'it was revoked',
      edges: [],
      ended: [ended(CALL, 'revoked')],
      expected: '1 cargo lets-call bolt revoked',
      edge: CALL,
    },
    {
      name: 'it was revoked after another one',
      edges: [],
      ended: [ended(CALL, 'expired', { exp: 1, id: '1' }), ended(CALL, 'revoked', { exp: 2, id: '2' })],
      expected: '1 cargo lets-call bolt revoked',
      edge: '2',
    },
    {
      name: 'another one was revoked',
      edges: [],
      ended: [
        ended('cargo lets-call acme', 'revoked'),
        ended('dock lets-call bolt', 'revoked'),
        ended('cargo member bolt', 'revoked'),
      ],
      expected: '1 cargo lets-call bolt absent',
    },
    {
      name: 'its scopes are too few',
      edges: [edge(CALL, UNMAPPED)],
      ended: [ended(CALL, 'revoked', { id: '1' })],
      expected: '1 cargo lets-call bolt scope-unmapped',
      edge: CALL,
    },
    {
      name: 'the acceptance was revoked',
      edges: [MEMBER],
      ended: [ended(ACCEPTS, 'revoked')],
      expected: '1 cargo accepts-members-of guild 1 revoked',
      edge: ACCEPTS,
    },
    {
      name: 'the scopes of the acceptance are too few',
      edges: [MEMBER, edge(ACCEPTS, UNMAPPED)],
      expected: '1 cargo accepts-members-of guild 1 scope-unmapped',
      edge: ACCEPTS,
    },
    {
      name: 'the membership has expired',
      edges: [ACCEPTS, edge(MEMBER, { exp: NOW_S })],
      expected: '1 guild member bolt expired',
      edge: MEMBER,
    },
    {
      name: 'the membership was revoked',
      edges: [ACCEPTS],
      ended: [ended(MEMBER, 'revoked')],
      expected: '1 guild member bolt revoked',
      edge: MEMBER,
    },
    {
      name: 'the depth of the acceptance is too small',
      edges: [ACCEPTS, 'guild member local', 'local member bolt'],
      expected: '1 cargo accepts-members-of guild 2 absent',
    },
    {
      name: 'an acceptance with too small a depth was revoked',
      edges: ['guild member local', 'local member bolt'],
      ended: [ended(ACCEPTS, 'revoked')],
      expected: '1 cargo accepts-members-of guild 2 absent',
    },
    {
      name: 'the deep acceptance was revoked',
      edges: ['guild member local', 'local member bolt'],
      ended: [ended(ACCEPTS, 'revoked', { depth: 2 })],
      expected: '1 cargo accepts-members-of guild 2 revoked',
      edge: ACCEPTS,
    },
    {
      name: 'the scopes of the deep acceptance are too few',
      edges: [edge(ACCEPTS, { ...UNMAPPED, depth: 2 }), 'guild member local', 'local member bolt'],
      expected: '1 cargo accepts-members-of guild 2 scope-unmapped',
      edge: ACCEPTS,
    },
    {
      name: 'the membership in between was revoked',
      edges: [DEEP, 'local member bolt'],
      ended: [ended('guild member local', 'revoked')],
      expected: '1 guild member local revoked',
      edge: 'guild member local',
    },
    {
      name: 'the last membership was revoked',
      edges: [DEEP, 'guild member local'],
      ended: [ended('local member bolt', 'revoked')],
      expected: '1 local member bolt revoked',
      edge: 'local member bolt',
    },
    {
      name: 'the group is blocked',
      edges: [ACCEPTS, MEMBER, 'cargo blocks guild'],
      expected: '1 cargo blocks guild blocked',
      edge: 'cargo blocks guild',
    },
    {
      name: 'the outer group is blocked',
      edges: [DEEP, 'guild member local', 'local member bolt', 'cargo blocks guild'],
      expected: '1 cargo blocks guild blocked',
      edge: 'cargo blocks guild',
    },
    {
      name: 'the inner group is blocked',
      edges: [DEEP, 'guild member local', 'local member bolt', 'cargo blocks local'],
      expected: '1 cargo blocks local blocked',
      edge: 'cargo blocks local',
    },
    {
      name: 'there is a caller of the policy for another audience',
      edges: [edge('cargo caller bolt', { grants: grants({}, 'cargo.io') })],
      expected: '1 cargo lets-call bolt absent',
    },
    {
      name: 'the scopes of two deep acceptances are too few',
      edges: ['2', '1', '3']
        .map((id): TrustEdge | string => edge(ACCEPTS, { ...UNMAPPED, id, depth: 2 }))
        .concat('guild member local', 'local member bolt'),
      expected: '1 cargo accepts-members-of guild 2 scope-unmapped',
      edge: '1',
    },
    {
      name: 'the acceptance has too small a depth and too few scopes',
      edges: [edge(ACCEPTS, UNMAPPED), 'guild member local', 'local member bolt'],
      expected: '1 cargo accepts-members-of guild 2 absent',
    },
  ])('$name', ({ edges, expected, edge: id, ...context }) => {
    const explanation = explained(edges, { ...context, maxCures: 100 })
    expect(curesOf(explanation)).toContain(expected)
    const cure = explanation.cures[curesOf(explanation).indexOf(expected)]
    expect(cure?.missing.edge).toBe(id)
    expect(cure?.draft === undefined).toBe(cure?.missing.state === 'blocked')
  })

  it.each([
    { name: 'may call but for the block', edges: [CALL], signatures: 1 },
    { name: 'may call as a member but for the block', edges: [ACCEPTS, MEMBER], signatures: 1 },
    { name: 'may not call without the block either', edges: [], signatures: 2 },
  ])('names only the block of the caller itself, which $name', ({ edges, signatures }) => {
    const explanation = explained([...edges, 'cargo blocks bolt'])
    expect(curesOf(explanation)).toEqual([`${signatures} cargo blocks bolt blocked`])
    expect(explanation.cures[0]?.missing).toMatchObject({ kind: 'blocks', edge: 'cargo blocks bolt' })
    expect(explanation.cures[0]?.command).toBe('revoke blocks')
  })

  it('does not offer to lift one of two blocks on a path', () => {
    const blocks = ['cargo blocks guild', 'cargo blocks local']
    expect(curesOf(explained([DEEP, 'guild member local', 'local member bolt', ...blocks]))).toEqual([
      '1 cargo lets-call bolt absent',
    ])
  })

  it('reads no more groups when it has as many cures as it was asked for', () => {
    const names = Array.from({ length: 50 }, (_none, at) => `n${at}`)
    const edges = names.flatMap((name) => [
      edge(`guild${name} member ${name}`),
      edge(`cargo accepts-members-of guild${name}`, { depth: 2 }),
    ])
    const { visited } = explained(edges, { maxCures: 1 })
    expect(explained(edges, { maxCures: 1_000 }).visited - visited).toBe(2 * names.length)
  })
})
