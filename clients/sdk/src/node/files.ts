import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Auth4AgentError, clientError } from '../errors.ts'

const MAX_BYTES = 1_048_576
const OWNER_ONLY = 0o600
const FOLDER_MODE = 0o700
const OTHERS = 0o077

/** A file or key on this machine that cannot be used. `reason` is CONFIGURATION, `status` 0. */
export function configurationError(message: string, options?: ErrorOptions): Auth4AgentError {
  return clientError('CONFIGURATION', message, options)
}

/**
 * Reads a text of at most 1 MiB. Undefined when there is no file. With `secret`, a file that anybody but its owner may read is refused,
 * judged on the open file, so that nothing changes in between.
 */
export async function readText(path: string, { secret = false } = {}): Promise<string | undefined> {
  // A pipe of that name would otherwise be waited for.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((error: unknown) => {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined
    throw unreadable(path, error)
  })
  if (file === undefined) return undefined
  try {
    const { mode, size } = await file.stat().then((stat) => {
      if (!stat.isFile()) throw configurationError(`${path} is not a file`)
      return stat
    })
    if (size > MAX_BYTES) throw configurationError(`${path} is too large`)
    // Windows has no such permissions: a file has those of the folder around it.
    if (secret && process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      throw configurationError(`others may read the private key in ${path}. Shut them out: chmod 600 '${path}'`)
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/**
 * Writes a text for its owner's eyes alone: a reader sees the old file or the new one, and after a crash too. With `exclusive` it must
 * not exist yet. A link to a file elsewhere stays one, unless `replacesLink`: so it has to be where others may make links. Rejects with
 * CONFIGURATION.
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
    const why = isCode(error, 'EEXIST') ? 'it is there already' : codeOf(error)
    throw configurationError(`${path} cannot be written: ${why}`, { cause: error })
  }
}

/** By steps of its own: Node's recursive mkdir never returns for a path below a missing folder in /proc. */
async function makeFolders(path: string): Promise<void> {
  const isThere = await makeFolder(path)
  if (isThere || dirname(path) === path) return
  await makeFolders(dirname(path))
  if (!(await makeFolder(path))) throw Object.assign(new Error(`${path} cannot be created`), { code: 'ENOENT' })
}

/** Whether the folder, or something in its place, is there now; false where the one above it is missing. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: FOLDER_MODE })
    return true
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false
    // What opens the file there says when this is none.
    if (isCode(error, 'EEXIST')) return true
    throw error
  }
}

/** Whoever may do everything would replace a device by a file. */
async function expectReplaceable(path: string): Promise<void> {
  const present = await lstat(path).catch(() => undefined)
  if (present !== undefined && !present.isFile() && !present.isSymbolicLink()) throw new Error('it is not a file')
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

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? String(error.code) : error.message
}
