import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { CliError } from './cli-error.ts'

/** An edge of an exported graph, for people. */
export type EdgeRow = readonly [from: string, kind: string, to: string, note: string]

/**
 * Reads the edges of a graph that the server has exported as JSON, and sorts them. Nodes with one label get their ids,
 * so that nobody takes one for the other. Throws CliError.
 */
export function readEdges(document: string): readonly EdgeRow[] {
  const graph = parse(document)
  const nodes = listOf(graph['nodes']).map((node) => ({ id: textOf(node['id']), label: textOf(node['label']) }))
  const count = (label: string) => nodes.filter((node) => node.label === label).length
  const names = new Map(nodes.map(({ id, label }) => [id, count(label) > 1 ? `${label} (${id})` : label]))
  const nameOf = (id: string) => names.get(id) ?? id
  return listOf(graph['edges'])
    .map((edge): EdgeRow => {
      const note = edge['note'] === undefined ? '' : textOf(edge['note'])
      return [nameOf(textOf(edge['from'])), textOf(edge['kind']), nameOf(textOf(edge['to'])), note]
    })
    .toSorted(inOrder)
}

function inOrder(one: EdgeRow, other: EdgeRow): number {
  for (const [at, text] of one.entries()) {
    const against = other[at] ?? ''
    if (text !== against) return text < against ? -1 : 1
  }
  return 0
}

function parse(document: string): JsonObject {
  try {
    const value: unknown = JSON.parse(document)
    if (isJsonObject(value)) return value
  } catch {
    // Handled as any other text that is no graph.
  }
  throw noGraph()
}

function listOf(value: unknown): readonly JsonObject[] {
  if (!Array.isArray(value) || !value.every(isJsonObject)) throw noGraph()
  return value
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw noGraph()
  return value
}

function noGraph(): CliError {
  const hint = 'Ask for the document: --format json'
  return new CliError('The server answered with a graph that this tool cannot read', {
    reason: 'UNEXPECTED_ANSWER',
    exit: 'refused',
    hint,
  })
}
