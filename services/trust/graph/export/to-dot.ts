import { FILLS, lineOf } from './appearance.ts'
import { type ExportedGraph, orderGraph } from './exported-graph.ts'
import { dotText } from './safe-text.ts'

/**
 * Writes a graph in Graphviz's DOT language.
 *
 * @throws ExportRefused if it is too large.
 */
export function toDot(graph: ExportedGraph): string {
  const { title, nodes, edges } = orderGraph(graph)
  const lines = nodes.map(({ label, type }, at) => {
    const style = type === 'group' ? 'filled,rounded' : 'filled'
    return `  n${at} [label=${dotText(label)} style="${style}" fillcolor="${FILLS[type]}"]`
  })
  for (const { kind, start, end, note } of edges) {
    const { colour, style } = lineOf(kind)
    const label = note === undefined ? kind : `${kind} ${note}`
    lines.push(
      `  n${start} -> n${end} [label=${dotText(label)} color="${colour}" fontcolor="${colour}" style=${style}]`,
    )
  }
  return `digraph trust {
  label=${dotText(title)}
  rankdir=LR
  node [shape=box fontname="sans-serif" fontsize=11]
  edge [fontname="sans-serif" fontsize=9]
${lines.join('\n')}
}
`
}
