import { type ExportedGraph, orderGraph } from './exported-graph.ts'
import { xmlText } from './safe-text.ts'

const KEYS = [
  ['id', 'node'],
  ['label', 'node'],
  ['type', 'node'],
  ['edge', 'edge'],
  ['kind', 'edge'],
  ['note', 'edge'],
] as const

/**
 * Writes a graph as GraphML. The ids of elements are new; `id` and `edge` have those of the graph.
 *
 * @throws ExportRefused if it is too large.
 */
export function toGraphml(graph: ExportedGraph): string {
  const { title, nodes, edges } = orderGraph(graph)
  const keys = KEYS.map(([name, on]) => `  <key id="${name}" for="${on}" attr.name="${name}" attr.type="string"/>`)
  const elements = [
    ...nodes.map(({ id, label, type }, at) => `    <node id="n${at}">${data({ id, label, type })}</node>`),
    ...edges.map(({ id, kind, start, end, note }, at) => {
      const members = data({ edge: id, kind, ...(note !== undefined && { note }) })
      return `    <edge id="e${at}" source="n${start}" target="n${end}">${members}</edge>`
    }),
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <desc>${xmlText(title)}</desc>
${keys.join('\n')}
  <graph edgedefault="directed">
${elements.join('\n')}
  </graph>
</graphml>
`
}

function data(members: Readonly<Record<string, string>>): string {
  return Object.entries(members)
    .map(([key, text]) => `<data key="${key}">${xmlText(text)}</data>`)
    .join('')
}
