import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Program, parseSync } from 'oxc-parser'

const CLIENTS = join(import.meta.dirname, '../../../clients')
/** The modules that people import: every module of `core`, and the entry points of the other packages. */
const ENTRIES = [
  'core/src/**/*.ts',
  'sdk/src/{index,grpc,connect}.ts',
  'sdk/src/node/index.ts',
  'verifier/src/{index,express,fastify,hono,connect,grpc,mcp}.ts',
]

/** A function or class that people import. */
export interface Exported {
  /** Path and name. */
  readonly name: string
  /** The text of the docstring, without stars; empty if there is no docstring. */
  readonly docs: string
  /** The code of the examples in the docstring. */
  readonly examples: readonly string[]
}

/** Returns the functions and classes that the packages export. Each is in the list once. */
export function readExported(): readonly Exported[] {
  const files = globSync(ENTRIES, { cwd: CLIENTS, exclude: ['**/*.test.ts'] })
  // The docstring of an overloaded function is before its first declaration.
  const all = files.flatMap((file) => exportsOf(file)).toReversed()
  const found = new Map(all.map((each) => [each.name, each]))
  return [...found.values()]
}

function exportsOf(file: string, wanted?: ReadonlySet<string>): Exported[] {
  const text = readFileSync(join(CLIENTS, file), 'utf8')
  const { program, comments } = parseSync(file, text)
  const docsBefore = (at: number): string => {
    const comment = comments.findLast(({ end }) => end <= at)
    const isDocs =
      comment?.type === 'Block' && comment.value.startsWith('*') && text.slice(comment.end, at).trim() === ''
    return isDocs ? comment.value.replaceAll(/^\s*\* ?/gm, '') : ''
  }
  return exportedNodes(program).flatMap(({ names, from, node }) => {
    if (from !== undefined) return from.startsWith('.') ? exportsOf(join(dirname(file), from), new Set(names)) : []
    return names
      .filter((name) => wanted === undefined || wanted.has(name))
      .map((name) => {
        const docs = docsBefore(node.start)
        return { name: `${file} ${name}`, docs, examples: examplesIn(docs) }
      })
  })
}

interface ExportedNode {
  readonly names: readonly string[]
  /** The module that the names come from. */
  readonly from: string | undefined
  readonly node: { readonly start: number }
}

function exportedNodes(program: Program): ExportedNode[] {
  return program.body.flatMap((node): ExportedNode[] => {
    if (node.type !== 'ExportNamedDeclaration' || node.exportKind === 'type') return []
    const { declaration, source } = node
    if (source !== null) {
      const values = node.specifiers.filter(({ exportKind }) => exportKind !== 'type')
      const names = values.flatMap(({ local }) => (local.type === 'Identifier' ? [local.name] : []))
      return [{ names, from: source.value, node }]
    }
    const isFunction = declaration?.type === 'FunctionDeclaration' || declaration?.type === 'TSDeclareFunction'
    const isValue = isFunction || declaration?.type === 'ClassDeclaration'
    return isValue && declaration.id ? [{ names: [declaration.id.name], from: undefined, node }] : []
  })
}

function examplesIn(docs: string): string[] {
  return docs
    .split(/^@example/m)
    .slice(1)
    .map((text) => /```ts\n([\s\S]*?)```/.exec(text)?.[1] ?? '')
}
