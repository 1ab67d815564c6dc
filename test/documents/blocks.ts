import { execFile } from 'node:child_process'
import { stripTypeScriptTypes } from 'node:module'
import { promisify } from 'node:util'
import { parseDocument } from 'yaml'
import type { Block } from '../support/documents/markdown.ts'

const run = promisify(execFile)

/** Checks a text of one language. Rejects or throws if the text does not parse. */
type Check = (text: string) => unknown

/** The check for blocks of each language. No check runs a block. */
const CHECKS: Readonly<Record<string, Check>> = {
  sh: checkShell,
  console: (text) => checkShell(commandsOf(text)),
  json: (text) => JSON.parse(text),
  yaml: checkYaml,
  ts: (text) => stripTypeScriptTypes(text, { mode: 'strip' }),
  python: (text) => pipe('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], text),
  // The tests have no parser for these languages.
  go: () => undefined,
  nginx: () => undefined,
  sql: () => undefined,
  http: () => undefined,
  text: () => undefined,
}

/** Lists the problems of a block of code in a document, one sentence each. */
export async function blockProblems(path: string, { info, text, line }: Block): Promise<readonly string[]> {
  const [language = ''] = info.split(' ')
  const check = CHECKS[language]
  if (check === undefined) {
    const known = Object.keys(CHECKS).join(', ')
    return [`${path}:${line} has a block of the language "${language}"; it must be one of ${known}`]
  }
  try {
    await check(text)
    return []
  } catch (error) {
    return [`${path}:${line} is not ${language}: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** Parses a shell script without running it. */
async function checkShell(text: string): Promise<void> {
  await pipe('bash', ['-n'], text)
}

function checkYaml(text: string): void {
  const [problem] = parseDocument(text).errors
  if (problem !== undefined) throw problem
}

/** Returns the commands of a session: the text after each `$ `, with the lines that follow a backslash. */
function commandsOf(session: string): string {
  const lines = session.split('\n')
  const isCommand = (index: number): boolean =>
    lines[index]?.startsWith('$ ') === true ||
    (index > 0 && lines[index - 1]?.endsWith('\\') === true && isCommand(index - 1))
  return lines
    .filter((_, index) => isCommand(index))
    .map((line) => line.replace(/^\$ /, ''))
    .join('\n')
}

async function pipe(program: string, args: readonly string[], input: string): Promise<void> {
  const running = run(program, args)
  running.child.stdin?.end(input)
  await running
}
