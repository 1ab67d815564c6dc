import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ExportedGraph } from '../../../services/trust/graph/export/exported-graph.ts'
import { toDot } from '../../../services/trust/graph/export/to-dot.ts'
import { toGraphml } from '../../../services/trust/graph/export/to-graphml.ts'
import { toSvg } from '../../../services/trust/graph/export/to-svg.ts'
import { exportedEdge, HOSTILE, hostileGraph, node, SMALL } from '../../support/exported-graphs.ts'
import { installGraphviz, installXmllint } from '../../support/graph-tools.ts'
import { installNetworkx, PYTHON } from '../../support/python.ts'

const READ_GRAPHML = join(import.meta.dirname, 'read_graphml.py')

let dot = ''
let xmllint = ''

beforeAll(async () => {
  dot = await installGraphviz()
  xmllint = await installXmllint()
  await installNetworkx()
})

/** Returns what a program writes. It must end without an error, and without a warning. */
async function run(program: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(program, args, { stdio: 'pipe' })
  child.stdin.end(input)
  const [output, complaints] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(complaints).toBe('')
  return output
}

/** Returns every text that Graphviz draws, and every attribute of its nodes that could be a link. */
async function drawnByGraphviz(graph: ExportedGraph): Promise<{ texts: string[]; names: string[] }> {
  const output: unknown = JSON.parse(await run(dot, ['-Tjson'], toDot(graph)))
  const texts: string[] = []
  const names = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [name, member] of Object.entries(value)) {
      if (!Array.isArray(value)) names.add(name)
      if (name === 'text' && typeof member === 'string') texts.push(member)
      visit(member)
    }
  }
  visit(output)
  return { texts, names: [...names] }
}

const valueOf = (xml: string, path: string) => run(xmllint, ['--nonet', '--xpath', `string(${path})`, '-'], xml)

/** Stops xmllint's own line break. */
const line = (output: string) => output.replace(/\n$/, '')

function largeGraph(): ExportedGraph {
  const nodes = Array.from({ length: 500 }, (_none, at) => node(`n${at}`, at % 9 === 0 ? 'group' : 'operator'))
  const edges = nodes.map(({ id }, at) => exportedEdge(`n${9 * (at % 55)} member ${id}`))
  return { title: 'Large', nodes, edges }
}

describe.each([
  ['a small graph', SMALL],
  ['a graph with 500 nodes', largeGraph()],
  ['a graph without nodes', { title: 'Empty', nodes: [], edges: [] }],
])('%s', (_name, graph) => {
  it('is read by Graphviz', async () => {
    const { texts } = await drawnByGraphviz(graph)
    expect(texts).toEqual(expect.arrayContaining(graph.nodes.map(({ label }) => label)))
  })

  it('is well-formed XML as SVG and as GraphML', async () => {
    for (const xml of [toSvg(graph), toGraphml(graph)]) await run(xmllint, ['--nonet', '--noout', '-'], xml)
  })

  it('is read by networkx', async () => {
    const read: unknown = JSON.parse(await run(PYTHON, [READ_GRAPHML], toGraphml(graph)))
    const edges = graph.edges.map(({ id, ...edge }) => ({ ...edge, edge: id }))
    expect(read).toEqual({
      nodes: expect.arrayContaining([...graph.nodes]),
      edges: expect.arrayContaining(edges),
    })
    expect(read).toMatchObject({ nodes: { length: graph.nodes.length }, edges: { length: edges.length } })
  })
})

describe.each(HOSTILE)('a text with %s', (_name, hostile, shown) => {
  const graph = hostileGraph(hostile)

  it('is drawn by Graphviz as it is, and adds no attribute', async () => {
    const { texts, names } = await drawnByGraphviz(graph)
    expect(texts.toSorted()).toEqual([shown, shown, `${shown} ${shown}`, 'other'].toSorted())
    const ordinary = await drawnByGraphviz(hostileGraph('x'))
    expect(names).toEqual(ordinary.names)
  })

  it('is a text of SVG and GraphML', async () => {
    const svg = toSvg(graph)
    expect(line(await valueOf(svg, "//*[local-name()='title'][1]"))).toBe(shown)
    const elements = await valueOf(
      svg,
      "count(//*[not(contains(' svg title desc defs marker path rect text g ', concat(' ', local-name(), ' ')))])",
    )
    expect(line(elements)).toBe('0')
    expect(line(await valueOf(toGraphml(graph), "//*[local-name()='desc']"))).toBe(shown)
  })
})
