import { randomBytes } from 'node:crypto'
import { type FileHandle, link, open, readFile, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Reads a secret from a file that only its owner can read, and creates the file first if it is missing. The file
 * appears complete or not at all. Two processes that start at the same time get the same secret.
 */
export async function readOrCreateSecret(path: string, make: () => string): Promise<string> {
  const existing = await readIfPresent(path)
  if (existing !== undefined) return existing
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await writeAndClose(file, make)
    await link(temporary, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    await unlink(temporary)
  }
  await syncFolder(dirname(path))
  return readFile(path, 'utf8')
}

/** Makes new file names in a folder survive a power loss. Windows needs no call, because it journals names itself. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function writeAndClose(file: FileHandle, make: () => string): Promise<void> {
  try {
    await file.writeFile(make())
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Returns the text of a file, or undefined if the file does not exist. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
