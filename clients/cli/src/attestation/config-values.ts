import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { usageError } from '../cli-error.ts'
import { shown } from '../hidden.ts'
import { readBodyFile } from '../secrets.ts'

const NAME = /^[a-z][a-z0-9_]*$/
const PEM = /-----BEGIN [A-Z0-9 ]+-----[^-]+-----END [A-Z0-9 ]+-----/g

/** Reads a file with a JSON object. Throws CliError, without quoting the file. */
export async function readJsonFile(path: string, readStdin: () => Promise<string>): Promise<JsonObject> {
  const text = path === '-' ? await readStdin() : Buffer.from(await readBodyFile(path)).toString()
  const value = parse(text)
  if (isJsonObject(value)) return value
  throw usageError(`${path === '-' ? 'Standard input' : shown(path)} must be a JSON object`)
}

/**
 * Reads the settings of an attestor: `NAME=VALUE`. A value is JSON if it is an object, a list, a number or a boolean,
 * and otherwise a text. `NAME=@FILE` takes the value from a file; a file in PEM becomes a list. Throws CliError.
 */
export async function readSettings(given: readonly string[]): Promise<JsonObject> {
  const settings: [string, unknown][] = []
  for (const setting of given) {
    const at = setting.indexOf('=')
    const name = setting.slice(0, Math.max(at, 0))
    if (!NAME.test(name))
      throw usageError('--setting must be NAME=VALUE or NAME=@FILE', 'For example: --setting namespace=orders')
    if (settings.some(([known]) => known === name)) throw usageError(`--setting names ${name} twice`)
    settings.push([name, await readValue(setting.slice(at + 1))])
  }
  return Object.fromEntries(settings)
}

async function readValue(given: string): Promise<unknown> {
  if (!given.startsWith('@')) return valueOf(given)
  const text = Buffer.from(await readBodyFile(given.slice(1))).toString()
  return text.match(PEM) ?? valueOf(text.trim())
}

function valueOf(text: string): unknown {
  const value = parse(text)
  return value === undefined || value === null ? text : value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
