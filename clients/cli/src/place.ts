import { dirname, join, resolve } from 'node:path'
import { nearest } from '@auth4agent/core/names/nearest'
import { configurationError, usageError } from './cli-error.ts'
import type { Command } from './command.ts'
import type { Io, Place } from './context.ts'
import { checkContextName, contextFolder, contextNames, DEFAULT_CONTEXT, isThere, readChoice } from './contexts.ts'
import type { FlagValues } from './flags.ts'
import { readSetting } from './settings.ts'

/**
 * Finds the folder of a run. The first of these decides: --config, --context, AUTH4AGENT_CONTEXT, the choice of
 * `context use`, the default. Throws CliError.
 */
export async function findPlace(
  values: FlagValues,
  { folder }: Pick<Command, 'folder'>,
  { env, home }: Pick<Io, 'env' | 'home'>,
  warn: (text: string) => void,
): Promise<Place> {
  const [config] = values.get('config') ?? []
  const [named] = values.get('context') ?? []
  if (config !== undefined && named !== undefined) throw usageError('--config and --context cannot be used together')
  const root = absolute(readSetting(env, 'HOME', warn) ?? join(home, '.auth4agents'), home)
  if (config !== undefined) {
    return { root, folder: absolute(config, home), context: undefined, chosenBy: '--config' }
  }
  const chosen = named === undefined ? readSetting(env, 'CONTEXT', warn) : undefined
  const used = named === undefined && chosen === undefined ? await choiceFor(folder, root) : undefined
  const context = checkContextName(named ?? chosen ?? used ?? DEFAULT_CONTEXT)
  const by = [named && '--context', chosen && 'environment', used && 'context use'] as const
  const chosenBy = by.find((each) => each !== undefined && each !== '') || 'default'
  return { root, folder: contextFolder(root, context), context, chosenBy }
}

/**
 * Returns the choice of `context use`, or undefined. Ignores an invalid choice for commands that use no folder, so
 * that `context use` can replace it.
 */
async function choiceFor(folder: Command['folder'], root: string): Promise<string | undefined> {
  return readChoice(root).catch((error: unknown) => {
    if (folder === 'unused') return undefined
    throw error
  })
}

/** Throws CliError if the context does not exist, unless the command creates a context or uses none. */
export async function checkPlace({ root, context }: Place, command: Pick<Command, 'folder'>): Promise<void> {
  if (command.folder !== 'needed' || context === undefined || (await isThere(root, context))) return
  throw await unknownContext(root, context)
}

/** Makes the error for a context that does not exist. */
export async function unknownContext(root: string, name: string) {
  const meant = nearest(name, await contextNames(root))
  const make = `\`auth4agent init --context ${name} --domain DOMAIN --server URL\` creates it.`
  return configurationError(
    `There is no context ${JSON.stringify(name)} in ${root}`,
    meant === undefined ? make : `Did you mean ${meant}? ${make}`,
  )
}

/**
 * Returns an absolute path, because the tool writes it into configurations. `--config` may also be the path of a .json
 * file in the folder, as in version 1.
 */
function absolute(path: string, home: string): string {
  const full = path === '~' || path.startsWith('~/') ? join(home, path.slice(2)) : resolve(path)
  return full.endsWith('.json') ? dirname(full) : full
}
