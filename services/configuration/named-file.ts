import { readFile } from 'node:fs/promises'
import { StartupError } from '../platform/errors/startup-error.ts'

/** A file that a setting names. */
export interface NamedFile {
  readonly setting: string
  readonly path: string
  /** What the file must contain, for errors: `the key-encryption key`. */
  readonly what: string
}

/**
 * Returns the bytes of a file that a setting names.
 * @throws StartupError, with the setting and the path, when the file cannot be read
 */
export async function readNamed(file: NamedFile): Promise<Buffer> {
  const { setting, path, what } = file
  try {
    return await readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const why = WHY[code] ?? (error instanceof Error ? error.message : String(error))
    throw new StartupError(`${setting} names ${path} for ${what}, but ${why}`)
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read that file',
  EISDIR: 'that is a folder',
}
