/** An edge between nodes, which are numbers from 0. */
export interface Link {
  readonly start: number
  readonly end: number
}

const PASSES = 3

/**
 * Returns the layer of each node, so that most edges lead to a later layer: first its distance from nodes without
 * incoming edges, and then ends of edges within a layer move on.
 */
export function layersOf(count: number, links: readonly Link[]): readonly number[] {
  const depths = depthsOf(count, links)
  const pairs = new Set(links.map(({ start, end }) => `${start} ${end}`))
  const oneWay = links.filter(({ start, end }) => !pairs.has(`${end} ${start}`))
  for (let pass = 0; pass < PASSES; pass += 1) {
    for (const { start, end } of oneWay) {
      const depth = depths[start] ?? 0
      if (depths[end] === depth) depths[end] = depth + 1
    }
  }
  // Moved nodes can leave a layer empty.
  const used = [...new Set(depths)].toSorted((one, other) => one - other)
  const ranks = new Map(used.map((depth, rank) => [depth, rank]))
  return depths.map((depth) => ranks.get(depth) ?? 0)
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

/** Returns the nodes to which each node has a link, or that have a link to it. */
export function neighboursOf(count: number, links: readonly Link[]): readonly (readonly number[])[] {
  const both = links.flatMap(({ start, end }) => [
    { start, end },
    { start: end, end: start },
  ])
  return listsOf(count, both)
}

function listsOf(count: number, links: readonly Link[]): readonly (readonly number[])[] {
  const lists = Array.from({ length: count }, (): number[] => [])
  for (const { start, end } of links) if (start !== end) lists[start]?.push(end)
  return lists
}
