import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Argument, type CallExpression, type NewExpression, parseSync, Visitor } from 'oxc-parser'

const ROOT = join(import.meta.dirname, '../../..')
const SOURCES = ['services/**/*.{ts,mjs}', 'clients/*/src/**/*.ts', 'clients/*.ts', 'test/**/*.ts', '*.config.ts']
const GENERATED = ['**/node_modules/**', '**/dist/**']

/** A text of the project with its place, `file:line`. */
export interface SourceText {
  readonly at: string
  readonly text: string
}

interface Source {
  readonly file: string
  readonly text: string
  readonly comments: readonly { readonly value: string; readonly start: number }[]
  readonly calls: readonly (CallExpression | NewExpression)[]
}

const TITLED = new Set(['describe', 'it', 'test'])

/** Reads and parses every TypeScript and JavaScript file of the project. */
export function readSources(): readonly Source[] {
  return globSync(SOURCES, { cwd: ROOT, exclude: GENERATED }).toSorted().map(readSource)
}

/** Returns the lines of comments, each with the mark at its beginning. */
export function commentLines({ file, text, comments }: Source): SourceText[] {
  return comments.flatMap(({ value, start }) => {
    const first = lineOf(text, start)
    return value.split('\n').map((_, index) => ({
      at: `${file}:${first + index}`,
      text: text.split('\n')[first + index - 1] ?? '',
    }))
  })
}

/** Returns the messages with which the program creates errors. A `…` stands for each value in a message. */
export function errorMessages({ file, text, calls }: Source): SourceText[] {
  if (/\.test\.ts$|^test\//.test(file)) return []
  return calls.flatMap((call) => {
    if (call.type !== 'NewExpression' || !/Error$|Refusal$/.test(nameOf(call.callee))) return []
    const message = call.arguments.map(textOf).find((each) => each !== undefined && !/^[A-Z_]+$/.test(each))
    return message === undefined ? [] : [{ at: `${file}:${lineOf(text, call.start)}`, text: message }]
  })
}

/** Returns the titles of tests and of groups of tests. A `…` stands for each value in a title. */
export function testTitles({ file, text, calls }: Source): SourceText[] {
  if (!file.endsWith('.test.ts')) return []
  return calls.flatMap((call) => {
    if (call.type !== 'CallExpression' || !TITLED.has(rootOf(call.callee))) return []
    const title = textOf(call.arguments[0])
    return title === undefined ? [] : [{ at: `${file}:${lineOf(text, call.start)}`, text: title }]
  })
}

function readSource(file: string): Source {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const { program, comments } = parseSync(file, text)
  const calls: (CallExpression | NewExpression)[] = []
  new Visitor({
    CallExpression: (node) => calls.push(node),
    NewExpression: (node) => calls.push(node),
  }).visit(program)
  return { file, text, comments, calls }
}

function textOf(node: Argument | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node?.type === 'TemplateLiteral') return node.quasis.map(({ value }) => value.cooked ?? '').join('…')
  return undefined
}

/** Returns the name of the function at the beginning of a call: `it` for `it.each(…)(…)`. */
function rootOf(callee: CallExpression['callee']): string {
  if (callee.type === 'CallExpression') return rootOf(callee.callee)
  if (callee.type === 'MemberExpression') return rootOf(callee.object)
  if (callee.type === 'TaggedTemplateExpression') return rootOf(callee.tag)
  return nameOf(callee)
}

function nameOf(callee: CallExpression['callee']): string {
  return callee.type === 'Identifier' ? callee.name : ''
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}
