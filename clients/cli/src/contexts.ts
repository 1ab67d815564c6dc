import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { readText, writeText } from '@auth4agent/sdk/node'
import { configurationError, usageError } from './cli-error.ts'
import { shown } from './hidden.ts'

/** The default context: its files are in the tool's folder itself, and not in a folder below it. */
export const DEFAULT_CONTEXT = 'default'
/**
 * A name contains no separator and no dot, so it cannot lead out of the folder. It is in lower case, because some file
 * systems ignore case.
 */
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/
const FOLDER = 'contexts'
const CHOICE = 'context.json'

/** Returns the name if it is a valid name of a context. Throws CliError otherwise. */
export function checkContextName(name: string): string {
  if (NAME.test(name)) return name
  throw usageError(
    `${shown(name)} is not a valid name of a context`,
    'A name begins with a lower-case letter or a digit, and has at most 63 of these characters: a-z 0-9 - _',
  )
}

/** Returns the folder of a context, which need not exist. */
export function contextFolder(root: string, name: string): string {
  return name === DEFAULT_CONTEXT ? root : join(root, FOLDER, name)
}

/** Tells whether a context exists. The default context always exists. */
export async function isThere(root: string, name: string): Promise<boolean> {
  if (name === DEFAULT_CONTEXT) return true
  const found = await stat(contextFolder(root, name)).catch(() => undefined)
  return found?.isDirectory() === true
}

/** Lists the names of all contexts, first the default context. */
export async function contextNames(root: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, FOLDER)).catch(() => [])
  const names = entries.filter((name) => NAME.test(name) && name !== DEFAULT_CONTEXT).toSorted()
  const there = await Promise.all(names.map((name) => isThere(root, name)))
  return [DEFAULT_CONTEXT, ...names.filter((_, index) => there[index])]
}

/** Returns the context that `context use` has chosen, or undefined. Throws CliError if context.json is not valid. */
export async function readChoice(root: string): Promise<string | undefined> {
  const path = join(root, CHOICE)
  const text = await readText(path)
  if (text === undefined) return undefined
  const { current } = parse(text)
  if (typeof current === 'string' && NAME.test(current)) return current
  throw configurationError(
    `The file ${path} does not name a valid context`,
    'Remove the file, or choose a context: `auth4agent context use NAME`',
  )
}

/** Stores the name of the chosen context for later runs. */
export async function writeChoice(root: string, name: string): Promise<void> {
  await writeText(join(root, CHOICE), `${JSON.stringify({ current: name })}\n`)
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text)
    return isJsonObject(json) ? json : {}
  } catch {
    return {}
  }
}
