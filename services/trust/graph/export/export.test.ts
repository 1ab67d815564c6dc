import { describe, expect, it } from 'vitest'
import { exportedEdge, HOSTILE, hostileGraph, node, SMALL } from '../../../../test/support/exported-graphs.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { visibleText, xmlText } from '../../../platform/layout/safe-text.ts'
import { lineOf } from './appearance.ts'
import type { ExportedGraph } from './exported-graph.ts'
import { toJson } from './to-json.ts'
import { toSvg } from './to-svg.ts'

const WRITERS = [
  ['toJson', toJson],
  ['toSvg', toSvg],
] as const
const EMPTY: ExportedGraph = { title: 'Empty', nodes: [], edges: [] }
const many = (count: number) => Array.from({ length: count }, (_none, at) => node(`n${at}`))

const decodeXml = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

/** Returns the texts of all elements with a name. */
const textsOf = (xml: string, name: string) =>
  [...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`, 'g'))].map(([, text = '']) => decodeXml(text))

describe.each(WRITERS)('%s', (_name, write) => {
  it('writes the same text, whatever the order of nodes and edges', () => {
    const { title, nodes, edges } = SMALL
    expect(write({ title, nodes: nodes.toReversed(), edges: edges.toReversed() })).toBe(write(SMALL))
  })

  it('writes a graph without nodes', () => {
    expect(write(EMPTY)).toContain('Empty')
  })

  it('accepts 500 nodes and 5000 edges', () => {
    const nodes = many(500)
    const edges = Array.from({ length: 5_000 }, (_none, at) => ({
      ...exportedEdge(`n${at % 500} lets-call n${(at * 7) % 500}`),
      id: `e${at}`,
    }))
    expect(write({ title: 'Large', nodes, edges })).toContain('n499')
  })

  it('refuses 501 nodes', () => {
    const message = 'The graph has 501 nodes, and at most 500 can be exported; ask for a part of it, with around'
    expect(() => write({ ...EMPTY, nodes: many(501) })).toThrow(new ApiError('INVALID_ARGUMENT', message))
  })

  it('refuses 5001 edges', () => {
    const edges = Array.from({ length: 5_001 }, (_none, at) => ({ ...exportedEdge('n0 member n1'), id: `e${at}` }))
    const message = 'The graph has 5001 edges, and at most 5000 can be exported; ask for a part of it, with around'
    expect(() => write({ ...EMPTY, nodes: many(2), edges })).toThrow(new ApiError('INVALID_ARGUMENT', message))
  })

  it('refuses an edge to no node, and two nodes with one id', () => {
    const edges = [exportedEdge('n0 member n9')]
    expect(() => write({ ...EMPTY, nodes: many(1), edges })).toThrow(new RangeError('There is no node n9'))
    const nodes = [...many(1), ...many(1)]
    expect(() => write({ ...EMPTY, nodes })).toThrow(new RangeError('Two nodes have the same id'))
  })
})

describe('toJson', () => {
  it('writes what it was given, in the order of ids', () => {
    const written: unknown = JSON.parse(toJson(SMALL))
    expect(written).toMatchObject({ title: SMALL.title, nodes: { length: 5 }, edges: { length: 5 } })
    expect(written).toHaveProperty('nodes.0', { id: 'acme.com', label: 'acme.com', type: 'operator' })
    expect(written).toHaveProperty('edges.0', exportedEdge('cargo.io accepts-members-of guild.org', 'depth 1'))
  })
})

describe.each(HOSTILE)('a text with %s', (_name, text, shown) => {
  const graph = hostileGraph(text)

  it('is shown in SVG, and is no markup', () => {
    const svg = toSvg(graph)
    const elements = new Set([...svg.matchAll(/<\/?([^\s>/]+)/g)].map(([, name]) => name))
    const allowed = new Set(['svg', 'title', 'desc', 'defs', 'marker', 'path', 'rect', 'text', 'g'])
    expect([...elements].filter((name) => !allowed.has(name ?? ''))).toEqual([])
    expect(textsOf(svg, 'title')).toEqual([
      shown,
      `${shown} ${shown} other ${shown}`,
      ...(shown < 'other' ? [`${shown} (operator)`, 'other (operator)'] : ['other (operator)', `${shown} (operator)`]),
    ])
  })

  it('is itself in JSON', () => {
    expect(JSON.parse(toJson(graph))).toMatchObject({ title: text, edges: [{ kind: text, note: text }] })
  })
})

/** The small graph at one of its deployments, with all operators at another. */
function lane(home: string): ExportedGraph {
  const nodes = SMALL.nodes.map((each) => ({ ...each, home: each.label.startsWith('https:') ? each.label : home }))
  return { ...SMALL, issuer: 'https://beta.io/auth', nodes }
}

describe('toSvg', () => {
  const svg = toSvg(SMALL)

  it('needs nothing that a content security policy can forbid', () => {
    expect(svg).not.toMatch(/\sstyle=|<style|<script|href|<image|<foreignObject|\son\w+=|@import|data:/i)
    expect([...svg.matchAll(/url\(([^)]*)\)/g)].every(([, url]) => url?.startsWith('#trust-arrow-'))).toBe(true)
  })

  it('shows each deployment as a strip, in place of lines for admits and speaks-for', () => {
    const drawn = toSvg(lane('https://alpha.net'))
    expect(textsOf(drawn, 'title').filter((title) => /admits|speaks-for|here|deployment/.test(title))).toEqual([
      'https://beta.io/auth (this deployment)',
      'https://alpha.net (admitted here)',
    ])
    expect(drawn.match(/<path d="M[^"]*C/g)).toHaveLength(3)
    expect(svg.match(/<path d="M[^"]*C/g)).toHaveLength(5)
    const elsewhere = toSvg(lane('https://rogue.example'))
    expect(textsOf(elsewhere, 'title')).toContain('https://rogue.example (not admitted here)')
    expect(textsOf(elsewhere, 'title')).toContain('https://alpha.net speaks-for acme.com')
  })

  it('draws an edge to a deployment to the name of its strip', () => {
    const edges = [exportedEdge('cargo.io chains-to https://alpha.net')]
    const drawn = toSvg({ ...lane('https://beta.io/auth'), edges })
    const heads = [...drawn.matchAll(/class="lane-head" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/g)]
    const [, x, y, width, height] = (heads.at(-1) ?? []).map(Number)
    const [, endX, endY] = (/C\S+ \S+ \S+ \S+ (\S+) (\S+)" class="edge k-chains-to"/.exec(drawn) ?? []).map(Number)
    expect([endX, endY]).toEqual([(x ?? 0) + (width ?? 0), (y ?? 0) + (height ?? 0) / 2])
  })

  it('has lines of each kind that differ in more than their colour', () => {
    const kinds = ['lets-call', 'accepts-members-of', 'member', 'blocks', 'chains-to', 'caller', 'admits', 'speaks-for']
    const looks = kinds.map((kind) => [lineOf(kind).dashes, lineOf(kind).width].join(' '))
    expect(new Set(looks).size).toBe(kinds.length)
    expect(new Set(kinds.map((kind) => lineOf(kind).words)).size).toBe(kinds.length)
  })

  it('lets a page draw title, legend and ground itself', () => {
    const embedded = toSvg(SMALL, { isEmbedded: true })
    expect(textsOf(embedded, 'text')).not.toContain(SMALL.title)
    expect(textsOf(embedded, 'title')).toContain(SMALL.title)
    expect(embedded).not.toContain('<rect width=')
  })

  it('has a role, a title and a description', () => {
    expect(svg).toMatch(/^<svg [^>]* role="img" aria-labelledby="trust-title trust-desc"/)
    expect(svg).toContain('<title id="trust-title">Trust around cargo.io</title>')
    expect(textsOf(svg, 'desc')).toEqual([
      'Nodes: 5. Edges: 5 (1 accepts-members-of, 1 admits, 1 blocks, 1 member, 1 speaks-for).',
    ])
  })

  it('says in a title what each edge and node is, and clips long labels', () => {
    const long = `${'long-'.repeat(20)}name.example`
    const titles = textsOf(toSvg({ ...SMALL, nodes: [...SMALL.nodes, node(long)] }), 'title')
    expect(titles).toContain('cargo.io accepts-members-of guild.org depth 1')
    expect(titles).toContain(`${long} (operator)`)
    expect(textsOf(toSvg({ ...EMPTY, nodes: [node(long)] }), 'text')).toEqual([
      'Empty',
      'long-long-long-long-long…'.slice(-25),
    ])
  })

  it('writes texts on edges only while there are few', () => {
    const nodes = many(42)
    const star = (count: number) => nodes.slice(1, count + 1).map(({ id }) => exportedEdge(`n0 member ${id}`))
    const countOf = (count: number) => textsOf(toSvg({ ...EMPTY, nodes, edges: star(count) }), 'text')
    expect(countOf(40).filter((text) => text === 'member')).toHaveLength(41)
    expect(countOf(41).filter((text) => text === 'member')).toHaveLength(1)
  })
})

it('visibleText and xmlText leave ordinary names as they are', () => {
  for (const write of [visibleText, xmlText]) expect(write('api.cargo-1.io')).toBe('api.cargo-1.io')
})
