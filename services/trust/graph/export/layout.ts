/** Where a node is: column from the left, row from the top. */
export interface Place {
  readonly column: number
  readonly row: number
}

/** An edge between nodes, which are numbers from 0. */
export interface Link {
  readonly start: number
  readonly end: number
}

/** Longest column, and most columns beside each other. More continue in the next column, or below. */
const ROWS = 30
const COLUMNS = 12
const SWEEPS = 4
const PASSES = 3

/**
 * Places nodes in columns, so that most edges lead to the right. Nodes without incoming edges are in the first column.
 * In a column, nodes are near their neighbours. The result depends on the arguments alone.
 */
export function layOut(count: number, links: readonly Link[]): readonly Place[] {
  const layers = layersOf(count, links)
  orderLayers(layers, neighboursOf(count, links))
  const columns = layers.flatMap((layer) => splitLayer(layer))
  const places: Place[] = []
  let top = 0
  for (let first = 0; first < columns.length; first += COLUMNS) {
    const band = columns.slice(first, first + COLUMNS)
    const height = Math.max(...band.map((column) => column.length))
    for (const [column, nodes] of band.entries()) {
      const offset = top + (height - nodes.length) / 2
      for (const [row, node] of nodes.entries()) places[node] = { column, row: offset + row }
    }
    top += height + 1
  }
  return places
}

/** Splits a layer into columns of about the same length. */
function splitLayer(layer: readonly number[]): number[][] {
  const columns = Math.ceil(layer.length / ROWS)
  const length = Math.ceil(layer.length / columns)
  return Array.from({ length: columns }, (_none, at) => layer.slice(at * length, (at + 1) * length))
}

/** Groups nodes by their distance from nodes without incoming edges, and then moves ends of edges within a group. */
function layersOf(count: number, links: readonly Link[]): number[][] {
  const depths = depthsOf(count, links)
  const pairs = new Set(links.map(({ start, end }) => `${start} ${end}`))
  const oneWay = links.filter(({ start, end }) => !pairs.has(`${end} ${start}`))
  for (let pass = 0; pass < PASSES; pass += 1) {
    for (const { start, end } of oneWay) {
      const depth = depths[start] ?? 0
      if (depths[end] === depth) depths[end] = depth + 1
    }
  }
  const layers: number[][] = []
  for (const [node, depth] of depths.entries()) (layers[depth] ??= []).push(node)
  return layers.filter((layer) => layer !== undefined)
}

/** Returns each node's distance from the nearest node without incoming edges. */
function depthsOf(count: number, links: readonly Link[]): number[] {
  const targets = listsOf(count, links)
  const isTarget = new Set(targets.flat())
  const depths: number[] = Array.from({ length: count }, () => -1)
  const spread = (roots: readonly number[]) => {
    let layer = roots
    for (let depth = 0; layer.length > 0; depth += 1) {
      for (const node of layer) depths[node] = depth
      layer = [...new Set(layer.flatMap((node) => targets[node] ?? []))].filter((node) => depths[node] === -1)
    }
  }
  spread([...depths.keys()].filter((node) => !isTarget.has(node)))
  // The nodes that remain are in cycles, or behind one.
  for (const node of depths.keys()) if (depths[node] === -1) spread([node])
  return depths
}

/** Sorts each layer by the mean place of the neighbours of its nodes, in both directions. */
function orderLayers(layers: number[][], neighbours: readonly (readonly number[])[]): void {
  const at: number[] = []
  const note = (layer: readonly number[]) => {
    for (const [index, node] of layer.entries()) at[node] = (index + 0.5) / layer.length
  }
  for (const layer of layers) note(layer)
  const weight = (node: number) => {
    const all = neighbours[node] ?? []
    if (all.length === 0) return at[node] ?? 0
    return all.reduce((sum, other) => sum + (at[other] ?? 0), 0) / all.length
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const indexes = [...layers.keys()]
    // The layer at which a sweep begins stays as it is.
    for (const index of (sweep % 2 === 0 ? indexes : indexes.toReversed()).slice(1)) {
      const layer = (layers[index] ?? []).map((node) => ({ node, weight: weight(node) }))
      layers[index] = layer
        .toSorted((one, other) => one.weight - other.weight || one.node - other.node)
        .map(({ node }) => node)
      note(layers[index])
    }
  }
}

function neighboursOf(count: number, links: readonly Link[]): readonly (readonly number[])[] {
  const both = links.flatMap(({ start, end }) => [
    { start, end },
    { start: end, end: start },
  ])
  return listsOf(count, both)
}

/** Returns the nodes to which each node has a link. */
function listsOf(count: number, links: readonly Link[]): readonly (readonly number[])[] {
  const lists = Array.from({ length: count }, (): number[] => [])
  for (const { start, end } of links) if (start !== end) lists[start]?.push(end)
  return lists
}
