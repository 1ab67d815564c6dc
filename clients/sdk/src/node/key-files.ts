import { link, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

/** The steps of file work on keys. A test replaces them to stop the process at each step. */
export interface KeyFiles {
  /** Resolves with the text of a file, or undefined if there is none. */
  read(path: string): Promise<string | undefined>
  /**
   * Creates a file with all of its text. Resolves with false if the path exists. `draft` is the path of the text
   * before it gets its name; it must be unique unless the caller holds the lock.
   */
  create(path: string, text: string, draft?: string): Promise<boolean>
  /** Creates or replaces a file. A reader sees either the old or the new text, even after a crash. */
  replace(path: string, text: string): Promise<void>
  /** Gives a file another name, and replaces a file of that name. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file, if it is there. */
  remove(path: string): Promise<void>
  /** Removes the draft of a file, which a process that was killed may have left. */
  sweep(path: string): Promise<void>
  /** Resolves with a text that changes when the file is replaced. */
  version(path: string): Promise<string>
}

const OWNER_ONLY = 0o600

/**
 * Makes file work that is on the disk when it resolves. Calls `step` before each change of the disk, so that a test
 * can stop the process there.
 */
export function durableFilesWith(step: () => void): KeyFiles {
  const write = async (draft: string, text: string) => {
    step()
    await rm(draft, { force: true })
    const file = await open(draft, 'wx', OWNER_ONLY)
    try {
      step()
      await file.writeFile(text)
      step()
      await file.sync()
    } finally {
      await file.close()
    }
    step()
  }
  return {
    read: (path) => readFile(path, 'utf8').catch((error: unknown) => orNone(error, 'ENOENT')),
    async create(path, text, draft = draftOf(path)) {
      await write(draft, text)
      try {
        return await linkOrRename(draft, path)
      } finally {
        step()
        await rm(draft, { force: true })
        await syncFolder(dirname(path))
      }
    },
    async replace(path, text) {
      const draft = draftOf(path)
      await write(draft, text)
      await rename(draft, path)
      step()
      await syncFolder(dirname(path))
    },
    async rename(from, to) {
      step()
      await rename(from, to)
      await syncFolder(dirname(to))
    },
    async remove(path) {
      step()
      await rm(path, { force: true })
      await syncFolder(dirname(path))
      step()
    },
    sweep: (path) => rm(draftOf(path), { force: true }),
    async version(path) {
      const { ino = 0, mtimeMs = 0, size = 0 } = (await stat(path).catch(() => undefined)) ?? {}
      return `${ino} ${mtimeMs} ${size}`
    },
  }
}

/** File work that is on the disk when it resolves. */
export const durableFiles: KeyFiles = durableFilesWith(() => undefined)

/** Returns the path without symbolic links, so that all processes use the same neighbours of the file. */
export async function realPath(path: string): Promise<string> {
  const full = resolve(path)
  return realpath(full).catch(() => full)
}

/** Tells whether an error of the system has this code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** The draft has always the same name, so that a crash leaves no more than one copy of a key. */
function draftOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.tmp`)
}

/** Gives a draft its name, unless the name is taken. Some file systems have no links. */
async function linkOrRename(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    if (await stat(path).catch(() => undefined)) return false
    await rename(draft, path)
    return true
  }
}

/** Makes the names in a folder durable. Windows cannot open folders. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}

function orNone(error: unknown, code: string): undefined {
  if (!isCode(error, code)) throw error
  return undefined
}
