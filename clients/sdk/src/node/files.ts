import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Auth4AgentError, clientError } from '../errors.ts'

const MAX_BYTES = 1_048_576
const OWNER_ONLY = 0o600
const FOLDER_MODE = 0o700
const OTHERS = 0o077

/** Makes the error for a file or key on this machine that cannot be used. `reason` is CONFIGURATION, `status` is 0. */
export function configurationError(message: string, options?: ErrorOptions): Auth4AgentError {
  return clientError('CONFIGURATION', message, options)
}

/**
 * Reads a text file of at most 1 MiB. Resolves with undefined if the file does not exist. With `secret`, it refuses a
 * file that other users may access. It checks the open file, so that no other file can take its place between the
 * check and the reading. Rejects with CONFIGURATION.
 *
 * @example
 *
 * ```ts
 * import { readText } from '@auth4agent/sdk/node'
 *
 * const token = await readText('/run/secrets/token', { secret: true })
 * ```
 */
export async function readText(path: string, { secret = false } = {}): Promise<string | undefined> {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((error: unknown) => {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined
    throw unreadable(path, error)
  })
  if (file === undefined) return undefined
  try {
    const { mode, size } = await file.stat().then((stat) => {
      if (!stat.isFile()) throw configurationError(`${path} must be a regular file`)
      return stat
    })
    if (size > MAX_BYTES) throw configurationError(`${path} must not be larger than 1 MiB`)
    // Windows has no such permission bits. There, a file has the permissions of its folder.
    if (secret && process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      throw configurationError(`Other users may access the private key in ${path}: run chmod 600 '${path}'`)
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/**
 * Writes a text file that only its owner may read. If a file is replaced, a reader sees either the old or the new
 * text, even after a crash.
 *
 * - `exclusive`: the file must not exist yet.
 * - `replacesLink`: the file replaces a symbolic link at the path. Use this option in folders where others may create
 *   links. Without it, the function writes to the target of the link.
 *
 * Rejects with CONFIGURATION.
 *
 * @example
 *
 * ```ts
 * import { writeText } from '@auth4agent/sdk/node'
 *
 * await writeText('/run/agent/token', token, { replacesLink: true })
 * ```
 */
export async function writeText(
  path: string,
  text: string,
  { exclusive = false, replacesLink = false } = {},
): Promise<void> {
  try {
    await makeFolders(dirname(resolve(path)))
    if (exclusive) {
      await writeDurably(path, text)
      return
    }
    const target = replacesLink ? path : await realpath(path).catch(() => path)
    await expectReplaceable(target)
    const draft = join(dirname(target), `.${randomUUID()}.tmp`)
    try {
      await writeDurably(draft, text)
      await rename(draft, target)
    } finally {
      await rm(draft, { force: true })
    }
  } catch (error) {
    const why = isCode(error, 'EEXIST') ? 'it exists already' : codeOf(error)
    throw configurationError(`${path} cannot be written: ${why}`, { cause: error })
  }
}

/**
 * Creates folders one by one, because Node's recursive mkdir never returns for a path below a missing folder in /proc.
 */
async function makeFolders(path: string): Promise<void> {
  const isThere = await makeFolder(path)
  if (isThere || dirname(path) === path) return
  await makeFolders(dirname(path))
  if (!(await makeFolder(path))) throw Object.assign(new Error(`${path} cannot be created`), { code: 'ENOENT' })
}

/**
 * Creates a folder. Returns true if the folder or something else exists at the path now, and false if the parent
 * folder is missing.
 */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: FOLDER_MODE })
    return true
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false
    // If it is not a folder, opening a file in it fails later with the right error.
    if (isCode(error, 'EEXIST')) return true
    throw error
  }
}

/** Throws Error unless the path is free, a file or a link. Otherwise root could replace a device by a file. */
async function expectReplaceable(path: string): Promise<void> {
  const present = await lstat(path).catch(() => undefined)
  if (present !== undefined && !present.isFile() && !present.isSymbolicLink()) throw new Error('The path is not a file')
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', OWNER_ONLY)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

function unreadable(path: string, error: unknown): Auth4AgentError {
  return configurationError(`${path} cannot be read: ${codeOf(error)}`, { cause: error })
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** Returns the code of an error of the system, or its message. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? String(error.code) : error.message
}
