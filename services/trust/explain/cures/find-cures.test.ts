import { describe, expect, it } from 'vitest'
import { curesOf, EXPLAIN_CONTEXT, explained } from '../../../../test/support/trust-explanations.ts'
import { edge, grants } from '../../../../test/support/trust-graphs.ts'

const ACCEPTS = 'cargo accepts-members-of guild'

describe('findCures', () => {
  it('finds nothing to cure if the caller may call', () => {
    expect(explained([ACCEPTS, 'guild member acme'], { question: { caller: 'acme' } }).cures).toEqual([])
    expect(explained([], { question: { caller: 'cargo' } }).cures).toEqual([])
  })

  it('says that the owner can let the caller call, or that the accepted group can list the caller', () => {
    const explanation = explained([ACCEPTS, 'guild member acme', 'dock lets-call acme', 'acme lets-call bolt'])
    const missing = {
      kind: 'lets-call',
      from: 'cargo.org',
      to: 'bolt.org',
      fromNode: 'cargo',
      toNode: 'bolt',
      state: 'absent',
    }
    expect(explanation.cures[0]?.missing).toEqual(missing)
    expect(curesOf(explanation)).toEqual(['1 cargo lets-call bolt absent', '1 guild member bolt absent'])
    expect(explanation.cures.map(({ missing: { from }, command }) => [from, command])).toEqual([
      ['cargo.org', 'sign lets-call'],
      ['guild.org', 'sign member'],
    ])
  })

  it('does not offer an edge of the operator in the middle, because lets-call never chains', () => {
    const explanation = explained(['dock lets-call acme', 'acme lets-call bolt'], { question: { owner: 'dock' } })
    expect(curesOf(explanation)).toEqual(['1 dock lets-call bolt absent'])
  })

  it('drafts the statement of an owner with the audience and scopes of the question alone', () => {
    const { cures } = explained([], { question: { scopes: ['orders:write', 'orders:read'] } })
    expect(cures.map(({ draft }) => draft)).toEqual([
      {
        iss: 'id-of-cargo',
        home: 'https://cargo.net',
        domain: 'cargo.org',
        sub: 'id-of-bolt',
        subHome: 'https://bolt.net',
        subDomain: 'bolt.org',
        aud: [EXPLAIN_CONTEXT.issuer],
        kind: 'lets-call',
        grants: grants({ 'orders:read': ['orders:read'], 'orders:write': ['orders:write'] }),
        visibility: 'parties',
      },
    ])
  })

  it('drafts the statement of a group without grants, and of an acceptance with its depth', () => {
    const { cures } = explained(['club member local', 'local member bolt', ACCEPTS])
    expect(cures.map(({ draft }) => [draft?.kind, draft?.sub, draft?.depth, draft?.grants.length])).toEqual([
      ['lets-call', 'id-of-bolt', undefined, 1],
      ['accepts-members-of', 'id-of-local', 1, 1],
      ['accepts-members-of', 'id-of-club', 2, 1],
      ['member', 'id-of-bolt', undefined, 0],
    ])
  })

  it('keeps the scopes of the earlier edge in a draft', () => {
    const earlier = edge('cargo lets-call bolt', { grants: grants({ 'orders:read': ['read', 'list'], x: ['x'] }) })
    const { cures } = explained([earlier], { question: { scopes: ['orders:read', 'orders:write'] } })
    const [{ draft, missing } = {}] = cures
    expect(missing).toMatchObject({ state: 'scope-unmapped', edge: earlier.id })
    expect(draft?.grants).toEqual(grants({ 'orders:read': ['read', 'list'], 'orders:write': ['orders:write'] }))
  })

  it('drafts a scope that is named like an inherited property', () => {
    const [{ draft } = {}] = explained([], { question: { scopes: ['__proto__', 'toString'] } }).cures
    const entries = Object.entries(draft?.grants[0]?.scopes ?? {})
    expect(entries).toEqual([
      ['__proto__', ['__proto__']],
      ['toString', ['toString']],
    ])
  })

  it('returns as many cures as it is asked for, and five by default', () => {
    const edges = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `${name} member bolt`)
    expect(curesOf(explained(edges))).toEqual([
      '1 cargo lets-call bolt absent',
      '1 cargo accepts-members-of a 1 absent',
      '1 cargo accepts-members-of b 1 absent',
      '1 cargo accepts-members-of c 1 absent',
      '1 cargo accepts-members-of d 1 absent',
    ])
    expect(explained(edges, { maxCures: 1 }).cures).toHaveLength(1)
    expect(explained(edges, { maxCures: 100 }).cures).toHaveLength(7)
  })
})
