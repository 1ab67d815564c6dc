import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CallExpression, type Expression, parseSync, Visitor } from 'oxc-parser'
import { SEPARATOR } from './requirement.ts'

const ROOT = join(import.meta.dirname, '../../../..')
/** Stands for each value that a title contains. */
const VALUE = '\0'
const PLACEHOLDERS = /%[sdifjoO]|\$[A-Za-z_][\w.]*/g

/** The tests of one file. */
interface TestFile {
  /** The titles of each test with those of the groups around it. In a table, VALUE stands for each value. */
  readonly titles: readonly string[]
  /** The texts that the file contains, among them the values of its tables. */
  readonly texts: ReadonlySet<string>
}

const files = new Map<string, TestFile>()

/**
 * Tells whether a file contains a test with these titles. The title of a test in a table may be written with its
 * placeholders, for the whole table, or with values that the file contains, for one case.
 * @param path from the checkout
 */
export function hasTest(path: string, titles: string): boolean {
  if (!existsSync(join(ROOT, path))) return false
  const file = files.get(path) ?? readTestFile(path)
  files.set(path, file)
  return file.titles.some((title) => {
    if (title === titles.replaceAll(PLACEHOLDERS, VALUE)) return true
    const values = new RegExp(
      `^${title
        .split(VALUE)
        .map((part) => RegExp.escape(part))
        .join('(.+)')}$`,
    ).exec(titles)
    return values !== null && values.slice(1).every((value) => file.texts.has(value) || /^\d+$/.test(value))
  })
}

function readTestFile(path: string): TestFile {
  const titles: string[] = []
  const texts = new Set<string>()
  const groups: string[] = []
  new Visitor({
    CallExpression(node) {
      const title = titleOf(node)
      if (title === undefined) return
      if (rootOf(node.callee) === 'describe') groups.push(title)
      else titles.push([...groups, title].join(SEPARATOR))
    },
    'CallExpression:exit'(node) {
      if (titleOf(node) !== undefined && rootOf(node.callee) === 'describe') groups.pop()
    },
    Literal({ value }) {
      if (typeof value === 'string') texts.add(value)
    },
    Property({ key }) {
      if (key.type === 'Identifier') texts.add(key.name)
    },
  }).visit(parseSync(path, readFileSync(join(ROOT, path), 'utf8')).program)
  return { titles, texts }
}

/** Returns the title of a test or of a group of tests; undefined for any other call. */
function titleOf({ callee, arguments: [title] }: CallExpression): string | undefined {
  if (!['it', 'test', 'describe'].includes(rootOf(callee))) return undefined
  if (title?.type === 'TemplateLiteral') return title.quasis.map(({ value }) => value.cooked ?? '').join(VALUE)
  if (title?.type !== 'Literal' || typeof title.value !== 'string') return undefined
  return callee.type === 'CallExpression' ? title.value.replaceAll(PLACEHOLDERS, VALUE) : title.value
}

/** Returns the name of the function at the beginning of a call: `it` for `it.each(…)(…)`. */
function rootOf(callee: Expression): string {
  if (callee.type === 'CallExpression') return rootOf(callee.callee)
  if (callee.type === 'MemberExpression') return rootOf(callee.object)
  return callee.type === 'Identifier' ? callee.name : ''
}
