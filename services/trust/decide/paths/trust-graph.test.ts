import { describe, expect, it } from 'vitest'
import { edge, graphOf } from '../../../../test/support/trust-graphs.ts'
import { TrustGraph } from './trust-graph.ts'

describe('TrustGraph', () => {
  it('lists the edges of a node: memberships, and all others', () => {
    const deep = edge('cargo accepts-members-of guild', { depth: 2 })
    const chain = edge('cargo chains-to https://beta.io/auth')
    const members = [edge('guild member bolt'), edge('guild member cargo')]
    const graph = graphOf(deep, chain, ...members)
    expect(graph.edges).toEqual([deep, chain, ...members])
    expect([graph.from('cargo', 'others'), graph.from('cargo', 'members')]).toEqual([[deep, chain], []])
    expect([graph.to('guild', 'others'), graph.from('guild', 'members')]).toEqual([[deep], members])
    expect([graph.to('cargo', 'members'), graph.to('nobody', 'others')]).toEqual([[members[1]], []])
  })

  it('never takes one node for another, whatever its name is', () => {
    const graph = graphOf(edge('a member b', { from: 'members x', to: 'x' }))
    expect([graph.from('x', 'members'), graph.to('members x', 'others')]).toEqual([[], []])
    expect(graph.from('members x', 'members')).toHaveLength(1)
  })

  it.each([
    ['accepts-members-of', 0],
    ['accepts-members-of', 3],
    ['lets-call', 1],
    ['member', 2],
  ])('refuses an edge of kind %s with depth %i', (kind, depth) => {
    const message = `An edge of kind ${kind} cannot have depth ${depth}`
    expect(() => new TrustGraph([edge(`cargo ${kind} guild`, { depth })])).toThrow(new RangeError(message))
  })
})
