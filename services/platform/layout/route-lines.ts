import type { Box } from './lay-out.ts'
import type { Link } from './layers.ts'

/** A line of a drawing. */
export interface Route {
  /** As the attribute `d` of a path of SVG. */
  readonly path: string
  /** The middle of a text about the line. */
  readonly text: { readonly x: number; readonly y: number }
}

/** Part of a box's side, in the middle, that the ends of lines share. */
const SHARED = 20
/** Largest distance between two ends. */
const MOST_STEP = 7
/** How far a line is bent to the side at its ends. */
const BEND = 60
const MOST_BEND = 220

/** Where a line leaves or reaches a box, and how far to the side the line is bent there. */
interface End {
  readonly x: number
  y: number
  readonly handle: number
}

interface Ends {
  readonly from: End
  readonly to: End
}

/** Leads each line from one box to another. Returns undefined for a line without one of its boxes. */
export function routeLines(
  links: readonly Link[],
  boxes: readonly (Box | undefined)[],
): readonly (Route | undefined)[] {
  const lines = links.map(({ start, end }) => endsOf(boxes[start], boxes[end]))
  spreadEnds(links, lines)
  return lines.map((line) => line && routeOf(line))
}

function routeOf({ from, to }: Ends): Route {
  const handles = [from.x + from.handle, to.x + to.handle] as const
  return {
    path: `M${from.x} ${from.y}C${handles[0]} ${from.y} ${handles[1]} ${to.y} ${to.x} ${to.y}`,
    // Here, lines from one box have parted and lines to one box have not met yet.
    text: { x: Math.round((handles[0] + handles[1]) / 2), y: Math.round((from.y + to.y) / 2) + 4 },
  }
}

/** Returns where a line leaves one box and reaches another: at the side of the other box. */
function endsOf(from: Box | undefined, to: Box | undefined): Ends | undefined {
  if (from === undefined || to === undefined) return undefined
  const isBack = to.x + to.width <= from.x
  const isSame = !isBack && to.x < from.x + from.width
  const isToLeft = !isBack && !isSame
  const distance = Math.abs(sideOf(to, isToLeft) - sideOf(from, isBack))
  const bend = isSame ? BEND : Math.round(Math.min(MOST_BEND, Math.max(BEND, distance / 3)))
  return { from: endOf(from, isBack, bend), to: endOf(to, isToLeft, bend) }
}

function sideOf({ x, width }: Box, isLeft: boolean): number {
  return isLeft ? x : x + width
}

function endOf(box: Box, isLeft: boolean, bend: number): End {
  return { x: sideOf(box, isLeft), y: box.y + box.height / 2, handle: isLeft ? -bend : bend }
}

/** Spreads the ends at each side of a box, in the order of the other ends, so that lines do not hide each other. */
function spreadEnds(links: readonly Link[], lines: readonly (Ends | undefined)[]): void {
  const sides = new Map<string, { readonly end: End; readonly other: number; readonly at: number }[]>()
  const add = (box: number, end: End, other: number, at: number) => {
    const key = `${box} ${Math.sign(end.handle)}`
    const ends = sides.get(key) ?? []
    ends.push({ end, other, at })
    sides.set(key, ends)
  }
  for (const [at, { start, end }] of links.entries()) {
    const line = lines[at]
    if (line === undefined) continue
    add(start, line.from, line.to.y, at)
    add(end, line.to, line.from.y, at)
  }
  for (const ends of sides.values()) {
    const step = Math.min(MOST_STEP, SHARED / ends.length)
    const sorted = ends.toSorted((one, other) => one.other - other.other || one.at - other.at)
    for (const [at, { end }] of sorted.entries()) end.y += Math.round((at - (ends.length - 1) / 2) * step * 10) / 10
  }
}
