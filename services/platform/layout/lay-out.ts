import { type Link, layersOf, neighboursOf } from './layers.ts'

/** A box of the picture: its upper left corner and its size. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** A graph to place. Nodes and lanes are numbers from 0; each node is in one lane. */
export interface Unplaced {
  readonly lanes: readonly number[]
  readonly laneCount: number
  readonly links: readonly Link[]
  /** Distance between the columns of two layers, for lines and their texts. */
  readonly gap: number
}

/** Where everything is. */
export interface Layout {
  readonly nodes: readonly Box[]
  readonly lanes: readonly Box[]
  readonly width: number
  readonly height: number
}

/** Size of a drawn node. */
export const NODE = { width: 200, height: 26 }
/** Height of a lane's name. */
export const LANE_HEAD = 38
const LANE_FOOT = 18
const LANE_SIDE = 20
const LANE_GAP = 16
/** Distances between the upper sides of nodes, and between columns of one layer. */
const STEP = { row: 42, column: NODE.width + 22 }
/** Most layers beside each other. Later ones begin again at the left, which happens only in very long paths. */
const MOST_LAYERS = 12
/** A column of a layer becomes a second one after about as many nodes as its square. */
const NODES_PER_COLUMN = 6
const MOST_COLUMNS = 4
const SWEEPS = 6

/** The nodes of one lane and one layer, in the order in which they are placed: row by row. */
interface Cell {
  readonly lane: number
  readonly layer: number
  nodes: number[]
}

/**
 * Places nodes: each lane is a strip over the whole width, one below the other. Layers go from left to right through
 * all lanes. In a lane, nodes are near their neighbours. The result depends on the argument alone.
 */
export function layOut(graph: Unplaced): Layout {
  const { lanes, laneCount, links, gap } = graph
  const layers = layersOf(lanes.length, links).map((layer) => layer % MOST_LAYERS)
  const cells = cellsOf(lanes, layers)
  const columns = columnsOf(cells)
  const frames = stackLanes(laneCount, cells)
  const ys: number[] = []
  for (const cell of cells) placeRows(cell, frames, ys)
  const neighbours = neighboursOf(lanes.length, links)
  const deepest = Math.max(0, ...layers)
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (let step = 0; step <= deepest; step += 1) {
      const layer = sweep % 2 === 0 ? step : deepest - step
      for (const cell of cells.filter((each) => each.layer === layer)) {
        cell.nodes = sortByNeighbours(cell.nodes, neighbours, ys)
        placeRows(cell, frames, ys)
      }
    }
  }
  const lefts = leftsOf(columns, gap)
  const nodes: Box[] = []
  for (const cell of cells) {
    for (const [at, node] of cell.nodes.entries()) {
      const x = (lefts[cell.layer] ?? 0) + (at % columnCount(cell.nodes.length)) * STEP.column
      nodes[node] = { x, y: ys[node] ?? 0, ...NODE }
    }
  }
  return { nodes, ...framesOf(frames, lefts, columns) }
}

function cellsOf(lanes: readonly number[], layers: readonly number[]): readonly Cell[] {
  const cells = new Map<string, Cell>()
  for (const [node, lane] of lanes.entries()) {
    const layer = layers[node] ?? 0
    const key = `${lane} ${layer}`
    const cell = cells.get(key) ?? { lane, layer, nodes: [] }
    cell.nodes.push(node)
    cells.set(key, cell)
  }
  return [...cells.values()]
}

function columnCount(nodes: number): number {
  return Math.min(MOST_COLUMNS, Math.ceil(Math.sqrt(nodes / NODES_PER_COLUMN)))
}

/** Returns the number of columns of each layer. */
function columnsOf(cells: readonly Cell[]): readonly number[] {
  const columns: number[] = [1]
  for (const { layer, nodes } of cells) columns[layer] = Math.max(columns[layer] ?? 1, columnCount(nodes.length))
  return columns
}

function leftsOf(columns: readonly number[], gap: number): readonly number[] {
  const lefts: number[] = []
  let left = LANE_SIDE
  for (const [layer, count] of columns.entries()) {
    lefts[layer] = left
    left += (count - 1) * STEP.column + NODE.width + gap
  }
  return lefts
}

interface Frame {
  readonly top: number
  readonly height: number
}

/** Puts the lanes below each other. Each is as high as its longest column. */
function stackLanes(laneCount: number, cells: readonly Cell[]): readonly Frame[] {
  const heights = Array.from({ length: laneCount }, () => 0)
  for (const { lane, nodes } of cells) heights[lane] = Math.max(heights[lane] ?? 0, heightOf(nodes.length))
  let top = 0
  return heights.map((content) => {
    const frame = { top, height: LANE_HEAD + (content > 0 ? content + LANE_FOOT : 0) }
    top += frame.height + LANE_GAP
    return frame
  })
}

function heightOf(nodes: number): number {
  const columns = columnCount(nodes)
  // Columns beside each other are shifted, so that lines to the later ones pass between the nodes of the first.
  return (Math.ceil(nodes / columns) - 1 + (columns - 1) / columns) * STEP.row + NODE.height
}

/** Places the nodes of a cell in the middle of its lane. */
function placeRows({ lane, nodes }: Cell, frames: readonly Frame[], ys: number[]): void {
  const { top, height } = frames[lane] ?? { top: 0, height: 0 }
  const room = height - LANE_HEAD - LANE_FOOT
  const columns = columnCount(nodes.length)
  const first = top + LANE_HEAD + (room - heightOf(nodes.length)) / 2
  for (const [at, node] of nodes.entries()) ys[node] = Math.round(first + (at / columns) * STEP.row)
}

/** Sorts nodes by the mean height of their neighbours. */
function sortByNeighbours(
  nodes: readonly number[],
  neighbours: readonly (readonly number[])[],
  ys: readonly number[],
): number[] {
  const weights = new Map(
    nodes.map((node) => {
      const all = neighbours[node] ?? []
      const sum = all.reduce((total, other) => total + (ys[other] ?? 0), 0)
      return [node, all.length === 0 ? (ys[node] ?? 0) : sum / all.length]
    }),
  )
  return nodes.toSorted((one, other) => (weights.get(one) ?? 0) - (weights.get(other) ?? 0) || one - other)
}

function framesOf(frames: readonly Frame[], lefts: readonly number[], columns: readonly number[]) {
  const last = columns.length - 1
  const width = (lefts[last] ?? LANE_SIDE) + ((columns[last] ?? 1) - 1) * STEP.column + NODE.width + LANE_SIDE
  const lanes = frames.map(({ top, height }) => ({ x: 0, y: top, width, height }))
  const bottom = frames.at(-1)
  return { lanes, width, height: bottom === undefined ? 0 : bottom.top + bottom.height }
}
