import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')
const PACKAGES = ['core', 'sdk', 'verifier'] as const
/** An export list with its source, or a declaration with its name. */
const EXPORT =
  /^export (?:type )?\{(?<names>[^}]*)\} from '(?<source>[^']+)'|^export (?:declare )?(?:async )?(?:function\*?|const|class|interface|type|enum) (?<name>\w+)/gm
const INTRODUCTION = `# Exports of the packages

What programs can import from [core](../clients/core/README.md), [the SDK](../clients/sdk/README.md) and [the
verifier](../clients/verifier/README.md), and what each export is for. Everything else in the packages is internal:
\`exports\` in their package.json does not name it. Programs rarely import core by themselves, because the SDK and the
verifier use it for them.

\`npm run generate\` writes this page from the sources.`

/** An export of a module. */
interface Export {
  readonly name: string
  /** Returns the first sentence of its docstring. Throws without one. */
  readonly use: () => string
}

/** Writes docs/exports.md from the package.json files and the docstrings. Throws for an export without a docstring. */
export function exportsPage(): string {
  const sections = PACKAGES.map((name) => {
    const entries = entriesOf(name).map(([entry, path]) => `### \`${entry}\`\n\n${tableOf(entry, exportsOf(path))}`)
    return `## @auth4agent/${name}\n\n${entries.join('\n\n')}`
  })
  return `${[INTRODUCTION, ...sections].join('\n\n')}\n`
}

/** Returns what programs write to import each entry of a package, with the path of its source. */
function entriesOf(name: string): readonly (readonly [string, string])[] {
  const folder = join(ROOT, 'clients', name)
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string>>
  }
  return Object.entries(exports).map(([entry, path]) => [`@auth4agent/${name}${entry.slice(1)}`, join(folder, path)])
}

/** Lists the exports of a module. */
function exportsOf(path: string): readonly Export[] {
  const text = readFileSync(path, 'utf8')
  return [...text.matchAll(EXPORT)].flatMap(({ groups = {} }) => {
    const { names, source, name } = groups
    if (name !== undefined) return [{ name, use: () => useOf(name, text, path) }]
    const own = (names ?? '').split(',').map((each) => each.trim().replace(/^type /, ''))
    return own.filter(Boolean).map((each) => ({ name: each, use: () => useIn(each, source ?? '', path) }))
  })
}

/** Finds the docstring of an export in the module that it comes from, through further lists. */
function useIn(name: string, source: string, from: string): string {
  const path = source.startsWith('@auth4agent/core/')
    ? join(ROOT, 'clients/core/src', `${source.slice('@auth4agent/core/'.length)}.ts`)
    : join(dirname(from), source)
  const found = exportsOf(path).find((each) => each.name === name)
  if (found === undefined) throw new Error(`${path} does not export ${name}`)
  return found.use()
}

/** Returns the first sentence of the docstring before a declaration. Throws without one. */
function useOf(name: string, text: string, path: string): string {
  const declaration = new RegExp(
    String.raw`/\*\*((?:(?!\*/)[^])*)\*/\nexport (?:declare )?(?:async )?(?:function\*?|const|class|interface|type|enum) ${name}\b`,
  ).exec(text)
  const lines = (declaration?.[1] ?? '').split('\n').map((line) => line.replace(/^ *\* ?/, '').trim())
  const [paragraph = ''] = lines.join('\n').trim().split('\n\n')
  const [sentence = ''] = paragraph.replaceAll('\n', ' ').split(/(?<=[.!])\s+(?=[A-Z`{@])/)
  const use = sentence
    .replaceAll(/\{@link ([\w.]+)\}/g, '`$1`')
    .replace(/\.$/, '')
    .trim()
  if (use === '') throw new Error(`${name} in ${path} has no docstring that says what it is for`)
  return use
}

function tableOf(entry: string, exports: readonly Export[]): string {
  if (exports.length === 0) throw new Error(`${entry} exports nothing`)
  const rows = exports.map(({ name, use }) => `| \`${name}\` | ${use().replaceAll('|', String.raw`\|`)} |`)
  return ['| export | what it is for |', '|---|---|', ...rows].join('\n')
}
