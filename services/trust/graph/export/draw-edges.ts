import { lineOf } from './appearance.ts'
import type { OrderedGraph, PlacedEdge } from './exported-graph.ts'
import { clip, xmlText } from './safe-text.ts'

/** Upper left corner of a drawn node. */
export interface Box {
  readonly x: number
  readonly y: number
}

/** Size of a drawn node. */
export const NODE = { width: 196, height: 26 }

/** Edges of larger graphs have no texts, because texts would hide each other. The legend explains the lines. */
const MOST_TEXTS = 40
/** Characters of a text that fit between two columns. */
const MOST_CHARACTERS = 28
/** Distance between edges that leave or reach a node at different heights. */
const SHIFT = 6
const BEND = 60

/** Draws the edges. `kinds` are in the order of their arrow heads. */
export function drawEdges(graph: OrderedGraph, boxes: readonly Box[], kinds: readonly string[]): string[] {
  const { nodes, edges } = graph
  const shifts = shiftsOf(edges)
  return edges.map((edge, at) => {
    const { kind, start, end, note } = edge
    const from = boxes[start]
    const to = boxes[end]
    if (from === undefined || to === undefined) return ''
    const { line, x, y } = curve(from, to, shifts[at] ?? 0)
    const { colour, dashes } = lineOf(kind)
    const words = [nodes[start]?.label, kind, nodes[end]?.label, note].filter((word) => word !== undefined)
    const pattern = dashes === '' ? '' : ` stroke-dasharray="${dashes}"`
    const arrow = ` marker-end="url(#trust-arrow-${kinds.indexOf(kind)})"`
    const text = edges.length > MOST_TEXTS ? '' : drawText(note === undefined ? kind : `${kind} ${note}`, colour, x, y)
    return `<g><title>${xmlText(words.join(' '))}</title><path d="${line}" stroke="${colour}"${pattern}${arrow}/>${text}</g>`
  })
}

function drawText(text: string, colour: string, x: number, y: number): string {
  const place = `x="${x}" y="${y}" text-anchor="middle" font-size="10"`
  // The white outline keeps the text readable where it crosses lines.
  return `<text ${place} fill="${colour}" stroke="#ffffff" stroke-width="3" paint-order="stroke">${xmlText(clip(text, MOST_CHARACTERS))}</text>`
}

/** Returns how far each edge is moved up or down, so that edges between the same two nodes do not hide each other. */
function shiftsOf(edges: readonly PlacedEdge[]): readonly number[] {
  const counts = new Map<string, number>()
  return edges.map(({ start, end }) => {
    const pair = `${Math.min(start, end)} ${Math.max(start, end)}`
    const count = counts.get(pair) ?? 0
    counts.set(pair, count + 1)
    const side = count % 2 === 0 ? 1 : -1
    return (Math.ceil(count / 2) % 3) * side * SHIFT
  })
}

/** Returns the line of an edge and where its text goes. It leaves and reaches a node at the side of the other node. */
function curve(from: Box, to: Box, shift: number): { readonly line: string; readonly x: number; readonly y: number } {
  const startY = from.y + NODE.height / 2 + shift
  const endY = to.y + NODE.height / 2 + shift + (from === to ? SHIFT : 0)
  const isBack = to.x < from.x
  const isSame = to.x === from.x
  const startX = isBack ? from.x : from.x + NODE.width
  const endX = isBack || isSame ? to.x + NODE.width : to.x
  const out = isBack ? -BEND : BEND
  const back = isSame ? BEND : -out
  const line = `M${startX} ${startY}C${startX + out} ${startY} ${endX + back} ${endY} ${endX} ${endY}`
  const bulge = isSame ? BEND * 0.75 : 0
  return { line, x: Math.round((startX + endX) / 2 + bulge), y: Math.round((startY + endY) / 2) + shift - 3 }
}
