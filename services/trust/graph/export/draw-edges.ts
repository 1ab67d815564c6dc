import type { Box } from '../../../platform/layout/lay-out.ts'
import { classOf, lineOf } from './appearance.ts'
import type { PlacedEdge } from './exported-graph.ts'
import { clip, xmlText } from './safe-text.ts'

/** Edges of larger graphs have no texts, because texts would hide each other. The legend explains the lines. */
const MOST_TEXTS = 40
/** Lines of larger graphs are faint, so that nodes stay readable. */
const MOST_STRONG = 150
/** Characters of a text that fit between two columns. */
const MOST_CHARACTERS = 28
/** Part of a node's side, in the middle, that the ends of edges share. */
const SHARED = 20
/** Largest distance between two ends. */
const MOST_STEP = 7
/** How far a line is bent to the side at its ends. */
const BEND = 60
const MOST_BEND = 220

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
  const routes = edges.map(({ start, end }) => routeOf(boxes[start], boxes[end]))
  spreadEnds(edges, routes)
  const opacity = edges.length > MOST_STRONG ? ' stroke-opacity="0.45"' : ''
  return edges.map(({ kind, start, end, note }, at) => {
    const route = routes[at]
    if (route === undefined) return ''
    const { colour, dashes, width } = lineOf(kind)
    const words = [labels[start], kind, labels[end], note].filter((word) => word !== undefined)
    const pattern = dashes === '' ? '' : ` stroke-dasharray="${dashes}"`
    const arrow = ` marker-end="url(#trust-arrow-${kinds.indexOf(kind)})"`
    const stroke = `class="edge ${classOf(kind)}" stroke="${colour}" stroke-width="${width}"${pattern}${opacity}`
    const text = hasTexts(edges.length) ? drawText(kind, route) : ''
    return `<g><title>${xmlText(words.join(' '))}</title><path d="${pathOf(route)}" ${stroke}${arrow}/>${text}</g>`
  })
}

function drawText(kind: string, { from, to }: Route): string {
  // At this part of the line, lines from one node have parted and lines to one node have not met yet.
  const x = Math.round((from.x + from.handle + to.x + to.handle) / 2)
  const y = Math.round((from.y + to.y) / 2) + 4
  const place = `x="${x}" y="${y}" text-anchor="middle" font-size="11"`
  // The white outline keeps the text readable where it crosses lines.
  const outline = 'stroke="#ffffff" stroke-width="4" paint-order="stroke"'
  const shown = xmlText(clip(kind, MOST_CHARACTERS))
  return `<text class="edge-text ${classOf(kind)}" ${place} fill="${lineOf(kind).colour}" ${outline}>${shown}</text>`
}

/** Where a line leaves or reaches a node, and how far to the side the line is bent there. */
interface End {
  readonly x: number
  y: number
  handle: number
}

interface Route {
  readonly from: End
  readonly to: End
}

/** Returns where a line leaves one node and reaches another: at the side of the other node. */
function routeOf(from: Box | undefined, to: Box | undefined): Route | undefined {
  if (from === undefined || to === undefined) return undefined
  const isBack = to.x + to.width <= from.x
  const isSame = !isBack && to.x < from.x + from.width
  const route = { from: endOf(from, isBack), to: endOf(to, !isBack && !isSame) }
  const bend = isSame ? BEND : Math.min(MOST_BEND, Math.max(BEND, Math.abs(route.to.x - route.from.x) / 3))
  for (const end of [route.from, route.to]) end.handle = Math.sign(end.handle) * Math.round(bend)
  return route
}

function endOf({ x, y, width, height }: Box, isLeft: boolean): End {
  return { x: isLeft ? x : x + width, y: y + height / 2, handle: isLeft ? -BEND : BEND }
}

/** Spreads the ends at each side of a node, in the order of the other ends, so that lines do not hide each other. */
function spreadEnds(edges: readonly PlacedEdge[], routes: readonly (Route | undefined)[]): void {
  const sides = new Map<string, { readonly end: End; readonly other: number; readonly at: number }[]>()
  const add = (node: number, end: End, other: number, at: number) => {
    const key = `${node} ${Math.sign(end.handle)}`
    const ends = sides.get(key) ?? []
    ends.push({ end, other, at })
    sides.set(key, ends)
  }
  for (const [at, route] of routes.entries()) {
    const edge = edges[at]
    if (route === undefined || edge === undefined) continue
    add(edge.start, route.from, route.to.y, at)
    add(edge.end, route.to, route.from.y, at)
  }
  for (const ends of sides.values()) {
    const step = Math.min(MOST_STEP, SHARED / ends.length)
    const sorted = ends.toSorted((one, other) => one.other - other.other || one.at - other.at)
    for (const [at, { end }] of sorted.entries()) end.y += Math.round((at - (ends.length - 1) / 2) * step * 10) / 10
  }
}

function pathOf({ from, to }: Route): string {
  return `M${from.x} ${from.y}C${from.x + from.handle} ${from.y} ${to.x + to.handle} ${to.y} ${to.x} ${to.y}`
}
