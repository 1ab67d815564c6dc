import { FILLS, lineOf } from './appearance.ts'
import { type Box, drawEdges, NODE } from './draw-edges.ts'
import { type ExportedGraph, type ExportedNode, type OrderedGraph, orderGraph } from './exported-graph.ts'
import { layOut } from './layout.ts'
import { clip, xmlText } from './safe-text.ts'

/** Distances between the left sides of columns, and between rows. */
const STEP = { column: 372, row: 40 }
const MARGIN = 24
const TITLE_HEIGHT = 34
const LEGEND_HEIGHT = 26
const LEGEND_STEP = 190
/** Characters of a label that fit into a node. */
const MOST_CHARACTERS = 25

/**
 * Draws a graph as SVG. It has titles for screen readers, and no script, style, link or image, so any content security
 * policy allows it.
 *
 * @throws ExportRefused if it is too large.
 */
export function toSvg(graph: ExportedGraph): string {
  const ordered = orderGraph(graph)
  const { title, nodes, edges } = ordered
  const boxes = boxesOf(ordered)
  const kinds = [...new Set(edges.map(({ kind }) => kind))].toSorted()
  const width = Math.max(
    2 * MARGIN + LEGEND_STEP * kinds.length,
    ...boxes.map(({ x }) => x + NODE.width + STEP.column / 4),
  )
  const bottom = Math.max(0, ...boxes.map(({ y }) => y + NODE.height)) + MARGIN
  const height = bottom + LEGEND_HEIGHT
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="trust-title trust-desc" font-family="ui-monospace, monospace" font-size="12">
<title id="trust-title">${xmlText(title)}</title>
<desc id="trust-desc">${xmlText(describe(ordered))}</desc>
<defs>
${kinds.map((kind, at) => marker(kind, at)).join('\n')}
</defs>
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${MARGIN}" y="${MARGIN}" font-size="15" font-weight="bold" fill="#1b2330">${xmlText(title)}</text>
<g fill="none" stroke-width="1.4">
${drawEdges(ordered, boxes, kinds).join('\n')}
</g>
<g stroke="#37474f">
${nodes.map((node, at) => drawNode(node, boxes[at] ?? { x: 0, y: 0 })).join('\n')}
</g>
<g>
${kinds.map((kind, at) => drawLegend(kind, at, MARGIN + at * LEGEND_STEP, bottom)).join('\n')}
</g>
</svg>
`
}

function boxesOf({ nodes, edges }: OrderedGraph): readonly Box[] {
  return layOut(nodes.length, edges).map(({ column, row }) => ({
    x: MARGIN + column * STEP.column,
    y: MARGIN + TITLE_HEIGHT + row * STEP.row,
  }))
}

function describe({ nodes, edges }: OrderedGraph): string {
  const counts = new Map<string, number>()
  for (const { kind } of edges) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const kinds = [...counts].toSorted(([one], [other]) => (one < other ? -1 : 1))
  const parts = kinds.map(([kind, count]) => `${count} ${kind}`)
  return `Nodes: ${nodes.length}. Edges: ${edges.length}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}.`
}

function marker(kind: string, at: number): string {
  const size = 'viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
  return `<marker id="trust-arrow-${at}" ${size}><path d="M0 0L8 4L0 8z" fill="${lineOf(kind).colour}"/></marker>`
}

function drawNode({ label, type }: ExportedNode, { x, y }: Box): string {
  const radius = type === 'group' ? 12 : 2
  const isOutside = type === 'issuer' || type === 'deployment'
  const border = isOutside ? ' stroke-width="2"' : ''
  return (
    `<g><title>${xmlText(`${label} (${type})`)}</title>` +
    `<rect x="${x}" y="${y}" width="${NODE.width}" height="${NODE.height}" rx="${radius}" fill="${FILLS[type]}"${border}/>` +
    `<text x="${x + 7}" y="${y + 17}" fill="#1b2330" stroke="none">${xmlText(clip(label, MOST_CHARACTERS))}</text></g>`
  )
}

function drawLegend(kind: string, at: number, x: number, y: number): string {
  const { colour, dashes } = lineOf(kind)
  const pattern = dashes === '' ? '' : ` stroke-dasharray="${dashes}"`
  return (
    `<path d="M${x} ${y}h34" stroke="${colour}" stroke-width="1.4"${pattern} marker-end="url(#trust-arrow-${at})"/>` +
    `<text x="${x + 42}" y="${y + 4}" fill="${colour}" font-size="11">${xmlText(kind)}</text>`
  )
}
