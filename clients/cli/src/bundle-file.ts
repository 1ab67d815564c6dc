import { type AgentBundle, parseAgentBundle } from '@auth4agent/core/key-events/bundle-text'
import { readText } from '@auth4agent/sdk/node'
import { configurationError, usageError } from './cli-error.ts'
import type { Io } from './context.ts'
import { shown } from './hidden.ts'

/** Reads a bundle from a file, or from standard input for `-`. Throws CliError if there is no bundle. */
export async function readBundle(file: string, { readStdin }: Pick<Io, 'readStdin'>): Promise<AgentBundle> {
  const text = file === '-' ? await readStdin() : await readText(file)
  if (text === undefined) throw configurationError(`There is no file ${shown(file)}`, WRITTEN_BY)
  const bundle = parseAgentBundle(text)
  if (bundle === undefined) throw usageError(`The file ${shown(file)} contains no bundle of an agent`, WRITTEN_BY)
  return bundle
}

const WRITTEN_BY = '`auth4agent agent export-bundle --output FILE` writes a bundle.'
