import { type Box, LANE_HEAD, layOut } from '../../../platform/layout/lay-out.ts'
import { clip, xmlText } from '../../../platform/layout/safe-text.ts'
import { classOf, FILLS, lineOf, strokeOf } from './appearance.ts'
import { drawEdges, hasTexts } from './draw-edges.ts'
import { type ExportedGraph, type ExportedNode, type OrderedGraph, orderGraph } from './exported-graph.ts'
import { type Lane, type LanedGraph, putInLanes } from './lanes.ts'

const MARGIN = 20
const TITLE_HEIGHT = 40
const LEGEND_STEP = { x: 230, y: 24 }
/** Distances between layers, with and without texts on the lines. */
const GAP = { texts: 190, lines: 130 }
/** Characters of a label that fit into a node. */
const MOST_CHARACTERS = 25
/** Characters of an issuer that fit into the head of a lane. */
const MOST_NAME = 60
const CHARACTER_WIDTH = 7.3

/** How a graph is drawn for a page, which has its own title, legend and colours. */
interface DrawOptions {
  readonly isEmbedded?: boolean
}

/**
 * Draws a graph as SVG: the nodes of each deployment in a lane. It has titles for screen readers, and no script,
 * style, link or image, so any content security policy allows it. Its classes let a page choose colours.
 *
 * @throws ApiError INVALID_ARGUMENT if it is too large.
 */
