/** A node of a plan, as `EXPLAIN (FORMAT JSON)` has it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly 'Total Cost': number
  readonly 'Plan Rows': number
  readonly 'Subplan Name'?: string
  readonly Plans?: readonly PlanNode[]
}

const IS_INDEX_SCAN = /^(?:Index Scan|Index Only Scan|Bitmap Index Scan)$/
/** Nodes that hand on rows as they come, so that a limit above them ends the reading below them. */
const PASSES = new Set([
  'Limit',
  'LockRows',
  'Result',
  'Nested Loop',
  'ProjectSet',
  'Subquery Scan',
  'Append',
  'Merge Append',
])

/**
 * Returns what a plan reads of tables that can grow: all of one, or an index from its beginning to its end. Reading
 * the beginning of an index is fine if a limit ends it and no filter passes rows over.
 */
export function findScans(root: PlanNode, isGrown: (table: string) => boolean): string[] {
  const found: string[] = []
  const visit = (node: PlanNode, from: { readonly isLimited: boolean; readonly table: string }): void => {
    const { 'Node Type': type, 'Relation Name': table = from.table, Plans: parts = [] } = node
    if (isGrown(table) && readsAll(node, from.isLimited)) found.push(describe(node, table))
    const isLimited = type === 'Limit' || (from.isLimited && PASSES.has(type))
    for (const part of parts) visit(part, { isLimited: isLimited && part['Subplan Name'] === undefined, table })
  }
  visit(root, { isLimited: false, table: '' })
  return found
}

function readsAll(
  { 'Node Type': type, 'Index Cond': condition, Filter: filter }: PlanNode,
  isLimited: boolean,
): boolean {
  if (type === 'Seq Scan') return true
  if (!IS_INDEX_SCAN.test(type) || condition !== undefined) return false
  return !isLimited || filter !== undefined
}

function describe({ 'Node Type': type, 'Index Name': index, Filter: filter }: PlanNode, table: string): string {
  const place = index === undefined ? table : `${index} of ${table}`
  return `${type} of all of ${place}${filter === undefined ? '' : `, filter ${filter}`}`
}
