import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ExportedGraph } from '../../../services/trust/graph/export/exported-graph.ts'
import { toSvg } from '../../../services/trust/graph/export/to-svg.ts'
import { exportedEdge, HOSTILE, hostileGraph, node, SMALL } from '../../support/exported-graphs.ts'
import { installXmllint } from '../../support/graph-tools.ts'

let xmllint = ''

beforeAll(async () => {
  xmllint = await installXmllint()
}, 300_000)

/** Returns what xmllint writes about a document. It must end without an error, and without a warning. */
async function run(args: readonly string[], input: string): Promise<string> {
  const child = spawn(xmllint, ['--nonet', ...args, '-'], { stdio: 'pipe' })
  child.stdin.end(input)
  const [output, complaints] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(complaints).toBe('')
  return output.replace(/\n$/, '')
}

const valueOf = (xml: string, path: string) => run(['--xpath', `string(${path})`], xml)

function largeGraph(): ExportedGraph {
  const nodes = Array.from({ length: 500 }, (_none, at) => node(`n${at}`, at % 9 === 0 ? 'group' : 'operator'))
  const edges = nodes.map(({ id }, at) => exportedEdge(`n${9 * (at % 55)} member ${id}`))
  return { title: 'Large', nodes, edges }
}

it.each([
  ['a small graph', SMALL],
  ['a graph with 500 nodes', largeGraph()],
  ['a graph without nodes', { title: 'Empty', nodes: [], edges: [] }],
])('%s is well-formed XML as SVG', async (_name, graph) => {
  expect(await run(['--noout'], toSvg(graph))).toBe('')
})

describe.each(HOSTILE)('a text with %s', (_name, hostile, shown) => {
  it('is a text of SVG, and adds no element', async () => {
    const svg = toSvg(hostileGraph(hostile))
    expect(await valueOf(svg, "//*[local-name()='title'][1]")).toBe(shown)
    const elements = await valueOf(
      svg,
      "count(//*[not(contains(' svg title desc defs marker path rect text g ', concat(' ', local-name(), ' ')))])",
    )
    expect(elements).toBe('0')
  })
})