export function toSvg(graph: ExportedGraph, { isEmbedded = false }: DrawOptions = {}): string {
  const ordered = orderGraph(graph)
  const scene = sceneOf(ordered, isEmbedded ? 0 : TITLE_HEIGHT)
  const kinds = [...new Set(scene.edges.map(({ kind }) => kind))].toSorted()
  const perRow = Math.max(1, Math.min(kinds.length, Math.floor(Math.max(scene.width, 900) / LEGEND_STEP.x)))
  const legend = isEmbedded ? '' : drawLegend(kinds, perRow, scene.bottom + MARGIN)
  const width = Math.max(scene.width, isEmbedded ? 0 : perRow * LEGEND_STEP.x) + 2 * MARGIN
  const height = scene.bottom + MARGIN + (isEmbedded ? 0 : Math.ceil(kinds.length / perRow) * LEGEND_STEP.y)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="trust-title trust-desc" font-family="ui-monospace, monospace" font-size="12">
<title id="trust-title">${xmlText(graph.title)}</title>
<desc id="trust-desc">${xmlText(describe(ordered, scene.edges))}</desc>
<defs>
${kinds.map(marker).join('\n')}
</defs>
${isEmbedded ? '' : `${drawTitle(graph.title, width, height)}\n`}<g stroke="#cfd8dc">
${scene.lanes.map(drawLane).join('\n')}
</g>
<g fill="none">
${drawEdges({ ...scene, labels: ordered.nodes.map(({ label }) => label), kinds }).join('\n')}
</g>
<g stroke="#cfd8dc">
${scene.lanes.map(drawHead).join('\n')}
</g>
<g stroke="#546e7a">
${ordered.nodes.map((node, at) => (scene.isHead[at] === true ? '' : drawNode(node, scene.boxes[at]))).join('\n')}
</g>
${legend}</svg>
`
}

/**
 * Returns how many edges a picture of the graph draws as lines. Its boxes show the others: which issuers a deployment
 * has admitted, and for which operators they speak.
 *
 * @throws ApiError INVALID_ARGUMENT if it is too large.
 */
export function drawnEdges(graph: ExportedGraph): number {
  return putInLanes(orderGraph(graph)).lines.length
}

interface Scene extends Pick<LanedGraph, 'isHead'> {
  readonly edges: OrderedGraph['edges']
  readonly boxes: readonly (Box | undefined)[]
  readonly lanes: readonly { readonly lane: Lane; readonly box: Box; readonly head: Box }[]
  readonly width: number
  readonly bottom: number
}

/** Places everything. Nodes in the heads of lanes are not placed with the others: edges lead to the head. */
function sceneOf(ordered: OrderedGraph, above: number): Scene {
  const laned = putInLanes(ordered)
  const edges = laned.lines
  const placed = [...ordered.nodes.keys()].filter((at) => laned.isHead[at] !== true)
  const places = new Map(placed.map((node, at) => [node, at]))
  const links = edges.flatMap(({ start, end }) => {
    const from = places.get(start)
    const to = places.get(end)
    return from === undefined || to === undefined ? [] : [{ start: from, end: to }]
  })
  const layout = layOut({
    lanes: placed.map((node) => laned.laneOf[node] ?? 0),
    laneCount: laned.lanes.length,
    links,
    gap: hasTexts(edges.length) ? GAP.texts : GAP.lines,
  })
  const move = ({ x, y, ...size }: Box): Box => ({ x: x + MARGIN, y: y + MARGIN + above, ...size })
  const lanes = laned.lanes.map((lane, at) => {
    const box = move(layout.lanes[at] ?? { x: 0, y: 0, width: 0, height: 0 })
    return { lane, box, head: headOf(lane, box) }
  })
  const boxes = ordered.nodes.map((_node, at) => {
    const place = places.get(at)
    const box = place === undefined ? undefined : layout.nodes[place]
    return box === undefined ? lanes[laned.laneOf[at] ?? 0]?.head : move(box)
  })
  return { isHead: laned.isHead, edges, boxes, lanes, width: layout.width, bottom: layout.height + MARGIN + above }
}

/** Returns where the name of a lane is. */
function headOf(lane: Lane, { x, y }: Box): Box {
  const characters = nameOf(lane).length + lane.role.length + 2
  return { x: x + 8, y: y + 7, width: Math.ceil(characters * CHARACTER_WIDTH) + 18, height: LANE_HEAD - 14 }
}

function nameOf({ home = '' }: Lane): string {
  return clip(home, MOST_NAME)
}

/** Counts what the picture shows, for those who cannot see it: first the lines, then what the boxes say. */
function describe({ nodes, edges }: OrderedGraph, lines: OrderedGraph['edges']): string {
  const boxed = edges.filter((edge) => !lines.includes(edge))
  const byBoxes = boxed.length === 0 ? '' : ` Shown by the boxes: ${countKinds(boxed)}.`
  return `Nodes: ${nodes.length}. Edges: ${lines.length}${lines.length > 0 ? ` (${countKinds(lines)})` : ''}.${byBoxes}`
}

function countKinds(edges: OrderedGraph['edges']): string {
  const counts = new Map<string, number>()
  for (const { kind } of edges) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const kinds = [...counts].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return kinds.map(([kind, count]) => `${count} ${kind}`).join(', ')
}

/** Draws the head of an arrow; a bar for a block. */
function marker(kind: string, at: number): string {
  const size = 'viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse"'
  const isBlock = kind === 'blocks'
  const large = 'viewBox="0 0 8 16" refX="8" refY="8" markerWidth="8" markerHeight="16" markerUnits="userSpaceOnUse"'
  const path = isBlock ? 'M4 0h4v16h-4z' : 'M0 0L8 4L0 8z'
  const fill = `class="arrow ${classOf(kind)}" fill="${lineOf(kind).colour}"`
  return `<marker id="trust-arrow-${at}" ${isBlock ? large : size} orient="auto"><path d="${path}" ${fill}/></marker>`
}

function drawTitle(title: string, width: number, height: number): string {
  const text = `x="${MARGIN}" y="${MARGIN + 18}" font-size="17" font-weight="bold" fill="#1b2330"`
  return `<rect width="${width}" height="${height}" fill="#ffffff"/>\n<text ${text}>${xmlText(title)}</text>`
}

/** Draws the strip of a deployment. */
function drawLane({ lane: { home, role }, box }: Scene['lanes'][number]): string {
  if (home === undefined) return ''
  const { x, y, width, height } = box
  return (
    `<g><title>${xmlText(`${home} (${role})`)}</title>` +
    `<rect class="lane" x="${x}" y="${y}" width="${width}" height="${height}" rx="8" fill="#fafbfc"/></g>`
  )
}

/** Draws the name of a lane, above the lines. */
function drawHead({ lane, head }: Scene['lanes'][number]): string {
  if (lane.home === undefined) return ''
  const { x, y, width, height } = head
  const fill = FILLS[lane.role === 'this deployment' ? 'deployment' : 'issuer']
  const base = y + 16
  return (
    `<g><rect class="lane-head" x="${x}" y="${y}" width="${width}" height="${height}" rx="4" fill="${fill}"/>` +
    `<text class="lane-name" x="${x + 9}" y="${base}" fill="#1b2330" stroke="none" font-weight="bold">${xmlText(nameOf(lane))}</text>` +
    `<text class="lane-role" x="${x + width - 9}" y="${base}" text-anchor="end" fill="#546e7a" stroke="none">${lane.role}</text></g>`
  )
}

function drawNode({ label, type }: ExportedNode, box: Box | undefined): string {
  if (box === undefined) return ''
  const { x, y, width, height } = box
  const radius = type === 'group' ? height / 2 : 3
  const border = type === 'issuer' || type === 'deployment' ? ' stroke-width="2"' : ''
  return (
    `<g><title>${xmlText(`${label} (${type})`)}</title>` +
    `<rect class="node ${type}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${FILLS[type]}"${border}/>` +
    `<text class="label" x="${x + width / 2}" y="${y + 17}" fill="#1b2330" stroke="none" text-anchor="middle">${xmlText(clip(label, MOST_CHARACTERS))}</text></g>`
  )
}

/** Draws what the lines mean. */
function drawLegend(kinds: readonly string[], perRow: number, top: number): string {
  const entries = kinds.map((kind, at) => {
    const x = MARGIN + (at % perRow) * LEGEND_STEP.x
    const y = top + 8 + Math.floor(at / perRow) * LEGEND_STEP.y
    return (
      `<path d="M${x} ${y}h44" ${strokeOf(kind)} marker-end="url(#trust-arrow-${at})"/>` +
      `<text x="${x + 54}" y="${y + 4}" fill="${lineOf(kind).colour}" font-size="12">${xmlText(kind)}</text>`
    )
  })
  return `<g>\n${entries.join('\n')}\n</g>\n`
}
