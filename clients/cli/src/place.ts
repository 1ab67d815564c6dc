import { dirname, join, resolve } from 'node:path'
import { nearest } from '@auth4agent/core/names/nearest'
import { configurationError, usageError } from './cli-error.ts'
import type { Command } from './command.ts'
import type { Io } from './context.ts'
import { checkContextName, contextFolder, contextNames, DEFAULT_CONTEXT, isThere, readChoice } from './contexts.ts'
import type { FlagValues } from './flags.ts'
import { readSetting } from './settings.ts'

/** Where the tool keeps its files, and why there. */
export interface Place {
  /** Holds the contexts; absolute. */
  readonly root: string
  /** The folder of this run, absolute; it may not exist. */
  readonly folder: string
  /** The context that `folder` is of; undefined where --config names a folder. */
  readonly context: string | undefined
  readonly chosenBy: '--config' | '--context' | 'environment' | 'context use' | 'default'
}

/**
 * Finds the folder of a run: --config, else --context, else AUTH4AGENT_CONTEXT, else what `context use` has chosen,
 * else the default. Throws CliError.
 */
export async function findPlace(
  values: FlagValues,
  { folder }: Pick<Command, 'folder'>,
  { env, home }: Pick<Io, 'env' | 'home'>,
  warn: (text: string) => void,
): Promise<Place> {
  const [config] = values.get('config') ?? []
  const [named] = values.get('context') ?? []
  if (config !== undefined && named !== undefined) throw usageError('either --config or --context')
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

/** A file that cannot be read stops whoever needs it, and not `context use`, which mends it. */
async function choiceFor(folder: Command['folder'], root: string): Promise<string | undefined> {
  return readChoice(root).catch((error: unknown) => {
    if (folder === 'unused') return undefined
    throw error
  })
}

/** Holds a command to a context that is there, unless it makes one or reads none. Throws CliError. */
export async function checkPlace({ root, context }: Place, command: Pick<Command, 'folder'>): Promise<void> {
  if (command.folder !== 'needed' || context === undefined || (await isThere(root, context))) return
  throw await unknownContext(root, context)
}

/** The error for a context that is not there. */
export async function unknownContext(root: string, name: string) {
  const meant = nearest(name, await contextNames(root))
  const make = `\`auth4agent init --context ${name} --domain DOMAIN --server URL\` makes it.`
  return configurationError(
    `there is no context ${JSON.stringify(name)} in ${root}`,
    meant === undefined ? make : `Did you mean ${meant}? ${make}`,
  )
}

/**
 * Absolute, for it is written into configurations. `--config` has been a file's path in the folder, and still may be.
 */
function absolute(path: string, home: string): string {
  const full = path === '~' || path.startsWith('~/') ? join(home, path.slice(2)) : resolve(path)
  return full.endsWith('.json') ? dirname(full) : full
}
