import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The Node that this machine has installed: the first on PATH that no package brought. It may be older than the one the tests run on. */
export function machineNode(): string {
  const program = process.platform === 'win32' ? 'node.exe' : 'node'
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? process.execPath
}
