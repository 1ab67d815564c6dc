import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Creates a folder and its missing parents, and returns the folders that it created. Node's own recursive mkdir never
 * returns for a path below a missing folder in /proc.
 * @param path absolute
 */
export async function makeFolders(path: string, mode: number): Promise<string[]> {
  try {
    return await makeFolder(path, mode)
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(path) === path) throw error
  }
  const above = await makeFolders(dirname(path), mode)
  return [...above, ...(await makeFolder(path, mode))]
}

async function makeFolder(path: string, mode: number): Promise<string[]> {
  try {
    await mkdir(path, { mode })
    return [path]
  } catch (error) {
    if (hasCode(error, 'EEXIST') && (await stat(path)).isDirectory()) return []
    throw error
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
