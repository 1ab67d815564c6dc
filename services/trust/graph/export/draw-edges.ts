import type { Box } from '../../../platform/layout/lay-out.ts'
import { type Route, routeLines } from '../../../platform/layout/route-lines.ts'
import { clip, xmlText } from '../../../platform/layout/safe-text.ts'
import { classOf, lineOf, strokeOf } from './appearance.ts'
import type { PlacedEdge } from './exported-graph.ts'

/** Edges of larger graphs have no texts, because texts would hide each other. The legend explains the lines. */
const MOST_TEXTS = 40
/** Lines of larger graphs are faint, so that nodes stay readable. */
const MOST_STRONG = 150
/** Characters of a text that fit between two columns. */
const MOST_CHARACTERS = 28

/** Returns whether so many edges have texts, which need room between the columns. */
export function hasTexts(edges: number): boolean {
  return edges <= MOST_TEXTS
}

/** The edges to draw, and the boxes and labels of their nodes. */
interface EdgeScene {
  readonly edges: readonly PlacedEdge[]
  readonly boxes: readonly (Box | undefined)[]
  readonly labels: readonly string[]
  /** In the order of their arrow heads. */
  readonly kinds: readonly string[]
}

/** Draws the edges. */
export function drawEdges({ edges, boxes, labels, kinds }: EdgeScene): string[] {
  const routes = routeLines(edges, boxes)
  const opacity = edges.length > MOST_STRONG ? ' stroke-opacity="0.45"' : ''
  return edges.map(({ kind, start, end, note }, at) => {
    const route = routes[at]
    if (route === undefined) return ''
    const words = [labels[start], kind, labels[end], note].filter((word) => word !== undefined)
    const arrow = ` marker-end="url(#trust-arrow-${kinds.indexOf(kind)})"`
    const stroke = `class="edge ${classOf(kind)}" ${strokeOf(kind)}${opacity}`
    const text = hasTexts(edges.length) ? drawText(kind, route) : ''
    return `<g><title>${xmlText(words.join(' '))}</title><path d="${route.path}" ${stroke}${arrow}/>${text}</g>`
  })
}

function drawText(kind: string, { text: { x, y } }: Route): string {
  const place = `x="${x}" y="${y}" text-anchor="middle" font-size="11"`
  // The white outline keeps the text readable where it crosses lines.
  const outline = 'stroke="#ffffff" stroke-width="4" paint-order="stroke"'
  const shown = xmlText(clip(kind, MOST_CHARACTERS))
  return `<text class="edge-text ${classOf(kind)}" ${place} fill="${lineOf(kind).colour}" ${outline}>${shown}</text>`
}
